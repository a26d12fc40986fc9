// What is asked for by way of an inbox lies there as JSON, and is judged once more where it is taken, by the schema of the version
// that is there. A value that is no JSON before its schema (a Date, a Map), or of which a schema makes another one each time, would
// be refused there, behind the back of whoever was told that it was taken, or would come out as something else. So it is judged at
// the door as it will be judged there as well; where that differs, what the schema made of it at the door goes beside it, and holds.
// The same holds for the input that a reaction gives a workflow, which lies in the reaction's row. Used by posts.ts, elsewhere.ts,
// requests.ts and facts.ts.
import { isDeepStrictEqual } from 'node:util'
import { parseText } from '../core/json-text.ts'
import { toText, type JsonText } from '../core/json.ts'
import { validate } from '../core/schema.ts'
import type { AnswerRequest } from '../define/application.ts'
import type { SignalDefinition } from '../define/definition.ts'
import { givenAnswerText } from './calls.ts'
import type { Directory } from './directory.ts'

/** Of a start, an event or a flow that is to be conducted. */
export interface Made {
  /** What the schema made of it at the door, where it holds. */
  readonly made?: JsonText | undefined
}

/** Of a signal. */
export interface Judged {
  /**
   * What the schema made of its data where it was asked for, which `holds` where JSON of the data would not give the same; `said`
   * by a run, which has looked at it for good.
   */
  readonly judged?: { readonly payload?: JsonText | undefined; readonly holds?: true; readonly said?: true } | undefined
}

/** @param input what the schema made of the input at the door. */
export function madeOfInput(directory: Directory, call: string, raw: unknown, input: JsonText): Made {
  return madeOf(raw, input, (value) => toText(directory.checkInput(call, value), `the input of ${call}`))
}

/**
 * What the schema of a workflow made of the input that a reaction gives it, where that is no JSON, and JSON of it would not give
 * the same; most is JSON, which is judged once more where the workflow begins.
 */
export function heldOfInput(directory: Directory, call: string, raw: unknown, input: JsonText): JsonText | undefined {
  return isJson(raw) ? undefined : madeOfInput(directory, call, raw, input).made
}

/** @param data what the schema made of the data at the door. */
export function madeOfData(directory: Directory, type: string, raw: unknown, data: JsonText): Made {
  return madeOf(raw, data, (value) => toText(directory.checkEvent(type, value), `the data of ${type}`))
}

function madeOf(raw: unknown, text: JsonText, judge: (value: unknown) => JsonText | undefined): Made {
  return { made: isSameAsJson(raw, text, (value) => judge(value) ?? 'null') ? undefined : text }
}

/** Of an answer by hand: the call for which it was judged at the door, and what its schema made of it. */
export interface MadeAnswer {
  readonly call: string
  readonly text: JsonText | undefined
}

/**
 * An answer by hand, as it goes into an inbox. What is no JSON is judged at the door, where it is known what was called: an
 * operation that is no undo begins with that.
 * @throws what the owner of the run would
 */
export function answerAsJson(
  { operations }: Directory,
  { value, ...request }: AnswerRequest,
): { readonly request: AnswerRequest; readonly made?: MadeAnswer } {
  const [call = ''] = request.op.split(/[#/]/, 1)
  const operation = operations.get(call)
  if (operation === undefined || isJson(value)) return { request: { ...request, value: asJson(value) } }
  return { request: { ...request, value: null }, made: { call, text: givenAnswerText(operation, value) } }
}

/** @throws VALUE_NOT_JSON */
function asJson(value: unknown): unknown {
  const text = toText(value, 'the answer')
  return text === undefined ? undefined : parseText(text)
}

/** Whether its JSON says all of a value. */
function isJson(value: unknown): boolean {
  try {
    return isDeepStrictEqual(asJson(value), value)
  } catch {
    return false
  }
}

/** What a signal says, as it goes into an inbox. Nobody compares it, so that data which do not count are not there. */
export function signalAsJson(
  { schema, type }: SignalDefinition,
  raw: unknown,
  payload: JsonText | undefined,
): Judged & { readonly data?: unknown } {
  const what = `the data of ${type}`
  return isSameAsJson(raw, payload, (value) => toText(validate(schema, value, what), what))
    ? { data: raw, judged: { payload } }
    : { judged: { payload, holds: true } }
}

/** Whether the JSON of a value is judged as the value was. */
function isSameAsJson(
  raw: unknown,
  text: JsonText | undefined,
  judge: (value: unknown) => JsonText | undefined,
): boolean {
  try {
    const given = toText(raw, 'what is asked')
    return judge(given === undefined ? undefined : parseText(given)) === text
  } catch {
    // It is refused so, or is no JSON: what was made of it at the door is.
    return false
  }
}
