// What the rows of flows say, for the monitor of a shard: of flows of which that is not known. What comes for them meanwhile
// waits in its order, and is taken before anything is done with them. Rows are read together, because a read of many costs little
// more than one of one. Owned by monitor.ts.
import type { Cancel } from '../core/clock.ts'
import { isBalletError } from '../core/errors.ts'
import { keepTold, loadAccount, takeEvent, type FlowAccount, type FlowEvent } from '../core/flow-account.ts'
import type { FlowRow } from '../core/store.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'
import type { RetentionMs } from '../define/retention.ts'
import type { Followed, Live, Work } from './followed.ts'
import { beforeOf, eventOf, forgoFlow, hashOf } from './flow-rows.ts'
import type { ShardContext } from './shard-context.ts'

/** How long a flow whose row is to be read waits for others. */
const READ_MS = 20
/** When flows that could not be read are read again. */
const AGAIN_MS = 1000
const PAGE = 500

/** A read that is under way. */
interface Reading {
  readonly flows: readonly Live[]
  /** Settles when it is over, or nothing is read any more. */
  readonly over: Promise<void>
  readonly end: () => void
}

export class FlowReads {
  readonly #context: ShardContext
  readonly #follow: (flow: Live, event: FlowEvent) => void
  readonly #isAnother: (flow: Live) => void
  readonly #retention: RetentionMs | null
  /** Those that wait for the next read, those that are read now, and those that could not be read. */
  #asked: Live[] = []
  readonly #reading: Reading[] = []
  #failed: Live[] = []
  #soon: Cancel | null = null
  #isStopped = false

  /**
   * @param follow takes an event into the account of a flow, if that does not have it.
   * @param isAnother the account of a flow is not what its row says, which another contract wrote.
   */
  constructor(
    context: ShardContext,
    follow: (flow: Live, event: FlowEvent) => void,
    isAnother: (flow: Live) => void,
    retention: RetentionMs | null = null,
  ) {
    this.#context = context
    this.#follow = follow
    this.#isAnother = isAnother
    this.#retention = retention
  }

  /** Has the row of a flow read, if it is not about to be; returns what waits for that: events are taken in this order, then what is to be done in its own. */
  ask(flow: Live): (FlowEvent | Work)[] {
    if (flow.waiting !== null) return flow.waiting
    flow.waiting = []
    this.#ask([flow])
    return flow.waiting
  }

