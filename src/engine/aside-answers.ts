// The doors to what lies aside: which there are, one with all that it says, and what a person has done to them. Read from the store at
// whatever node is asked; done by the owner of the shard. Owned by RunningApplication; used by the command without one.
import type { AsideActed, AsideItemView, AsideWholeView } from '../core/aside-views.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import { isRecord, type Json } from '../core/json.ts'
import type { Store } from '../core/store.ts'
import type { Reasoned } from '../define/reasoned.ts'
import type { ActAsidesRequest, AsidesActed, AsidesPage, AsidesRequest } from '../define/asides.ts'
import { reasonOf } from './actions.ts'
import type { ApplicationOptions } from './application-options.ts'
import { ASKED, receipts, type AsideAsked, type AsideDone, type Kept, type Receipt } from './aside-acts.ts'
import { itemOf, shardOfItem } from './aside-rows.ts'
import { asideRead, asideReads, readingsOf, readRow, type AsideRead, type AsideReading, type Found } from './asides.ts'
import type { Directory } from './directory.ts'
import type { Doors } from './doors.ts'
import { busyShards } from './nodes.ts'
import type { Shards } from './shards.ts'

export interface AsideDoorsOptions {
  readonly store: Store
  /** Null where all namespaces are meant, as they stand. */
  readonly reading: AsideReading | null
  /** Null where nothing is open that could say why something lies there, or do anything about it. */
  readonly open: OpenAsides | null
}

/** Of an application that is open. */
export interface OpenAsides {
  readonly directory: Directory
  /** Why something lies aside, where the owner of its shard is this process. */
  readonly causeOf: (shard: number, item: string) => Failure | undefined
  readonly act: (shard: number, asked: AsideAsked) => Promise<AsideDone>
}

/** Those of an application that is open. */
export function asideAnswersOf(
  { store, namespace: ns, codec, directory }: ApplicationOptions,
  doors: Pick<Doors, 'aside'>,
  shards: Pick<Shards, 'ready'>,
): AsideAnswers {
  const causeOf = (shard: number, item: string): Failure | undefined => shards.ready(shard)?.shard.aside.causeOf(item)
  const act = (shard: number, asked: AsideAsked): Promise<AsideDone> => doors.aside(shard, asked)
  return new AsideAnswers({ store, reading: { ns, codec }, open: { directory, causeOf, act } })
}

const [LIMIT, LIMIT_MOST] = [100, 1000] as const
const [ACT_LIMIT, ACT_LIMIT_MOST] = [1000, 10_000] as const
/** Names and refusals that an answer has. */
const SHOWN = 100
/** Shards that are asked at a time. */
const WIDTH = 8

export class AsideAnswers {
  readonly #options: AsideDoorsOptions

  constructor(options: AsideDoorsOptions) {
    this.#options = options
  }

