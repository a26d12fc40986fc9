// What the views of one list share and is read once for them: who is suspected, the ids of parents, which are mostly one for many,
// and which reactions of a key have not ended; and for which places calls wait. Used by queries.ts.
import type { RunName, RunRow, StoreReader } from '../core/store.ts'
import { isBalletError } from '../core/errors.ts'
import type { Payload } from '../core/codec.ts'
import type { HeartbeatView, PlaceView, SuspectView, WaitView } from '../core/views.ts'
import type { Directory } from './directory.ts'
import type { Told } from './heart.ts'
import { heartbeatView, readProgress } from './heartbeats.ts'

/** The number of a run, among those of all shards: each shard has numbers of its own. */
export const numberOf = (shard: number, num: number): string => `${shard} ${num}`

/** Reactions of a key that are looked at for what holds another one. */
const LOOKED = 1000

/** What is known of a call by the process that carries its run. */
export interface KnownCall {
  readonly place: PlaceView | undefined
  readonly heartbeat: HeartbeatView | undefined
}

export interface ListReadsOptions {
  readonly reader: StoreReader
  readonly ns: string
  /** Absent where no definition tells. */
  readonly directory: Pick<Directory, 'isOrdered' | 'originOf' | 'hasHeartbeat'> | undefined
  /** For which place at a limited service a call of a run waits here, and more; absent where the application is not open. */
  readonly knownOf?: ((shard: number, run: number, op: string) => KnownCall | undefined) | undefined
  /** The text of a row of the journal of a run. @throws RUN_UNREADABLE */
  readonly text: (data: Payload, id: string) => string
}

const NOTHING: KnownCall = { place: undefined, heartbeat: undefined }
const NO_PROGRESS: ReadonlyMap<string, Told> = new Map()

export class ListReads {
  readonly #options: ListReadsOptions
  readonly #suspects: ReadonlyMap<string, SuspectView | undefined>
  readonly #parents = new Map<string, string | null>()
  readonly #reactions = new Map<string, Promise<readonly RunName[]>>()

  /** @param suspects by their numbers. */
  constructor(options: ListReadsOptions, suspects: ReadonlyMap<string, SuspectView | undefined> = new Map()) {
    this.#options = options
    this.#suspects = suspects
  }

  suspect(shard: number, num: number): SuspectView | undefined {
    return this.#suspects.get(numberOf(shard, num))
  }

  /** Its name alone is read: its row may be large. */
  async parentId(shard: number, parent: number): Promise<string | null> {
    const number = numberOf(shard, parent)
    const id = this.#parents.get(number)
    if (id !== undefined) return id
    const query = { ns: this.#options.ns, after: parent - 1, before: parent + 1, limit: 1 }
    const [found = null] = await this.#options.reader.runNames(shard, query)
    this.#parents.set(number, found?.id ?? null)
    return found?.id ?? null
  }

  /** What a run waits for: where, for which place there, or behind which other run. */
  async waits(shard: number, row: RunRow, waits: readonly WaitView[]): Promise<readonly WaitView[]> {
    const kept = await this.#progress(shard, row, waits)
    const found = waits.map((wait) => (wait.kind === 'call' ? this.#found(shard, row, wait, kept) : wait))
    const behind = await this.#behind(shard, row, found[0])
    return behind === undefined ? found : [behind]
  }

  /**
   * A call, with where it is carried out, the place for which it waits where its service takes no more at the moment, and when it
   * said that it lives.
   */
  #found(shard: number, { num, ended }: RunRow, wait: WaitView, kept: ReadonlyMap<string, Told>): WaitView {
    const at = this.#options.directory?.originOf(wait.for)
    const { place, ...known } = (ended === null ? this.#options.knownOf?.(shard, num, wait.op) : undefined) ?? NOTHING
    const told = kept.get(wait.op)
    const heartbeat = known.heartbeat ?? (told && heartbeatView(told, told))
    const isPlain = at === undefined && place === undefined && heartbeat === undefined
    return isPlain ? wait : { ...wait, at, place, ...(heartbeat === undefined ? {} : { heartbeat }) }
  }

  /** What is kept of how far its calls are; nothing is read where none has a heartbeat. */
  async #progress(shard: number, row: RunRow, waits: readonly WaitView[]): Promise<ReadonlyMap<string, Told>> {
    const { reader, directory, text } = this.#options
    const isAsked = ({ kind, for: call }: WaitView): boolean =>
      kind === 'call' && directory?.hasHeartbeat(call) !== false
    if (row.ended !== null || !waits.some(isAsked)) return NO_PROGRESS
    try {
      return await readProgress({ store: reader, shard }, row, (data) => text(data, row.id))
    } catch (error) {
      if (isBalletError(error) && (error.code === 'RUN_UNREADABLE' || error.code === 'STORE_FAILED')) return NO_PROGRESS
      throw error
    }
  }

  /**
   * What a reaction waits for that is behind another run: it begins when all earlier ones of its service and key have ended
   * (lanes.ts), and nothing has been asked of its service before. One that has failed already has begun.
   */
  async #behind(shard: number, row: RunRow, wait: WaitView | undefined): Promise<WaitView | undefined> {
    if (row.kind !== 'reaction' || row.status !== 'running' || row.key === null) return undefined
    const isOrdered = this.#options.directory?.isOrdered(row.name) === true
    if (wait === undefined || wait.attempt !== undefined || !isOrdered) return undefined
    const behind = (await this.#openReactions(shard, row.key)).find(
      ({ num, id }) => num < row.num && this.#isBefore(id, row),
    )
    return behind === undefined ? undefined : { ...wait, asked: undefined, behind: behind.id }
  }

  /** Whether an open reaction of the same key is of the same service, and in the order of that. Its id begins with its name. */
  #isBefore(id: string, { name }: RunRow): boolean {
    const [service = '', event] = id.split(':', 2)
    return name.startsWith(`${service}:`) && this.#options.directory?.isOrdered(`${service}:${event}`) === true
  }

  /** Those of a key that have not ended, the oldest first. */
  #openReactions(shard: number, key: string): Promise<readonly RunName[]> {
    const place = `${shard} ${key}`
    const known = this.#reactions.get(place)
    if (known !== undefined) return known
    const query = {
      ns: this.#options.ns,
      kind: 'reaction',
      key,
      status: ['running', 'stuck'],
      after: -1,
      limit: LOOKED,
    } as const
    const found = this.#options.reader.runNames(shard, query)
    this.#reactions.set(place, found)
    return found
  }
}
