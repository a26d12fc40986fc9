// An event as somebody outside asks for it, judged once; and its row, with the claim of its identity in the same batch. Used by
// requests.ts, and by conduct-flow.ts for the event that begins a flow.
import { toText, type JsonText } from '../core/json.ts'
import { checkEventName } from '../core/names.ts'
import type { PublishRequest } from '../define/application.ts'
import type { Judging } from './asked-start.ts'
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

/** @param own source of events without one. @throws EVENT_UNKNOWN, INPUT_INVALID, KEY_INVALID, ID_INVALID */
export function judgeEvent(context: Judging, own: string, request: PublishRequest): AskedEvent {
  const { directory, random, clock } = context
  const { type } = request
  const source = checkEventName(request.source ?? own, 'The source')
  const given = request.id !== undefined
  const id = given ? checkEventName(request.id, 'The event id') : random.uuid(clock.now())
  const value = directory.checkEvent(type, request.data)
  const data = toText(value, `the data of ${type}`) ?? 'null'
  const key = directory.eventKey(type, value)
  const hash = context.hash({ type, data: request.data })
  return { type, key, source, id, given, name: `${source} ${id}`, value, data, hash }
}

/** Writes an event whose name is free. Returns its position. What fails before anything is written is whoever asks's. */
export function writeAsked(context: ShardContext, event: AskedEvent, cause: string | null): number {
  const { writer, claims } = context
  const { type, key, source, id, name, data, hash } = event
  const before = writer.rows.events.length
  let num: number
  try {
    num = appendEvent(context, { type, key, source, id, data, root: null, cause, published: true }).pos
  } catch (error) {
    // The event is written and what follows from it cannot be: half of it must not become durable.
    if (writer.rows.events.length > before) context.fail(error)
    throw error
  }
  writer.rows.claims.push(claims.take('event', name, { num, hash }))
  writer.onDurable(() => claims.durable('event', name))
  return num
}