  /** @throws QUERY_INVALID */
  async list({ limit: asked, ...filter }: AsidesRequest = {}): Promise<AsidesPage> {
    const limit = wholeNumber('limit', asked, LIMIT, LIMIT_MOST)
    const { store, reading } = this.#options
    const { reads, more } = await asideReads(store, await busyShards(store), reading, filter, limit)
    return { items: reads.map((read) => this.#view(read)), more }
  }

  /** One with all that it says, or said. @throws ASIDE_UNKNOWN, ASIDE_DROPPED of one of which nobody knows what it said */
  async show(item: string): Promise<AsideWholeView> {
    const { store, reading } = this.#options
    const shard = await this.#shardOf(item)
    const read = await asideRead(store, shard, reading, item)
    if (read !== null) return { ...this.#view(read), ...contentOf(read.found) }
    const kept = await this.#kept(shard, item)
    if (kept === null || kept.row === null) throw unknown(item, kept)
    const { receipt, row, found } = kept
    const { kind, name, version, id } = found
    const since = new Date(row.at).toISOString()
    const view = { item, shard, kind, name, version, id, again: 'never', since, cause: null } as const
    return { ...view, ...contentOf(found), dropped: receipt }
  }

  /** @throws ASIDE_UNKNOWN, ASIDE_DROPPED for one that was, what the owner of the shard does */
  async act(action: AsideAsked['action'], item: string, request: Reasoned): Promise<AsideActed> {
    const { by, why } = reasonOf(request)
    const shard = await this.#shardOf(item)
    const { asides } = await this.#open.act(shard, { action, items: [item], by, why })
    const acted = asides.find((one) => one.item === item)
    // Also one that was dropped, of which whoever tries it again is told.
    if (acted === undefined) throw await this.#unknown(shard, item)
    return acted
  }

  /** @throws QUERY_INVALID, and what stops the application */
  async actOnAll({ action, limit: asked, rehearse, by, why, ...filter }: ActAsidesRequest): Promise<AsidesActed> {
    const limit = wholeNumber('limit', asked, ACT_LIMIT, ACT_LIMIT_MOST)
    if (rehearse !== undefined && typeof rehearse !== 'boolean')
      throw fault('QUERY_INVALID', { name: 'rehearse', problem: 'it must be true or false' })
    const reason = reasonOf({ by, why })
    const { store, reading } = this.#options
    const { reads, more } = await asideReads(store, await busyShards(store), reading, filter, limit)
    const items = new Map(reads.map(({ shard, row }) => [itemOf(shard, row), shard]))
    const matched = items.size
    const none = { action, matched, changed: 0, outcomes: {}, more, refused: [] }
    if (rehearse === true) return { ...none, rehearsed: [...items.keys()].slice(0, SHOWN) }
    const acted = await this.#onEach(items, (shard, names) =>
      this.#open.act(shard, { action, items: names, ...reason }),
    )
    const outcomes: Record<string, number> = {}
    for (const { outcome } of acted.done) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    const changed = acted.done.filter((one) => one.changed).length
    return { ...none, changed, outcomes, refused: acted.refused.slice(0, SHOWN) }
  }

  /** Each shard is asked for some of its own at a time; one that does not take it does not stop the others. */
  async #onEach(
    items: ReadonlyMap<string, number>,
    act: (shard: number, items: readonly string[]) => Promise<AsideDone>,
  ): Promise<{ readonly done: readonly AsideActed[]; readonly refused: AsidesActed['refused'] }> {
    const done: AsideActed[] = []
    const refused: { item: string; code: string; message: string }[] = []
    const left = [...Map.groupBy(items, ([, shard]) => shard)]
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [shard, entries] = next
        const names = entries.map(([item]) => item)
        for (let at = 0; at < names.length; at += ASKED) {
          const some = names.slice(at, at + ASKED)
          try {
            done.push(...(await act(shard, some)).asides)
          } catch (error) {
            if (!isBalletError(error)) throw error
            const { code, message } = toFailure(error)
            refused.push(...names.slice(at).map((item) => ({ item, code, message })))
            break
          }
        }
      }
    }
    await Promise.all(Array.from({ length: WIDTH }, work))
    return { done, refused }
  }

  get #open(): OpenAsides {
    const { open } = this.#options
    if (open === null) throw fault('INVARIANT', { problem: 'nothing is open that could act' })
    return open
  }

  /** @throws ASIDE_UNKNOWN */
  async #shardOf(item: string): Promise<number> {
    const shard = shardOfItem(item, (await this.#options.store.info()).shards)
    if (shard === null) throw fault('ASIDE_UNKNOWN', { item: item.slice(0, 80) })
    return shard
  }

  /** That there is none, or that it was dropped. */
  async #unknown(shard: number, item: string): Promise<Error> {
    return unknown(item, await this.#kept(shard, item))
  }

  /** What is kept of one that was dropped. */
  async #kept(shard: number, item: string): Promise<KeptRead | null> {
    const { store, reading } = this.#options
    for (const { ns, codec } of await readingsOf(store, [shard], reading)) {
      const decode = (payload: Parameters<typeof codec.decode>[0], row: 'turn', id: string): string =>
        codec.decode(payload, { namespace: ns, row, id })
      const [kept] = await receipts({ store, decode }, shard, ns, [item])
      if (kept === undefined) continue
      const { receipt, row } = kept
      return row === null ? { receipt, row } : { receipt, row, found: readRow(row, { ns, codec }) }
    }
    return null
  }

  #view(read: AsideRead): AsideItemView {
    const { shard, again, row, found } = read
    const item = itemOf(shard, row)
    const { kind, name, version, id } = found
    return {
      item,
      shard,
      kind,
      name,
      version,
      id,
      again,
      since: new Date(row.at).toISOString(),
      cause: this.#cause(read, item),
    }
  }

  #cause({ shard, row, found }: AsideRead, item: string): Failure | null {
    const { open } = this.#options
    const known = open?.causeOf(shard, item)
    if (known !== undefined) return known
    if (found.said === null) return found.unread === null ? null : toFailure(found.unread)
    if (open === null) return null
    try {
      judge(open, row.kind, found.said)
      return null
    } catch (error) {
      return toFailure(error)
    }
  }
}

type KeptRead =
  | { readonly receipt: Receipt; readonly row: null }
  | { readonly receipt: Receipt; readonly row: NonNullable<Kept['row']>; readonly found: Found }

/** Where it can be read. */
const contentOf = ({ said }: Found): Pick<AsideWholeView, 'content'> => (said === null ? {} : { content: said })

function unknown(item: string, kept: Pick<KeptRead, 'receipt'> | null): Error {
  if (kept === null) return fault('ASIDE_UNKNOWN', { item })
  const { by, why, at } = kept.receipt
  return fault('ASIDE_DROPPED', { item, by: ` by ${by} at ${at}${why === '' ? '' : `: ${why}`}` })
}

/** What this node would refuse it with. @throws that */
function judge({ directory }: OpenAsides, kind: AsideRead['row']['kind'], said: Json): void {
  if (!isRecord(said)) return
  const { call, type, input, data, made } = said
  if ((kind === 'start' || kind === 'begin') && typeof call === 'string') {
    directory.callable(call)
    if (made === undefined) directory.checkInput(call, input)
  } else if ((kind === 'event' || kind === 'fact') && typeof type === 'string') {
    if (kind === 'fact' || made !== undefined) directory.event(type)
    else directory.checkEvent(type, data)
  }
}

/** @throws QUERY_INVALID */
function wholeNumber(name: string, given: number | undefined, usual: number, most: number): number {
  if (given === undefined) return usual
  if (Number.isInteger(given) && given >= 1 && given <= most) return given
  throw fault('QUERY_INVALID', { name, problem: `it must be a whole number from 1 to ${most}` })
}
