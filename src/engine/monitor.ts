// Follows the flows of the choreographies: for each key an account of its events (core/flow-account.ts), taken when they are
// durable, in their order, whichever style brought them about. The account is written a moment later, together with those of
// other keys; a row without a key says up to which position all events of a choreography have been taken and written, and
// what lies behind that is taken again when the shard is recovered. A deadline is a timer without a run; when it passes, the
// flow is overdue, and an event says so in the same batch. One part of a shard (shard.ts); told of events by facts.ts.
//
//   unknown --an event, or its timer--> reading its row (flow-reads.ts) --> live
//   unknown --an event that begins it--> taken for new --complete, and written as new--> unknown
//   taken for new --goes on, is asked for, or turns out to have a row--> reading its row --> live
//   live --event, deadline--> changed --written--> live --complete, or idle and too many--> unknown
import { isComplete, passDeadlines, takeEvent, type FlowAccount, type FlowEvent } from '../core/flow-account.ts'
import { elapsedOf, type Cancel } from '../core/clock.ts'
import type { EventRow, FlowGone, FlowRow, TimerRow } from '../core/store.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'
import type { RetentionMs } from '../define/retention.ts'
import { appendEvent } from './facts.ts'
import { FlowReads } from './flow-reads.ts'
import { renewFlows } from './flow-renewal.ts'
import { eventOf, leftOf, NO_RUN, opOfFlow, overdueFact, placeOf, placeRow, prefixOf, rowOf } from './flow-rows.ts'
import { flowOf, followedOf, forgetIdle, isCrowded, isIdle, type Followed, type Live, type Work } from './followed.ts'
import type { ShardContext } from './shard-context.ts'
import { setAgain } from './timer-rows.ts'
import { UndoDebt } from './undo-debt.ts'

/** How often it is looked what there is to write: flows that are complete, of which nothing more is to come. */
const WRITE_MS = 50
/** How long what is written waits for a commit of something else, so that it needs none of its own. */
const RIDE_MS = 20
/** How long a flow that goes on waits for more: most are complete before that, and are written once. */
const GOES_ON_MS = 200
const PAGE = 500

/** Rows on their way to the store. */
interface Writing {
  readonly flows: readonly { readonly flow: Live; readonly row: FlowRow; readonly isNew: boolean }[]
  /** The position of the first event of those that were taken for new; infinite without any. */
  readonly from: number
}

/** The monitor of a shard. */
export class Monitor {
  readonly #context: ShardContext
  readonly #debt: UndoDebt
  readonly #followed: ReadonlyMap<string, Followed>
  readonly #byType = new Map<string, Followed[]>()
  /** A list, because a set keeps what was deleted from it (core/loose-map.ts). */
  #changed: Live[] = []
  readonly #reads: FlowReads
  readonly #writing: Writing[] = []
  #write: Cancel | null = null
  #ride: Cancel | null = null
  #isStopped = false

