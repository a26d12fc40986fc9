// Events in the log: their row, and for published ones the reactions, whose runs are created in the same batch. So a
// reaction exists exactly when its event does, and the claim of the event's identity is all the dedupe there is.
import { toFailure } from '../core/failure.ts'
import { eventRef, operationId, reactionId } from '../core/ids.ts'
import { fromText, toText, type JsonText } from '../core/json.ts'
import type { Command } from '../core/journal.ts'
import type { EventRow } from '../core/store.ts'
import { isCallValue, type CallValue, type EventValue } from '../core/values.ts'
import { fault } from '../core/errors.ts'
import { splitKey } from '../core/names.ts'
import type { ReactionDefinition } from '../define/definition.ts'
import { createRun, soloExecutor } from './births.ts'
import { noticeEvent, takeEvent } from './conducting.ts'
import { soloOf, type LiveRun } from './live-run.ts'
import { isHere, post } from './outbox.ts'
import type { ShardContext } from './shard-context.ts'

/** An event to be written. */
export interface Fact {
  readonly type: string
  /** `field:value`. */
  readonly key: string
  readonly source: string
  readonly id: string
  readonly data: JsonText
  /** Null for an event that begins a causal graph of its own. */
  readonly root: string | null
  readonly cause: string | null
  readonly published: boolean
}

/** Appends an event where its key is: here, or by a row for the inbox of the shard that has it. */
export function recordEvent(context: ShardContext, fact: Fact): void {
  if (isHere(context, fact.key)) appendEvent(context, fact)
  else post(context, 'fact', fact.key, JSON.stringify(fact))
}

/** Appends an event and, when it is published, what follows from it. Returns its row. */
export function appendEvent(context: ShardContext, fact: Fact): EventRow {
  const { writer, receivers, watchers, ns } = context
  const ref = eventRef(fact.source, fact.id)
  const { data, root, ...named } = fact
  const payload = context.encode(data, 'event', fact.id)
  const row: EventRow = { pos: writer.position(), ns, ...named, data: payload, root: root ?? ref, at: context.now() }
  writer.rows.events.push(row)
  writer.onDurable(() => {
    if (fact.published) receivers.notice(row)
    watchers.touched(fact.key)
  })
  context.observe(row)
  noticeEvent(context, row)
  if (fact.published) answerEvent(context, fact, row, ref)
  return row
}

/** Lets the reactions to an event begin; where the flow of its key is conducted, as calls of the run that does. */
function answerEvent(context: ShardContext, fact: Fact, event: EventRow, ref: string): void {
  const one = context.conducts.of(fact.type, fact.key)
  const calls: Command[] = []
  if (one === undefined || one.cancelled === null) {
    for (const reaction of context.directory.reactionsTo(fact.type)) {
      const parentOp = one === undefined ? null : operationId(`on:${reaction.name}`, 0, String(event.pos))
      const run = react(context, reaction, fact, event, { ref, parent: one?.num ?? null, parentOp })
      if (run !== null && parentOp !== null)
        calls.push({ kind: 'child', op: parentOp, run: run.row.id, call: run.row.call, input: 'null', wait: true })
    }
  }
  if (one !== undefined) takeEvent(context, one, event, { data: fact.data, calls })
}

/** What brings the run of a reaction about: the event, and the run that conducts its flow, if any does. */
interface Cause {
  readonly ref: string
  readonly parent: number | null
  readonly parentOp: string | null
}

/** Creates the run of one reaction. What its mapping throws parks that run; the others and the event go on. */
function react(
  context: ShardContext,
  reaction: ReactionDefinition,
  fact: Fact,
  event: EventRow,
  { ref, parent, parentOp }: Cause,
): LiveRun | null {
  const birth = {
    id: context.place.at(
      fact.key,
      reactionId(reaction.name, fact, context.directory.definition.name, (text) => context.hash(text)),
    ),
    kind: 'reaction' as const,
    name: reaction.name,
    key: fact.key,
    root: event.root,
    cause: ref,
    parent,
    parentOp,
    hash: '',
  }
  try {
    const call = mapped(reaction, fact)
    if (call === null) return null
    const { input } = readyCall(context, call)
    return begun(context, createRun(context, { ...birth, call: call.name, input }))
  } catch (error) {
    const failure = toFailure(error)
    context.log.error(`The reaction ${reaction.name} to ${ref} is stuck: ${failure.message}`)
    return begun(
      context,
      createRun(context, { ...birth, call: '', input: fact.data, stuck: { reason: 'threw', error: failure } }),
    )
  }
}

function begun(context: ShardContext, run: LiveRun): LiveRun {
  context.begin(run)
  return run
}

/**
 * Maps the event of a reaction whose mapping threw again, with today's code: its row holds the data of the event.
 * Returns whether the mapping asks for nothing any more.
 */
export function mapAgain(context: ShardContext, run: LiveRun): boolean {
  const { row } = run
  const reaction = context.directory.reaction(row.name)
  if (reaction === undefined || row.key === null) return false
  try {
    const call = mapped(reaction, {
      type: reaction.event.type,
      key: row.key,
      data: context.decode(row.input, 'input', row.id),
    })
    if (call === null) return true
    const again = readyCall(context, call)
    run.row = { ...row, call: again.call }
    run.executor = soloExecutor(soloOf(run.row, context.environment.store, again.target, again.input))
  } catch (error) {
    context.log.error(`The reaction ${row.name} (run ${row.id}) is still stuck: ${toFailure(error).message}`)
  }
  return false
}

/** A call of a reaction, validated; a workflow gets its input raw, because its run is known by that. */
function readyCall(
  context: ShardContext,
  call: CallValue,
): { readonly call: string; readonly target: CallValue['target']; readonly input: JsonText } {
  const made = context.directory.checkInput(call.name, call.input)
  const target = context.directory.workflows.has(call.name) ? 'workflow' : 'operation'
  const input = toText(target === 'workflow' ? call.input : made, `the input of ${call.name}`) ?? 'null'
  return { call: call.name, target, input }
}

function mapped(reaction: ReactionDefinition, fact: Pick<Fact, 'type' | 'key' | 'data'>): CallValue | null {
  const data = fromText(fact.data)
  const value: EventValue = { kind: 'event', type: fact.type, data, key: splitKey(fact.key).value }
  const call: unknown = (reaction.react as (data: unknown, event: EventValue) => unknown)(data, value)
  if (call === null || call === undefined) return null
  if (isCallValue(call)) return call
  // What an asynchronous mapping comes to is nobody's: its failure must not end the process.
  Promise.resolve(call).catch(() => {})
  throw fault('DEFINITION_INVALID', {
    what: `Reaction "${reaction.name}"`,
    problem: 'it must return a call or null, at once',
  })
}
