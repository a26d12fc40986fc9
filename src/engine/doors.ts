// Where what is asked of an application goes: to the shard that the id or the key belongs to, if this process has it, else to
// the inbox of that shard. A shard that is handed on in the middle of it is asked again where it is then: every request has
// its id by then, by which it is known. Where the store has one shard, whoever does not own it answers nothing. Used by
// RunningApplication.
import type { Clock, Random } from '../core/clock.ts'
import { fault, isBalletError } from '../core/errors.ts'
import type { NodeInfo } from '../core/lease.ts'
import type {
  Acted,
  ConductRequest,
  Posted,
  Published,
  PublishRequest,
  Signalled,
  SignalRequest,
  Started,
  StartRequest,
} from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import { tagOfShard, type AsideAsked, type AsideDone } from './aside-acts.ts'
import { judgeEvent } from './asked-event.ts'
import { judgeStart, type AskedStart, type Judging } from './asked-start.ts'
import { conductFlow, judgeConduct } from './conduct-flow.ts'
import { contentHash } from './content-hash.ts'
import type { Directory } from './directory.ts'
import type { Elsewhere } from './elsewhere.ts'
import { perform, type Act } from './far-actions.ts'
import type { FlowsOf } from './flows-elsewhere.ts'
import { Posts } from './posts.ts'
import { isFenced } from './standing.ts'
import type { OwnShard, Shards } from './shards.ts'

export interface DoorsOptions {
  readonly directory: Directory
  readonly random: Random
  readonly clock: Clock
  /** Source of events that are published without one. */
  readonly source: string
  readonly shards: Shards
  readonly elsewhere: () => Elsewhere
  /** The node that owns a shard of several, as far as is known. */
  readonly ownerOf: (shard: number) => NodeInfo | null
  /** What whoever asks for a shard that is not here gets. */
  readonly refusal: (shard: number) => Error
}

export class Doors {
  readonly #options: DoorsOptions
  readonly #judging: Judging

  constructor(options: DoorsOptions) {
    this.#options = options
    const { directory, random, clock } = options
    this.#judging = { directory, random, clock, hash: contentHash }
  }

  /** The shard that an id or a key belongs to. @throws NOT_READY, NODE_STANDBY when it is not here */
  at(name: string): OwnShard {
    const { shards, refusal } = this.#options
    const shard = shards.of(name)
    const own = shards.ready(shard)
    if (own === undefined) throw refusal(shard)
    return own
  }

  async start(request: StartRequest): Promise<Started> {
    if (this.#options.shards.isOne) return await this.at('').requests.start(request)
    const asked = this.#judgeStart(request)
    return this.#wherever(
      asked.birth.id,
      ({ requests }) => requests.start(request, {}, asked),
      (elsewhere) => elsewhere.start(asked, request),
    )
  }

