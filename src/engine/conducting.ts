// What a run does that conducts the flow of a key. An event of the flow that is published while the run is open is taken by
// it, in the batch that writes the event: the calls that reactions make of it are children of the run, in the same lanes and
// under the same names as ever, so none of them can be made twice. The run's journal is written and never replayed. It ends
// when the flow has ended, as the monitor says, and nothing is open from which more could come. Called by the facts, the deliveries and the loader,
// and through the shard when a run ends.
//
//   conducting --cancel--> cancelling: what is open is asked to stop, and events are answered with no call
//   conducting --the flow is complete, or nothing open: it may end | is broken | a call has failed and it can not go on--> ended
//   cancelling --nothing open--> cancelled
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import { awaitsDeadline, type FlowAccount } from '../core/flow-account.ts'
import { runRef } from '../core/ids.ts'
import {
  commandsText,
  turnText,
  type Cancelled,
  type Command,
  type Delivered,
  type RunEnding,
} from '../core/journal.ts'
import { parseText } from '../core/json-text.ts'
import { isRecord, type JsonText } from '../core/json.ts'
import { overdueType, splitKey } from '../core/names.ts'
import type { EventRow, RunRow } from '../core/store.ts'
import type { Conducted } from './conducts.ts'
import { endRun, failureOfEnding, setPhase } from './endings.ts'
import { withLost, type History } from './history.ts'
import type { LiveRun } from './live-run.ts'
import { settleDelivery } from './settle.ts'
import type { DeliveryExtras, ShardContext } from './shard-context.ts'

/** An event is being written: it may be the end of a flow, whoever has brought it about. */
export function noticeEvent(context: ShardContext, event: EventRow): void {
  context.conducts.noticed(event)
  for (const one of context.conducts.allOf(event)) {
    one.last = event.pos
    weighLater(context, one)
  }
  // A deadline has passed: a flow of which a call has failed may have waited for that, and nobody may answer.
  for (const one of context.conducts.told(event)) weighLater(context, one)
}

/** Takes a published event: `calls` are those that are made of it. */
export function takeEvent(
  context: ShardContext,
  one: Conducted,
  { type, pos, source, id, key }: EventRow,
  { data, calls }: { readonly data: JsonText; readonly calls: readonly Command[] },
): void {
  write(context, one, { kind: 'event', type, pos, source, id, key: splitKey(key).value, payload: data }, calls)
}

/** A run has ended, which may be one that conducts, a call of one, or what came of a call. */
export function leaveFlow(context: ShardContext, row: RunRow, ending: RunEnding): void {
  const { num, id, kind, parent, parentOp } = row
  const one = context.conducts.leave(num)
  if (one === undefined) return
  const failure = failureOfEnding(id, ending)
  const call = parent === one.num ? parentOp : null
  // One that is paused has no word of it in its journal, which cannot be written.
  // What reacted to something beside the flow is waited for; how it ends is its own matter.
  const isBeside = kind === 'reaction' && call === null
  if (failure !== null && !isBeside) {
    const { code, message } = failure
    const error = { code, message }
    const lost = lostWith(context, row)
    one.failure = error
    one.lost = withLost(one.lost, lost)
    const told = lost === undefined ? { error } : { error, lost }
    if (!one.isPaused) write(context, one, { kind: 'failed', op: call ?? runRef(id), ...told }, [])
  } else if (call !== null && !one.isPaused)
    write(context, one, { kind: 'done', op: call, payload: outcomeIn(ending) }, [])
  if (one.calls.size === 0) weighLater(context, one)
}

/**
 * The types of event that a run would have brought, had it not failed; undefined when it could be any, as of a workflow whose
 * reaction does not say what it comes to. The id of a reaction's run begins with its name.
 */
function lostWith(
  { directory: { operations, definition } }: ShardContext,
  { name, call, cause }: RunRow,
): readonly string[] | undefined {
  const isOf = (reaction: string): boolean => reaction === name || cause?.startsWith(runRef(`${reaction}:`)) === true
  const { calls } = definition.reactions.find((reaction) => isOf(reaction.name)) ?? { calls: null }
  const made = operations.has(call) ? [call] : calls
  return made?.flatMap((one) => operations.get(one)?.outcomes.map(({ type }) => type) ?? [])
}

/** Takes up a run that was brought back. */
export function takeUpConductor(
  context: ShardContext,
  { row }: LiveRun,
  { failure, lost, cancelled }: Pick<History, 'failure' | 'lost' | 'cancelled'>,
): void {
  const one = context.conducts.get(row.num)
  if (one === undefined) return
  context.conducts.pause(row.num, false)
  if (failure !== null) {
    one.failure = failure
    one.lost = lost
  }
  one.cancelled = cancelled
  if (cancelled !== null) stopAll(context, one, cancelled)
  weighLater(context, one)
}

/** Asks the run to stop: it makes no further call, and what is open of its flow is asked to stop as well. */
export function cancelConductor(
  context: ShardContext,
  run: LiveRun,
  { by, why }: Cancelled,
  extras: DeliveryExtras,
): void {
  const one = context.conducts.get(run.row.num)
  if (one === undefined) return settleDelivery(context, extras, 'ended')
  if (one.cancelled !== null) return settleDelivery(context, extras, 'seen')
  one.cancelled = { by, why }
  write(context, one, { kind: 'cancel', by, why }, [])
  setPhase(context, run, 'cancelling')
  stopAll(context, one, one.cancelled)
  weighLater(context, one)
  settleDelivery(context, extras, 'taken')
  context.writer.flush()
}