  /**
   * Resolves when everything that has been asked for by now has been read, or could not be, or nothing is read any more. Of what is asked
   * for meanwhile it knows nothing: where something always is, it would never come.
   */
  async settled(): Promise<void> {
    this.#readNow()
    if (!this.#isStopped) await Promise.all(this.#reading.map(({ over }) => over))
  }

  /** The position of the first event that waits in flows of a choreography; null when none does. */
  firstOf(followed: Followed): number | null {
    let first: number | null = null
    for (const list of [this.#asked, this.#failed, ...this.#reading.map(({ flows }) => flows)])
      for (const flow of list) {
        const event = flow.followed === followed ? flow.waiting?.find((one) => typeof one !== 'function') : undefined
        if (event !== undefined && (first === null || event.pos < first)) first = event.pos
      }
    return first
  }

  stop(): void {
    this.#soon?.()
    this.#isStopped = true
    for (const { end } of this.#reading) end()
  }

  #ask(flows: readonly Live[]): void {
    if (this.#isStopped) return
    this.#asked.push(...flows)
    this.#soon ??= this.#context.clock.after(READ_MS, () => this.#readNow())
  }

  #readNow(): void {
    if (this.#soon === null) return
    this.#soon()
    this.#soon = null
    void this.#read()
  }

  async #read(): Promise<void> {
    const asked = this.#asked
    this.#asked = []
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const reading = { flows: asked, over, end }
    this.#reading.push(reading)
    for (const { choreography } of new Set(asked.map(({ followed }) => followed))) {
      const flows = asked.filter((flow) => flow.followed.choreography === choreography)
      await this.#bringAllBack(choreography, flows)
    }
    this.#reading.splice(this.#reading.indexOf(reading), 1)
    end()
  }

  async #bringAllBack(choreography: ChoreographyDefinition, flows: readonly Live[]): Promise<void> {
    const { store, shard, ns, clock, log } = this.#context
    const keys = flows.map(({ key }) => key)
    try {
      const rows = await store.flowsOf(shard, ns, choreography.name, keys)
      for (const [index, flow] of flows.entries()) {
        const row = rows[index] ?? null
        if (row !== null) await this.#bringBack(choreography, flow, row)
        flow.isRead = true
        const waiting = flow.waiting ?? []
        flow.waiting = null
        // What has come counts as taken, and whatever is done with the flow may write that.
        for (const one of waiting) if (typeof one !== 'function') this.#follow(flow, one)
        for (const one of waiting) if (typeof one === 'function') one(flow)
        // What came meanwhile may have begun it. One for which nothing came stays as it is: a contract that is taken back may have begun it.
        if (row === null || flow.account !== null) continue
        if (waiting.length > 0) forgoFlow(this.#context, row)
        else flow.followed.flows.delete(row.key)
      }
    } catch (error) {
      if (this.#isStopped) return
      if (!isBalletError(error) || error.code !== 'STORE_FAILED') return this.#context.fail(error)
      // What came for them waits; the others are followed.
      const left = flows.filter(({ waiting }) => waiting !== null)
      log.error(`Flows of ${choreography.name} cannot be read, and are not followed for now: ${error.message}`)
      this.#failed.push(...left)
      clock.after(AGAIN_MS, () => {
        this.#failed = this.#failed.filter((flow) => !left.includes(flow))
        this.#ask(left)
      })
    }
  }

  /**
   * The account of a row. What came since is taken from the log of a flow that was taken for a new one, and where another contract
   * followed it meanwhile, which had no use for some of that.
   */
  async #bringBack(choreography: ChoreographyDefinition, flow: Live, row: FlowRow): Promise<void> {
    const saved = loadAccount(choreography.flow, row)
    const account = saved ?? (await this.#anew(flow.followed, row))
    const since: FlowEvent[] = []
    if (flow.account !== null || row.pos < flow.followed.from)
      for await (const event of this.#events(choreography, row.key, row.pos)) since.push(event)
    // Everything was read: what fails before is tried again, and must find the flow as it was.
    flow.armed = row.due
    flow.passed.length = 0
    flow.account = account
    const before = beforeOf(row) ?? (saved === null ? hashOf(row) : null)
    flow.before = before === choreography.flow.hash ? null : before
    if (saved === null && account !== null) this.#isAnother(flow)
    for (const event of since) this.#follow(flow, event)
  }

  /**
   * The choreography is another one by now: the events of the key since it is followed are walked once more, up to where the
   * row stood. What was told of the flow is no part of that, and stays.
   */
  async #anew({ choreography, since }: Followed, row: FlowRow): Promise<FlowAccount | null> {
    const { flow } = choreography
    // With a retention there may have been one before it, whose events something else holds: they are older by that much.
    const before = row.began - (this.#retention?.runsMs ?? Number.POSITIVE_INFINITY)
    let account: FlowAccount | null = null
    for await (const event of this.#events(choreography, row.key, since)) {
      if (event.pos > row.pos) break
      if (event.at > before) account = takeEvent(flow, account, event)
    }
    return account === null ? null : keepTold(flow, account, row.detail)
  }

  /** Of a key, behind a position. */
  async *#events({ flow }: ChoreographyDefinition, key: string, from: number): AsyncGenerator<FlowEvent> {
    const { store, shard, ns } = this.#context
    for (let after = from; ;) {
      const events = await store.events(shard, { ns, key, types: [...flow.types], after, limit: PAGE })
      for (const event of events) yield eventOf(event)
      after = events.at(-1)?.pos ?? after
      if (events.length < PAGE) return
    }
  }
}
