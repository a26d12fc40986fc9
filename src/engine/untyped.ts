// What TypeScript lets nobody say, from programs that have no types: refused at the door, in words. Used by the doors of an
// application.
import { fault } from '../core/errors.ts'
import { unknownOption } from '../core/options.ts'

/** A name or an id. @throws REQUEST_INVALID */
export function word(value: unknown, path: string): string {
  if (typeof value !== 'string') throw refused(path, 'it is not a string')
  // PostgreSQL takes none in a text.
  if (value.includes('\0')) throw refused(path, 'it has a null character, which no name has')
  return value
}

/** A call, an event or a signal, as its definition gives it. @param example of how. @throws REQUEST_INVALID */
export function made<Value extends { readonly kind: string }>(
  value: Value,
  kind: Value['kind'],
  example: string,
): Value {
  const given: unknown = value
  if (typeof given === 'object' && given !== null && Reflect.get(given, 'kind') === kind) return value
  throw refused(kind, `it is not what a definition gives when it is called: ${example}`)
}

/** An object of fields. @throws REQUEST_INVALID */
export function fields<Value extends object>(value: Value, path: string): Value {
  const given: unknown = value
  if (typeof given === 'object' && given !== null) return value
  throw refused(path, 'it is not an object')
}

/** What there is to say beside a request, or in it, by name: a string where it is given, or something that is judged elsewhere. */
export type Known<Value> = { readonly [Name in keyof Required<Value>]: 'text' | 'other' }

/** What is said beside a request, or in it: an object of these fields, without others. @throws REQUEST_INVALID */
export function settings<Value extends object>(value: Value, known: Known<Value>, path = 'options'): Value {
  const names = Object.keys(known) as (string & keyof Value)[]
  const unknown = unknownOption(fields(value, path), names)
  if (unknown !== null) throw refused(unknown.name, unknown.problem)
  for (const name of names) {
    const given: unknown = value[name]
    if (known[name] === 'text' && given !== undefined && typeof given !== 'string')
      throw refused(name, 'it is not a string')
  }
  return value
}

/** How long, and for whom, is waited. @throws REQUEST_INVALID */
export function checkWait(waitMs: unknown, signal: unknown): void {
  if (typeof waitMs !== 'number' || Number.isNaN(waitMs)) throw refused('waitMs', 'it is not a number')
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw refused('signal', 'it is no AbortSignal')
}

function refused(path: string, problem: string): Error {
  return fault('REQUEST_INVALID', { what: 'The request', path, problem })
}
