// Flows that a central run conducts. An event of the flow's key that is published while its conducting run is open is taken
// by that run, in the batch that writes the event: the calls that reactions make of it are children of the run, in the same
// lanes and under the same names as ever, so none of them can be made twice. All that the run holds in memory is who of its
// graph is open; its journal is written and never replayed. It ends when nothing of it is open and the flow may end, as the
// monitor says. One part of a shard (shard.ts); told by births, facts and endings.
//
//   conducting --cancel--> cancelling: what is open is asked to stop, and events are answered with no call
//   conducting --nothing open: the flow may end | is broken | a call has failed--> ended
//   cancelling --nothing open--> cancelled
import { fault } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { FlowAccount } from '../core/flow-account.ts'
import { runRef } from '../core/ids.ts'
import { isRecord, type JsonText } from '../core/json.ts'
import {
  commandsText,
  turnText,
  type Cancelled,
  type Command,
  type Delivered,
  type RunEnding,
} from '../core/journal.ts'
import { parseText } from '../core/json-text.ts'
import type { EventRow, RunRow } from '../core/store.ts'
import { splitKey } from '../core/names.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'
import { endRun, failureOfEnding, setPhase } from './endings.ts'
import type { History } from './history.ts'
import type { LiveRun } from './live-run.ts'
import { settleDelivery } from './settle.ts'
import type { DeliveryExtras, ShardContext } from './shard-context.ts'

/** A flow that is conducted, as long as its run is open. */
export interface Conducted {
  readonly num: number
  readonly id: string
  /** `field:value`. */
  readonly key: string
  readonly root: string
  readonly choreography: ChoreographyDefinition
  readonly types: ReadonlySet<string>
  /** Numbers of the open runs that it has brought about, and those that these have. */
  readonly members: Set<number>
  /** Position of the last event of the flow. */
  last: number
  cancelled: Cancelled | null
  /** How the last of its calls that failed did, or of the runs that came of them. */
  failure: Failure | null
}

/** A look at whether a flow has begun. */
export interface Watched {
  /** Types of the events of its key that are written meanwhile. */
  readonly events: string[]
}

/** The conducted flows of a shard. */
export class Conducts {
  readonly #contextOf: () => ShardContext
  readonly #byNum = new Map<number, Conducted>()
  readonly #byKey = new Map<string, readonly Conducted[]>()
  readonly #byRoot = new Map<string, Conducted>()
  readonly #memberOf = new Map<number, Conducted>()
  readonly #watched = new Map<string, Set<Watched>>()
  /** Open runs of which only their ancestors can tell; during recovery alone. */
  #strays: RunRow[] = []

  constructor(context: () => ShardContext) {
    this.#contextOf = context
  }