function stopAll(context: ShardContext, { members }: Conducted, { by, why }: Cancelled): void {
  // One that ends at once leaves the set.
  const open = Array.from(members)
  for (const member of open) context.deliver(member, { kind: 'cancel', by, why })
}

/** Looks whether a flow has ended, when everything that was written by now is durable. */
function weighLater(context: ShardContext, one: Conducted): void {
  context.writer.onDurable(() => weigh(context, one))
}

function weigh(context: ShardContext, one: Conducted): void {
  const { conducts } = context
  if (!conducts.isIdle(one)) return
  if (one.cancelled !== null)
    return conducts.isQuiet(one)
      ? end(context, one, { kind: 'end', output: undefined, cancelled: one.cancelled })
      : undefined
  context.followed(one.choreography, one.key, (account) => {
    // What has come since is looked at when it is durable.
    if (account === null || account.last.pos < one.last || !conducts.isIdle(one) || one.cancelled !== null) return
    const ending = endingOf(context, one, account)
    if (ending !== null) end(context, one, ending)
  })
}

function end(context: ShardContext, one: Conducted, ending: RunEnding): void {
  const { last, cancelled } = one
  const now = (run: LiveRun | undefined): void => {
    // It was brought back from the disk, and something came for it meanwhile.
    if (run?.executor.kind !== 'conductor' || !context.conducts.isIdle(one)) return
    if (one.last !== last || one.cancelled !== cancelled) return
    write(context, one, { kind: 'done', op: 'flow', payload: undefined }, [ending])
    endRun(context, run, ending)
    context.writer.flush()
  }
  const run = context.open.use(one.num)
  if (run !== undefined) return now(run)
  context
    .live(one.num)
    .then(now)
    .catch((error: unknown) => {
      // The next process looks again.
      if (!isBalletError(error) || error.code !== 'APP_CLOSED') context.fail(error)
    })
}

/** A row of the run's journal. Its seq is its position, so that the run need not be in memory. */
function write(
  context: ShardContext,
  { num, id, key }: Conducted,
  delivered: Delivered,
  commands: readonly Command[],
): void {
  const { writer, open, watchers } = context
  const pos = writer.position()
  const text = turnText(delivered, commandsText(commands))
  const data = context.encode(text, 'turn', id)
  writer.rows.journal.push({ pos, run: num, seq: pos, kind: 'turn', at: context.now(), data })
  writer.onDurable(() => watchers.touched(key))
  const run = open.peek(num)
  if (run === undefined) return
  run.seq = pos + 1
  run.turns += 1
  run.bytes += text.length
  open.weigh(run)
}

/** The type of the event that a call was answered with: its data stand with the event. */
function outcomeIn(ending: RunEnding): JsonText {
  const output: unknown = ending.kind === 'end' && ending.output !== undefined ? parseText(ending.output) : null
  return JSON.stringify(isRecord(output) && output['kind'] === 'event' ? output['type'] : null)
}

/**
 * How a run ends of which no call is under way; null when its flow waits for something. When nothing can come any more, what
 * is left goes on beside it.
 */
function endingOf(context: ShardContext, one: Conducted, account: FlowAccount): RunEnding | null {
  const { id, key, choreography, failure } = one
  const { state, broken } = account
  const { name, flow } = choreography
  const { standing, ending } = flow.verdict(state)
  if (!context.conducts.isQuiet(one) && standing !== 'complete') return null
  if (broken !== null) {
    const { type, how } = broken
    return { kind: 'fail', error: failureOf('FLOW_BROKEN', { name, key, type, how }) }
  }
  if (standing !== 'on track') return { kind: 'end', output: JSON.stringify({ choreography: name, ending }) }
  if (failure === null || mayGoOn(context, one, account)) return null
  return { kind: 'fail', error: failureOf('CONDUCT_FAILED', { id, message: failure.message }) }
}

/**
 * Whether a flow can go on though a call has failed for good and nothing of it is under way: somebody reacts to a deadline that
 * has not passed yet, or something may come from outside, and what failed was at the side or may be left out. A flow that waits
 * for what failed has nobody who would bring that; an event which takes it back is answered by reactions when the run has ended.
 */
function mayGoOn({ directory }: ShardContext, { choreography, lost }: Conducted, account: FlowAccount): boolean {
  const { name, flow, outside, onDeadline } = choreography
  const { state } = account
  const isHeard = onDeadline === 'emit' && directory.reactionsTo(overdueType(name)).length > 0
  if (isHeard && awaitsDeadline(flow, account)) return true
  if (lost === null) return false
  const awaited = flow.expected(state)
  const others = new Set(outside.map(({ type }) => type).filter((type) => !lost.has(type)))
  if (!awaited.some((type) => others.has(type))) return false
  if (!awaited.some((type) => lost.has(type))) return true
  // It is left out when the flow can end without it, and could not without what comes from outside.
  return flow.endingsLeft(state, lost).length > 0 && flow.endingsLeft(state, others).length === 0
}

function failureOf(...error: Parameters<typeof fault>): Failure {
  return toFailure(fault(...error))
}
