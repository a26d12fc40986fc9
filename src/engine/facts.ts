// Events in the log: their row, and for published ones the reactions, whose runs are created in the same batch. So a
// reaction exists exactly when its event does, and the claim of the event's identity is all the dedupe there is.
import { toFailure } from '../core/failure.ts'
import { eventRef, reactionId } from '../core/ids.ts'
import { fromText, toText, type JsonText } from '../core/json.ts'
import type { EventRow } from '../core/store.ts'
import { isCallValue, type CallValue, type EventValue } from '../core/values.ts'
import { fault } from '../core/errors.ts'
import { splitKey } from '../core/names.ts'
import type { ReactionDefinition } from '../define/definition.ts'
import { createRun } from './births.ts'
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
  if (fact.published) for (const reaction of context.directory.reactionsTo(fact.type)) react(context, reaction, fact, row, ref)
  return row
}

/** Creates the run of one reaction. What its mapping throws parks that run; the others and the event go on. */
function react(context: ShardContext, reaction: ReactionDefinition, fact: Fact, event: EventRow, ref: string): void {
  const birth = {
    id: reactionId(reaction.name, fact, context.directory.definition.name, (text) => context.hash(text)),
    kind: 'reaction' as const,
    name: reaction.name,
    key: fact.key,
    root: event.root,
    cause: ref,
    parent: null,
    parentOp: null,
    hash: '',
  }
  try {
    const call = mapped(reaction, fact)
    if (call === null) return
    const made = context.directory.checkInput(call.name, call.input)
    // The run that a workflow gets is known by its raw input: that is kept, and made into the workflow's then.
    const kept = context.directory.workflows.has(call.name) ? call.input : made
    const input = toText(kept, `the input of ${call.name}`) ?? 'null'
    context.begin(createRun(context, { ...birth, call: call.name, input }))
  } catch (error) {
    const failure = toFailure(error)
    context.log.error(`The reaction ${reaction.name} to ${ref} is stuck: ${failure.message}`)
    context.begin(createRun(context, { ...birth, call: '', input: 'null', stuck: { reason: 'threw', error: failure } }))
  }
}

function mapped(reaction: ReactionDefinition, fact: Fact): CallValue | null {
  const data = fromText(fact.data)
  const value: EventValue = { kind: 'event', type: fact.type, data, key: splitKey(fact.key).value }
  const call: unknown = (reaction.react as (data: unknown, event: EventValue) => unknown)(data, value)
  if (call === null || call === undefined) return null
  if (isCallValue(call)) return call
  // What an asynchronous mapping comes to is nobody's: its failure must not end the process.
  Promise.resolve(call).catch(() => {})
  throw fault('DEFINITION_INVALID', { what: `Reaction "${reaction.name}"`, problem: 'it must return a call or null, at once' })
}