  get #context(): ShardContext {
    return this.#contextOf()
  }

  /** There is this open run: it is new, or was found by recovery, which comes by older ones first. */
  know(row: RunRow): void {
    if (row.kind === 'choreography') return this.#register(row)
    if (this.#byNum.size === 0) return
    const { num, parent, root } = row
    const one = this.#ownerOf(parent) ?? this.#byRoot.get(root)
    if (one !== undefined) this.#join(num, one)
    else if (parent !== null) this.#strays.push(row)
  }

  /** All open runs are known. Those of which a parent has ended are found by their ancestors. */
  async recovered(): Promise<void> {
    const { store, shard } = this.#context
    for (const { num, parent } of this.#strays.splice(0)) {
      let at = parent
      while (at !== null && this.#ownerOf(at) === undefined) at = (await store.run(shard, at))?.parent ?? null
      const one = at === null ? undefined : this.#ownerOf(at)
      if (one !== undefined) this.#join(num, one)
    }
  }

  /** Who takes an event, if it is published. */
  of(type: string, key: string): Conducted | undefined {
    return this.#byKey.get(key)?.find(({ types }) => types.has(type))
  }

  /** The open flow of this key that speaks of any of these events. */
  overlapping(key: string, types: Iterable<string>): Conducted | undefined {
    for (const type of types) {
      const one = this.of(type, key)
      if (one !== undefined) return one
    }
    return undefined
  }

  /** From now on it is seen whether an event of this key is written. */
  watch(key: string): Watched {
    const watched: Watched = { events: [] }
    const others = this.#watched.get(key)
    if (others === undefined) this.#watched.set(key, new Set([watched]))
    else others.add(watched)
    return watched
  }

  unwatch(key: string, watched: Watched): void {
    const others = this.#watched.get(key)
    others?.delete(watched)
    if (others?.size === 0) this.#watched.delete(key)
  }

  /** An event is being written: it may be the end of a flow, whoever has brought it about. */
  observe(event: EventRow): void {
    const { key, type, pos } = event
    for (const watched of this.#watched.get(key) ?? []) watched.events.push(type)
    for (const one of this.#byKey.get(key) ?? []) {
      if (!one.types.has(type)) continue
      one.last = pos
      this.#weighLater(one)
    }
  }

  /** Takes a published event: `calls` are those that are made of it. */
  take(one: Conducted, event: EventRow, data: JsonText, calls: readonly Command[]): void {
    const { type, pos, source, id, key } = event
    this.#write(one, { kind: 'event', type, pos, source, id, key: splitKey(key).value, payload: data }, calls)
  }

  /** A run has ended. */
  ended({ num, parent, parentOp, id }: RunRow, ending: RunEnding): void {
    this.letGo(num)
    const one = this.#memberOf.get(num)
    if (one === undefined) return
    this.#memberOf.delete(num)
    one.members.delete(num)
    const failure = failureOfEnding(id, ending)
    const isCall = parent === one.num && parentOp !== null
    if (failure !== null) this.#failed(one, isCall ? parentOp : runRef(id), failure)
    else if (isCall) this.#write(one, { kind: 'done', op: parentOp, payload: outcomeIn(ending) }, [])
    if (one.members.size === 0) this.#weighLater(one)
  }

  /** The run conducts no more: what comes for its key is answered by reactions again. */
  letGo(num: number): void {
    const one = this.#byNum.get(num)
    if (one === undefined) return
    this.#byNum.delete(num)
    this.#byRoot.delete(one.root)
    const others = (this.#byKey.get(one.key) ?? []).filter((other) => other !== one)
    if (others.length === 0) this.#byKey.delete(one.key)
    else this.#byKey.set(one.key, others)
    for (const member of one.members) this.#memberOf.delete(member)
  }

  /** Takes up a run that was brought back. */
  takeUp({ row }: LiveRun, { turns, cancelled }: Pick<History, 'turns' | 'cancelled'>): void {
    const one = this.#byNum.get(row.num)
    if (one === undefined) return
    for (const { delivered } of turns) if (delivered.kind === 'failed') one.failure = delivered.error
    one.cancelled = cancelled
    if (cancelled !== null) this.#stopAll(one, cancelled)
    this.#weighLater(one)
  }

  /** Asks the run to stop: it makes no further call, and what is open of its graph is asked to stop as well. */
  cancel(run: LiveRun, { by, why }: Cancelled, extras: DeliveryExtras): void {
    const context = this.#context
    const one = this.#byNum.get(run.row.num)
    if (one === undefined) return settleDelivery(context, extras, 'ended')
    if (one.cancelled !== null) return settleDelivery(context, extras, 'seen')
    one.cancelled = { by, why }
    this.#write(one, { kind: 'cancel', by, why }, [])
    setPhase(context, run, 'cancelling')
    this.#stopAll(one, one.cancelled)
    this.#weighLater(one)
    settleDelivery(context, extras, 'taken')
    context.writer.flush()
  }

  #register({ num, id, name, key, root }: RunRow): void {
    const choreography = this.#context.directory.choreographies.get(name)
    if (choreography === undefined || key === null) return
    const types = new Set(choreography.events.map(({ type }) => type))
    const state = { members: new Set<number>(), last: 0, cancelled: null, failure: null }
    const one: Conducted = { num, id, key, root, choreography, types, ...state }
    this.#byNum.set(num, one)
    this.#byRoot.set(root, one)
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), one])
  }

  #ownerOf(parent: number | null): Conducted | undefined {
    return parent === null ? undefined : (this.#byNum.get(parent) ?? this.#memberOf.get(parent))
  }

  #join(num: number, one: Conducted): void {
    one.members.add(num)
    this.#memberOf.set(num, one)
  }

  /** One of its calls has failed, or a run that came of one. */
  #failed(one: Conducted, op: string, { code, message }: Failure): void {
    one.failure = { code, message }
    this.#write(one, { kind: 'failed', op, error: one.failure }, [])
  }

  #stopAll({ members }: Conducted, { by, why }: Cancelled): void {
    for (const member of [...members]) this.#context.deliver(member, { kind: 'cancel', by, why })
  }

  /** Looks whether a flow has ended, when everything that was written by now is durable. */
  #weighLater(one: Conducted): void {
    this.#context.writer.onDurable(() => this.#weigh(one))
  }

  #weigh(one: Conducted): void {
    if (!this.#isQuiet(one)) return
    if (one.cancelled !== null)
      return this.#end(one, one.last, { kind: 'end', output: undefined, cancelled: one.cancelled })
    this.#context.followed(one.choreography, one.key, (account) => {
      // What has come since is looked at when it is durable.
      if (account === null || account.last.pos < one.last || !this.#isQuiet(one)) return
      const ending = endingOf(one, account)
      if (ending !== null) this.#end(one, one.last, ending)
    })
  }

  /** Whether it is open, and nothing of it is under way. */
  #isQuiet(one: Conducted): boolean {
    return this.#byNum.get(one.num) === one && one.members.size === 0
  }

  #end(one: Conducted, last: number, ending: RunEnding): void {
    const context = this.#context
    const end = (run: LiveRun | undefined): void => {
      // It was brought back from the disk, and something came for it meanwhile.
      if (run === undefined || run.executor.kind !== 'conductor' || !this.#isQuiet(one) || one.last !== last) return
      this.#write(one, { kind: 'done', op: 'flow', payload: undefined }, [ending])
      endRun(context, run, ending)
      context.writer.flush()
    }
    const run = context.open.use(one.num)
    if (run !== undefined) return end(run)
    context.live(one.num).then(end, (error: unknown) => context.fail(error))
  }

  /** A row of the run's journal. Its seq is its position, so that the run need not be in memory. */
  #write({ num, id, key }: Conducted, delivered: Delivered, commands: readonly Command[]): void {
    const { writer, open, watchers } = this.#context
    const pos = writer.position()
    const text = turnText(delivered, commandsText(commands))
    const data = this.#context.encode(text, 'turn', id)
    writer.rows.journal.push({ pos, run: num, seq: pos, kind: 'turn', at: this.#context.now(), data })
    writer.onDurable(() => watchers.touched(key))
    const run = open.peek(num)
    if (run === undefined) return
    run.seq = pos + 1
    run.turns += 1
    run.bytes += text.length
    open.weigh(run)
  }
}

/** The type of the event that a call was answered with: its data stand with the event. */
function outcomeIn(ending: RunEnding): JsonText {
  const output: unknown = ending.kind === 'end' && ending.output !== undefined ? parseText(ending.output) : null
  return JSON.stringify(isRecord(output) && output['kind'] === 'event' ? output['type'] : null)
}

/** How a run of which nothing is under way ends; null when its flow waits for something from outside. */
function endingOf({ id, key, choreography, failure }: Conducted, { state, broken }: FlowAccount): RunEnding | null {
  const { name, flow } = choreography
  if (broken !== null) {
    const { type, how } = broken
    return { kind: 'fail', error: toFailure(fault('FLOW_BROKEN', { name, key, type, how })) }
  }
  const { standing, ending } = flow.verdict(state)
  if (standing !== 'on track') return { kind: 'end', output: JSON.stringify({ choreography: name, ending }) }
  if (failure === null) return null
  return { kind: 'fail', error: toFailure(fault('CONDUCT_FAILED', { id, message: failure.message })) }
}
