// An event as somebody outside asks for it, judged once; and its row, with the claim of its identity in the same batch. Used by
// requests.ts, and by conduct-flow.ts for the event that begins a flow.
import { causeWith } from '../core/caller.ts'
import { fault } from '../core/errors.ts'
import { toWholeText } from '../core/json-losses.ts'
import { fromText, type JsonText } from '../core/json.ts'
import { causeProblem, checkEventName } from '../core/names.ts'
import type { PublishRequest } from '../define/application.ts'
import type { Judging } from './asked-start.ts'
import { hashOfGiven } from './births.ts'
import { appendEvent } from './facts.ts'
import type { ShardContext } from './shard-context.ts'

export interface AskedEvent {
  readonly type: string
  /** `field:value`. */
  readonly key: string
  readonly source: string
  readonly id: string
  /** Whether it was asked for under this id: then it may have come before. */
  readonly given: boolean
  /** Of its claim: its source and id. */
  readonly name: string
  /** What the schema made of its data, and that as text. */
  readonly value: unknown
  readonly data: JsonText
  /** What makes two events of one name the same: the type, and the data as they were given. */
  readonly hash: string
}

/**
 * @param own source of events without one.
 * @param made what the schema made of the data at another door, where that holds.
 * @throws EVENT_UNKNOWN, INPUT_INVALID, VALUE_NOT_JSON, KEY_INVALID, ID_INVALID, REQUEST_INVALID
 */
export function judgeEvent(context: Judging, own: string, request: PublishRequest, made?: JsonText): AskedEvent {
  const { directory, random, clock } = context
  const { type, cause } = request
  // Another door has judged it, or a run says it, whose id is as long as it is.
  const problem = cause === undefined || made !== undefined ? undefined : causeProblem(cause)
  if (problem !== undefined) throw fault('REQUEST_INVALID', { what: 'The request', path: 'cause', problem })
  const source = checkEventName(request.source ?? own, 'The source')
  const given = request.id !== undefined
  const id = given ? checkEventName(request.id, 'The event id') : random.uuid(clock.now())
  const what = `the data of ${type}`
  const value = made === undefined ? directory.checkEvent(type, request.data) : fromText(made)
  const data = toWholeText(value, what) ?? 'null'
  const key = directory.eventKey(type, value)
  const hash = hashOfGiven(context, { type, data: request.data }, request.data, what)
  return { type, key, source, id, given, name: `${source} ${id}`, value, data, hash }
}

/** What an event came of. Without a root, that of the run that says it, it begins a causal graph of its own. */
interface Origin {
  readonly cause?: string | null | undefined
  readonly root?: string | null | undefined
  readonly traceparent?: string | null | undefined
}

/** Writes an event whose name is free. Returns its position. What fails before anything is written is whoever asks's. */
export function writeAsked(context: ShardContext, event: AskedEvent, origin: Origin): number {
  const { writer, claims } = context
  const { type, key, source, id, name, data, hash } = event
  const { root = null, traceparent } = origin
  const cause = causeWith(origin.cause, traceparent)
  const before = writer.rows.events.length
  let num: number
  try {
    const fact = { type, key, source, id, data, root, cause, published: true }
    num = appendEvent(context, fact, context.encodeAsked).pos
  } catch (error) {
    // The event is written and what follows from it cannot be: half of it must not become durable.
    if (writer.rows.events.length > before) context.fail(error)
    throw error
  }
  writer.rows.claims.push(claims.take('event', name, { num, hash }))
  writer.onDurable(() => claims.durable('event', name))
  return num
}
