// Events in the log: their row, and for published ones the reactions, whose runs are created in the same batch. So a
// reaction exists exactly when its event does, and the claim of the event's identity is all the dedupe there is.
import { toFailure, type Failure } from '../core/failure.ts'
import { eventRef, operationId, reactionId } from '../core/ids.ts'
import { toWholeText } from '../core/json-losses.ts'
import { parseText } from '../core/json-text.ts'
import { fromText, toText, type Json, type JsonText } from '../core/json.ts'
import type { Command } from '../core/journal.ts'
import { soloText } from '../core/solo.ts'
import type { EventRow } from '../core/store.ts'
import { isCallValue, type CallValue, type EventValue } from '../core/values.ts'
import { fault } from '../core/errors.ts'
import { splitKey } from '../core/names.ts'
import type { ReactionDefinition } from '../define/definition.ts'
import { heldOfInput, type Made } from './as-json.ts'
import { createRun, hashOfGiven, payloadsOf, soloExecutor, type Birth, type BirthPayloads } from './births.ts'
import { noticeEvent, takeEvent } from './conducting.ts'
import { markStuck } from './endings.ts'
import { soloOf, type LiveRun } from './live-run.ts'
import { isHere, post } from './outbox.ts'
import { placesBelow, stackOf } from './places.ts'
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

/** One that goes to another shard, with the version of the application that says it. */
export type SentFact = Fact & { readonly version?: string }

/** One that goes through the inbox for its name. Nobody waits for an answer. */
export interface NamedFact extends Pick<Fact, 'type' | 'source' | 'id' | 'cause'>, Made {
  /** Of the run that says it. */
  readonly root: string
  readonly data: unknown
  readonly hash: string
  readonly silent: true
}

/** Appends an event where its key is: here, or by a row for the inbox of the shard that has it. */
export function recordEvent(context: ShardContext, fact: Fact): void {
  if (isHere(context, fact.key)) appendEvent(context, fact)
  else post(context, 'fact', fact.key, JSON.stringify({ ...fact, version: context.version } satisfies SentFact))
}

/**
 * Says an event under a name that somebody else may say it under as well: who has it is looked up where names are taken, so that
 * it goes through the inbox, in this turn's commit.
 * @param raw its data as they were given, which is what tells two of one name apart.
 */
export function postNamed(context: ShardContext, fact: Fact & { readonly root: string }, raw: JsonText): void {
  const { type, key, source, id, data: made, root, cause } = fact
  const data = parseText(raw)
  const hash = hashOfGiven(context, { type, data }, data, `the data of ${type}`)
  post(
    context,
    'event',
    key,
    JSON.stringify({ type, data, made, source, id, root, cause, hash, silent: true } satisfies NamedFact),
  )
}

/**
 * Appends an event and, when it is published, what follows from it. Returns its row. What the codec makes of it and of the
 * reactions is asked for before anything is written: when that fails, nothing is.
 * @param encode that of the context, or for an event that is asked for from outside its `encodeAsked`.
 */
export function appendEvent(
  context: ShardContext,
  fact: Fact,
  encode: ShardContext['encode'] = context.encode,
): EventRow {
  const { writer, receivers, watchers, ns } = context
  const ref = eventRef(fact.source, fact.id)
  const { data, root, ...named } = fact
  const payload = encode(data, 'event', fact.id)
  const births = fact.published ? birthsOf(context, fact, ref) : []
  const answers = births.map((birth) => ({ birth, payloads: payloadsOf(encode, birth) }))
  const row: EventRow = { pos: writer.position(), ns, ...named, data: payload, root: root ?? ref, at: context.now() }
  writer.rows.events.push(row)
  writer.onDurable(() => {
    if (fact.published) receivers.notice(row)
    watchers.touched(fact.key)
    context.followEvent(row)
  })
  noticeEvent(context, row)
  if (fact.published) answerEvent(context, fact, row, answers)
  return row
}