  constructor(context: ShardContext, retention: RetentionMs | null) {
    this.#context = context
    this.#debt = new UndoDebt(context.directory.definition)
    this.#reads = new FlowReads(
      context,
      (flow, event) => this.#follow(flow, event),
      (flow) => this.#change(flow, Number.POSITIVE_INFINITY),
      retention,
    )
    const followed = context.directory.definition.choreographies.map(followedOf)
    this.#followed = new Map(followed.map((one) => [one.choreography.name, one]))
    for (const one of followed) {
      for (const { type } of one.choreography.events) this.#byType.set(type, [...(this.#byType.get(type) ?? []), one])
    }
  }

  /** An event is durable. */
  take(event: EventRow): void {
    const followed = this.#byType.get(event.type)
    if (followed !== undefined) for (const one of followed) this.#take(one, event)
  }

  /**
   * Takes the events that no account has: of a choreography that is new here, those that come from now on.
   * @param head the last position that is durable.
   */
  async recover(head: number): Promise<void> {
    const { store, shard, ns } = this.#context
    for (const followed of this.#followed.values()) {
      const [row] = await store.flowsOf(shard, ns, followed.choreography.name, [''])
      const place = row === undefined || row === null ? null : placeOf(row)
      followed.since = place?.since ?? head
      const isAnother = place !== null && place.hash !== followed.choreography.flow.hash
      // Flows may stand further than the row without a key says.
      followed.from = place === null || isAnother ? head : place.from
      followed.isBehind = isAnother || place?.isBehind === true
      // One that had left the code, and is back, is not left any more. By which contract it is followed stands there before any flow
      // does by that one: whoever has the one before after this process is to find such flows.
      const hasLeft = row !== undefined && row !== null && leftOf(row) !== null
      followed.written = place === null || hasLeft || isAnother ? -1 : place.pos
      followed.met = place?.pos ?? head
    }
    // Such a row must not go out with new flows, which may be refused.
    if ([...this.#followed.values()].some(({ written }) => written === -1)) {
      this.write()
      await this.#context.writer.barrier()
    }
    for (const followed of this.#followed.values()) {
      const { flow } = followed.choreography
      for (let more = followed.met < head; more;) {
        const query = { ns, types: [...flow.types], after: followed.met, limit: PAGE }
        const events = await store.events(shard, query)
        for (const event of events) this.#take(followed, event)
        await this.settled()
        more = events.length === PAGE
      }
    }
    this.write()
    for (const followed of this.#followed.values()) if (followed.isBehind) void this.#renew(followed)
  }

  /** Resolves when everything that was durable has been taken. */
  settled(): Promise<void> {
    return this.#reads.settled()
  }

  /** Resolves when what has been durable by now stands in the rows; on a full disk at once, since it may never. */
  async caughtUp(): Promise<void> {
    const { space, writer } = this.#context
    if (this.#followed.size === 0) return
    // Of flows that were taken for new, and go on or have a row, it is known only after a round what to write.
    for (let round = 0; round < 2 && !space.isFull; round++) {
      await this.settled()
      if (this.#changed.length > 0) this.#writeWhat(Number.POSITIVE_INFINITY, true)
      await space.orFull(writer.barrier())
    }
  }

  /** The flow of a key by the events that have been taken, at once or when it was read. */
  ask(choreography: ChoreographyDefinition, key: string, use: (account: FlowAccount | null) => void): void {
    const followed = this.#followed.get(choreography.name)
    if (followed !== undefined) this.#with(followed, key, ({ account }) => use(account))
  }

  /** A timer without a run: the deadline of a flow. */
  fired(timer: TimerRow): void {
    // A choreography that has left the code, or a flow of another namespace: the timer stays beside the flow, for whoever has it.
    const prefix = prefixOf(this.#context.ns)
    if (!timer.op.startsWith(prefix)) return
    const op = timer.op.slice(prefix.length)
    const [name = ''] = op.split(' ', 1)
    const followed = this.#followed.get(name)
    if (followed === undefined) return
    this.#with(followed, op.slice(name.length + 1), (flow) => {
      if (flow.account === null) {
        this.#context.writer.rows.timersGone.push(timer)
        return this.#context.writer.flush()
      }
      const { account, passed } = passDeadlines(followed.choreography.flow, flow.account, this.#context.now())
      flow.account = account
      // One that moved since has another timer, or will have one when it is written.
      if (flow.armed === timer.due) flow.armed = null
      this.#drop(flow, timer)
      flow.passed.push(...passed.map((deadline) => ({ deadline, last: account.last })))
      this.#change(flow, account.last.pos)
      this.#writeWhat(Number.POSITIVE_INFINITY, true)
      this.#context.writer.flush()
    })
  }

  /** Writes what has changed, but for flows that are overdue by it: what follows from that is for a shard that is up. */
  write(): void {
    this.#writeWhat(Number.POSITIVE_INFINITY, false)
    this.#context.writer.flush()
  }

  /** Flows that go on as another contract left them are read anew; what does not come to its end here begins again in the next process. */
  async #renew(followed: Followed): Promise<void> {
    try {
      if (!(await renewFlows(this.#context, followed, this.#reads, () => this.#isStopped))) return
      followed.isBehind = false
      // It is written behind the flows.
      followed.written = -1
      this.write()
    } catch (error) {
      if (!this.#isStopped) this.#context.fail(error)
    }
  }

  /** Writes what there is; of flows that were taken for new and go on it is known only after a round what that is. */
  async finish(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      await this.settled()
      this.write()
      // Whether flows were new is known when it is durable. On a full disk it may never be.
      await this.#context.writer.barrier().catch(() => {})
    }
  }

  /** Writes what is complete or overdue, and of the rest what has changed up to a time (`elapsedOf`). */
  #writeWhat(changedBy: number, tells: boolean): void {
    this.#write?.()
    this.#write = null
    if (this.#isStopped) return
    const { writer, ns } = this.#context
    const { rows } = writer
    const written: Writing['flows'][number][] = []
    const unsure = Math.min(...this.#writing.map((writing) => writing.from))
    let from = Number.POSITIVE_INFINITY
    const held = new Map<Followed, number>()
    const all = this.#changed
    this.#changed = []
    for (const flow of all) {
      const { followed, account, changed, passed } = flow
      const goesOn = account !== null && !isComplete(followed.choreography.flow, account)
      const isDue = passed.length > 0 ? tells : changed === null || changed.at <= changedBy || !goesOn
      const isNew = !flow.isRead
      // A timer, and what is told, are not taken back with a row that is refused; nor is a row new that is written once more.
      if (isDue && isNew && (goesOn || passed.length > 0 || flow.writes > 0)) this.#reads.ask(flow)
      if (changed !== null && (!isDue || flow.waiting !== null)) {
        held.set(followed, Math.min(changed.pos, held.get(followed) ?? changed.pos))
        this.#changed.push(flow)
        continue
      }
      flow.changed = null
      const row = this.#rowOf(flow)
      if (row === null) continue
      this.#tell(flow)
      if (isNew) from = Math.min(from, changed?.pos ?? row.pos)
      ;(isNew ? rows.flowsNew : rows.flows).push(row)
      this.#arm(flow, row.due)
      flow.writes += 1
      written.push({ flow, row, isNew })
    }
    if (this.#changed.length > 0) this.#writeSoon()
    // Flows of which only foreign events came have no row, and would be kept otherwise.
    if (written.length > 0 || [...this.#followed.values()].some(isCrowded)) {
      const writing = { flows: written, from }
      this.#writing.push(writing)
      writer.onDurable(() => this.#written(writing, rows.areFlowsThere))
    }
    for (const followed of this.#followed.values()) {
      const first = this.#reads.firstOf(followed) ?? followed.met + 1
      const pos = Math.min(first, held.get(followed) ?? first, unsure) - 1
      // Less is written when flows that were taken for new are not sure yet: the row that counts on them is on its way.
      if (pos <= followed.written) continue
      followed.written = pos
      const place = { since: followed.since, from: followed.from, isBehind: followed.isBehind, pos }
      rows.flows.push(placeRow(ns, followed.choreography, place, this.#context.now()))
    }
  }

  /** What stands in the open batch goes out with the next that is committed, or alone in a while. */
  #rideAlong(): void {
    const { writer, clock } = this.#context
    const { rows } = writer
    this.#ride?.()
    this.#ride = clock.after(RIDE_MS, () => {
      if (writer.rows === rows) writer.flush()
    })
  }

  /** Of these flows those for which nothing has come since they were read: they are not kept in memory any more. */
  forgettable(rows: readonly FlowRow[]): readonly FlowGone[] {
    return rows.filter(({ name, key, pos }) => {
      const flow = this.#followed.get(name)?.flows.get(key)
      if (flow === undefined) return true
      if (!isIdle(flow) || flow.account?.last.pos !== pos) return false
      return flow.followed.flows.delete(key)
    })
  }

  stop(): void {
    this.#reads.stop()
    this.#write?.()
    this.#ride?.()
    this.#isStopped = true
  }

  #take(followed: Followed, event: EventRow): void {
    const { pos, key } = event
    if (pos <= followed.met) return
    followed.met = pos
    const taken = eventOf(event)
    const known = followed.flows.get(key)
    if (known?.waiting === null) return this.#follow(known, taken)
    if (known !== undefined) return void known.waiting.push(taken)
    const account = takeEvent(followed.choreography.flow, null, taken)
    const flow = flowOf(followed, key, account)
    followed.flows.set(key, flow)
    if (account === null) this.#reads.ask(flow).push(taken)
    else this.#change(flow, pos)
  }

  #follow(live: Live, event: FlowEvent): void {
    const { account: before, followed } = live
    if (before !== null && before.last.pos >= event.pos) return
    const { flow } = followed.choreography
    // Its timer may come later: it is armed when the flow is written, and nobody was there for it while no process was.
    const late = before === null ? null : passDeadlines(flow, before, event.at - 1)
    if (late !== null) for (const deadline of late.passed) live.passed.push({ deadline, last: late.account.last })
    live.account = takeEvent(flow, late?.account ?? null, event)
    this.#change(live, event.pos)
  }

  /** Does something with the flow of a key, after everything that came for it before. */
  #with(followed: Followed, key: string, work: Work): void {
    const flow = followed.flows.get(key) ?? flowOf(followed, key, null)
    if (flow.isRead && flow.waiting === null) return work(flow)
    followed.flows.set(key, flow)
    this.#reads.ask(flow).push(work)
  }

  /** @param pos of an event that its row does not tell of; infinite when the events of the row are read by another contract. */
  #change(flow: Live, pos: number): void {
    const { changed } = flow
    if (changed !== null && changed.pos <= pos) return
    flow.changed = { at: changed?.at ?? elapsedOf(this.#context.clock), pos }
    if (changed !== null) return
    this.#changed.push(flow)
    this.#writeSoon()
  }

  #writeSoon(): void {
    if (this.#isStopped) return
    this.#write ??= this.#context.clock.after(WRITE_MS, () => {
      this.#writeWhat(elapsedOf(this.#context.clock) - GOES_ON_MS, true)
      this.#rideAlong()
    })
  }

  /** The timer of a flow stands for its next deadline. */
  #arm(flow: Live, due: number | null): void {
    const { writer, timers, ns } = this.#context
    if (flow.armed === due) return
    const op = opOfFlow(ns, { name: flow.followed.choreography.name, key: flow.key })
    if (flow.armed !== null) {
      const timer = { due: flow.armed, run: NO_RUN, op }
      this.#drop(flow, timer)
      timers.remove(timer)
    }
    flow.armed = due
    if (due === null) return
    const timer = { due, run: NO_RUN, op }
    if (flow.droppedIn === writer.rows) setAgain(writer.rows, timer)
    else writer.rows.timers.push(timer)
    timers.add(timer)
  }

  #drop(flow: Live, timer: TimerRow): void {
    const { rows } = this.#context.writer
    rows.timersGone.push(timer)
    flow.droppedIn = rows
  }

  /** Publishes which deadlines have passed. */
  #tell({ followed: { choreography }, key, passed }: Live): void {
    const isTold = choreography.onDeadline === 'emit'
    for (const one of passed.splice(0)) if (isTold) appendEvent(this.#context, overdueFact(choreography.name, key, one))
  }

  #rowOf({ followed: { choreography }, key, account, before }: Live): FlowRow | null {
    if (account === null) return null
    const { ns, directory } = this.#context
    return rowOf(
      ns,
      { choreography, key, account },
      {
        producers: (type) => directory.producersOf(type),
        undoables: () => this.#debt.of(choreography),
      },
      before,
    )
  }

  /** These rows are durable. A flow that is complete is not kept, nor are those that nothing came for lately. */
  #written(writing: Writing, areThere: boolean): void {
    this.#writing.splice(this.#writing.indexOf(writing), 1)
    // What says how far flows are written was left out with them.
    if (areThere) for (const followed of this.#followed.values()) followed.written = -1
    for (const { flow, row, isNew } of writing.flows) {
      flow.writes -= 1
      if (isNew && areThere) {
        // Not written, for its own sake or that of another: what has come since is taken into what its row says, if it has one.
        if (!flow.isRead) this.#reads.ask(flow)
        this.#change(flow, writing.from)
        continue
      }
      flow.isRead = true
      this.#context.watchers.touched(row.key)
      if (row.standing === 'complete' && isIdle(flow)) flow.followed.flows.delete(row.key)
    }
    for (const followed of this.#followed.values()) forgetIdle(followed)
  }
}