  async startIn(request: StartRequest, tx: object): Promise<Posted> {
    if (this.#options.shards.isOne) return this.#posts(this.at('')).start(request, tx)
    const asked = this.#judgeStart(request)
    const own = this.here(asked.birth.id)
    if (own !== undefined) return this.#posts(own).start(request, tx, asked)
    const { id } = await this.#there((elsewhere) => elsewhere.start(asked, request, tx))
    return { id }
  }

  async publish(request: PublishRequest): Promise<Published> {
    if (this.#options.shards.isOne) return await this.at('').requests.publish(request)
    const asked = judgeEvent(this.#judging, this.#options.source, request)
    return this.#wherever(
      asked.key,
      ({ requests }) => requests.publish(request, {}, asked),
      (elsewhere) => elsewhere.publish(asked, request),
    )
  }

  async publishIn(request: PublishRequest, tx: object): Promise<Posted> {
    if (this.#options.shards.isOne) return this.#posts(this.at('')).publish(request, tx)
    const asked = judgeEvent(this.#judging, this.#options.source, request)
    const own = this.here(asked.key)
    if (own !== undefined) return this.#posts(own).publish(request, tx, asked)
    const { id } = await this.#there((elsewhere) => elsewhere.publish(asked, request, tx))
    return { id }
  }

  async signal(request: SignalRequest): Promise<Signalled> {
    const { random, clock } = this.#options
    // Where it may be asked again, it is one signal all the same.
    const known = this.#options.shards.isOne ? request : { ...request, id: request.id ?? random.uuid(clock.now()) }
    const signalled = await this.#wherever(
      known.run,
      ({ requests }) => requests.signals.send(known),
      (elsewhere) => elsewhere.signal(known),
    )
    return request.id === undefined ? { ...signalled, created: true } : signalled
  }

  async signalIn(request: SignalRequest, tx: object): Promise<Posted> {
    const own = this.here(request.run)
    if (own !== undefined) return this.#posts(own).signal(request, tx)
    const { id } = await this.#there((elsewhere) => elsewhere.signal(request, tx))
    return { id }
  }

  async cancel(run: string, request: Reasoned): Promise<Acted> {
    return this.#wherever(
      run,
      ({ actions }) => actions.cancel(run, request),
      (elsewhere, isAgain) =>
        isAgain ? elsewhere.cancelAgain(run, request) : elsewhere.act({ action: 'cancel', run, request }),
    )
  }

  /** What a person asks of a run: it is done where the run is, and answered as it came out. */
  async act(act: Act): Promise<Acted> {
    const own = this.here(act.run)
    if (own === undefined) return this.#there((elsewhere) => elsewhere.act(act))
    return perform(own.actions, act).catch((error: unknown) => {
      if (!this.#isElsewhereNow(own, error)) throw error
      // It may have been done: asking again would be a second action.
      throw fault('OWNER_SILENT', { address: 'the shard of the run', problem: 'it was handed on meanwhile' })
    })
  }

  /** What a person asks of what lies aside in a shard: it is done by its owner, and answered as it came out. */
  async aside(shard: number, asked: AsideAsked): Promise<AsideDone> {
    const run = tagOfShard(shard)
    const own = this.here(run)
    if (own === undefined)
      return this.#there((elsewhere) => elsewhere.aside({ action: 'aside', run, request: asked })).catch(
        (error: unknown) => {
          // An owner of an older version looks for a run of that name.
          if (!isBalletError(error) || error.code !== 'RUN_UNKNOWN') throw error
          throw fault('OWNER_REFUSED', {
            what: `to ${asked.action} what lies aside`,
            problem: 'it is of an older version of Ballet',
          })
        },
      )
    return own.requests.asides.act(asked).catch((error: unknown) => {
      if (!this.#isElsewhereNow(own, error)) throw error
      // Whoever asks again is told whether it was dropped.
      throw fault('OWNER_SILENT', { address: 'the shard of the item', problem: 'it was handed on meanwhile' })
    })
  }

  /** Who acts on a run, the widest first: its node, and its shard; nothing when that is here. */
  whereabouts(run: string): readonly string[] {
    const { shards, ownerOf } = this.#options
    const shard = shards.of(run)
    if (shards.isOne || shards.ready(shard) !== undefined) return []
    const owner = ownerOf(shard)
    return [...(owner === null ? [] : [`node ${owner.id}`]), `shard ${shard}`]
  }

  async conduct(request: ConductRequest): Promise<Started> {
    const { source } = this.#options
    if (this.#options.shards.isOne) return conductFlow(this.at('').shard, source, request)
    const asked = judgeConduct(this.#judging, source, request)
    return this.#wherever(
      asked.id,
      ({ shard }) => conductFlow(shard, source, request, { asked }),
      (elsewhere) => elsewhere.conduct(asked, request),
    )
  }

  /** Resolves when these flows stand in the store as the events do that are durable by now, whoever owns their shards. */
  async flowsWritten(of: FlowsOf): Promise<void> {
    const { shards } = this.#options
    const asked = of.key === undefined ? shards.numbers : [shards.of(of.key)]
    await Promise.all(asked.map((shard) => this.#flowsWritten(shard, of)))
  }

  async #flowsWritten(shard: number, of: FlowsOf): Promise<void> {
    const own = this.#options.shards.get(shard)
    try {
      if (own !== undefined) return await own.shard.flowsWritten()
    } catch (error) {
      if (own === undefined || !this.#isElsewhereNow(own, error)) throw error
    }
    await this.#options.elsewhere().flowsWritten(shard, of)
  }

  /** An id that is made is one of a shard that is here, where there is one. */
  #judgeStart(request: StartRequest): AskedStart {
    return judgeStart(this.#judging, request, (id) => this.here(id) !== undefined)
  }

  #posts({ shard, requests }: OwnShard): Posts {
    return new Posts(shard.context, requests)
  }

  /** The shard that a name belongs to, if it is here. @throws NOT_READY, NODE_STANDBY where there is one shard */
  here(name: string): OwnShard | undefined {
    const { shards } = this.#options
    return shards.isOne ? this.at(name) : shards.ready(shards.of(name))
  }

  /** Asks for something elsewhere. @throws APP_CLOSED when nothing is asked for any more */
  #there<T>(ask: (elsewhere: Elsewhere) => Promise<T>): Promise<T> {
    const elsewhere = this.#options.elsewhere()
    return elsewhere.patience.asking(() => ask(elsewhere))
  }

  /** @param there is told whether it was asked here before, where nobody knows what came of that. */
  async #wherever<T>(
    name: string,
    here: (own: OwnShard) => Promise<T>,
    there: (elsewhere: Elsewhere, isAgain: boolean) => Promise<T>,
  ): Promise<T> {
    const own = this.here(name)
    if (own === undefined) return this.#there((elsewhere) => there(elsewhere, false))
    try {
      return await here(own)
    } catch (error) {
      if (!this.#isElsewhereNow(own, error)) throw error
      return this.#there((elsewhere) => there(elsewhere, true))
    }
  }

  /** Whether a shard was handed on in the middle of something, which failed for that. */
  #isElsewhereNow({ shard }: OwnShard, error: unknown): boolean {
    const { shards } = this.#options
    return !shards.isOne && isHandedOn(error) && shards.ready(shard.context.shard)?.shard !== shard
  }
}

/** Whether a shard has stopped because another process has it, or is to have it. */
const isHandedOn = (error: unknown): boolean => isFenced(error) || (isBalletError(error) && error.code === 'APP_CLOSED')