/** Lets the reactions to an event begin; where the flow of its key is conducted, as calls of the run that does. */
function answerEvent(context: ShardContext, fact: Fact, event: EventRow, answers: readonly Answer[]): void {
  const one = context.conducts.of(fact.type, fact.key)
  const calls: Command[] = []
  for (const { birth, payloads } of answers) {
    const parentOp = one === undefined ? null : operationId(`on:${birth.name}`, 0, String(event.pos))
    const run = createRun(context, { ...birth, parent: one?.num ?? null, parentOp }, payloads)
    context.begin(run)
    if (parentOp !== null)
      calls.push({ kind: 'child', op: parentOp, run: run.row.id, call: run.row.call, input: 'null', wait: true })
  }
  if (one !== undefined) takeEvent(context, one, event, { data: fact.data, calls })
}

/** A reaction that an event brings about. */
interface Answer {
  readonly birth: Birth
  readonly payloads: BirthPayloads
}

/** The reactions to an event that ask for something; none where the flow of its key is conducted and was asked to stop. */
function birthsOf(context: ShardContext, fact: Fact, ref: string): readonly Birth[] {
  const one = context.conducts.of(fact.type, fact.key)
  if (one !== undefined && one.cancelled !== null) return []
  return context.directory.reactionsTo(fact.type).flatMap((reaction) => {
    return birthOf(context, reaction, fact, ref) ?? []
  })
}

/** What one reaction asks for. What its mapping throws parks its run; the others and the event go on. */
function birthOf(context: ShardContext, reaction: ReactionDefinition, fact: Fact, ref: string): Birth | null {
  const birth = {
    id: context.place.at(
      fact.key,
      reactionId(reaction.name, fact, context.directory.definition.name, (text) => context.hash(text)),
    ),
    kind: 'reaction' as const,
    name: reaction.name,
    key: fact.key,
    root: fact.root ?? ref,
    cause: ref,
    parent: null,
    parentOp: null,
    hash: '',
  }
  try {
    const call = mapped(reaction, fact)
    if (call === null) return null
    const { input } = readyCall(context, call)
    return { ...birth, call: call.name, input }
  } catch (error) {
    const { failure, data } = toldOf(error)
    context.stuckLines.say(
      { id: birth.id, name: reaction.name, reason: 'threw', code: failure.code },
      `The reaction ${reaction.name} to ${ref} is stuck: ${failure.message}`,
      data,
    )
    return { ...birth, call: '', input: fact.data, stuck: { reason: 'threw', error: failure } }
  }
}

/**
 * What is kept of what a mapping threw, with where, and the stack for the log. What is wrong with the call that it gave has no
 * place: it had returned by then.
 */
function toldOf(thrown: unknown): { readonly failure: Failure; readonly data: Json | undefined } {
  const failure = toFailure(thrown)
  const at = placesBelow(thrown)
  if (at.length === 0) return { failure, data: undefined }
  return { failure: { ...failure, details: { at } }, data: { stack: stackOf(thrown) ?? '' } }
}

/**
 * Maps the event of a reaction whose mapping threw again, with today's code: its row holds the data of the event.
 * Returns whether the mapping asks for nothing any more.
 * @param isRetried whether a person has asked for it, who is told with what it threw now, and where.
 */
export function mapAgain(context: ShardContext, run: LiveRun, isRetried: boolean): boolean {
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
    const { failure, data } = toldOf(error)
    const words = `The reaction ${row.name} (run ${row.id}) is still stuck: ${failure.message}`
    context.log.error(words, data, { run: row.id, code: failure.code })
    // Its row says that it could not be read for a while, or what the code of before threw.
    if (row.reason === 'unreadable' || isRetried) markStuck(context, run, null, 'threw', failure)
  }
  return false
}

/**
 * A call of a reaction, validated, and the input of its row; a workflow gets its input raw, because its run is known by that,
 * with what its schema made of what is no JSON.
 */
function readyCall(
  context: ShardContext,
  call: CallValue,
): { readonly call: string; readonly target: CallValue['target']; readonly input: string } {
  const { directory } = context
  const { name, input } = call
  const what = `the input of ${name}`
  // Before: there are schemas that fill in what they were given, in place.
  const given = directory.workflows.has(name) ? (toText(input, what) ?? 'null') : null
  const made = toWholeText(directory.checkInput(name, input), what) ?? 'null'
  if (given === null) return { call: name, target: 'operation', input: made }
  return { call: name, target: 'workflow', input: soloText(given, heldOfInput(directory, name, input, made)) }
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
