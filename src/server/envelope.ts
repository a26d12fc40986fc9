// The outer object of a body, read strictly: only the fields that a route knows, each of its type. What stands inside
// `input` and `data` is the application's, and its schemas judge it.
import { fault } from '../core/errors.ts'
import { isRecord, type Json } from '../core/json.ts'
import { nearest } from '../core/names.ts'

export type Envelope = Readonly<Record<string, Json | undefined>>

/**
 * The fields of a body, or of the object that stands in its field `inside`.
 * @throws REQUEST_INVALID when it is no object, or has a field that is not in `names`.
 */
export function readEnvelope(body: Json, names: readonly string[], inside = ''): Envelope {
  if (!isRecord(body)) throw wrong(inside === '' ? 'the top' : inside, `it must be an object with ${names.join(', ')}`)
  for (const name of Object.keys(body))
    if (!names.includes(name)) throw wrong(pathOf(inside, shown(name)), unknownName('field', name, names))
  return body
}

/** The string in a field, or undefined. @throws REQUEST_INVALID */
export function optionalText(envelope: Envelope, name: string, inside = ''): string | undefined {
  const value = envelope[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '')
    throw wrong(pathOf(inside, name), 'it must be a string that is not empty')
  return value
}

/** The string in a field. @throws REQUEST_INVALID */
export function requiredText(envelope: Envelope, name: string, inside = ''): string {
  const value = optionalText(envelope, name, inside)
  if (value === undefined) throw wrong(pathOf(inside, name), 'it is missing')
  return value
}

/** One of a few words in a field, or undefined. @throws REQUEST_INVALID */
export function optionalWord<Word extends string>(
  envelope: Envelope,
  name: string,
  words: readonly Word[],
  inside = '',
): Word | undefined {
  const value = optionalText(envelope, name, inside)
  const found = words.find((word) => word === value)
  if (value !== undefined && found === undefined)
    throw wrong(pathOf(inside, name), `it must be one of ${words.join(', ')}`)
  return found
}

/** The span of whoever asks, as the header says; the application passes over what is none. */
export function traceparentOf(request: Request): string | undefined {
  return request.headers.get('traceparent') ?? undefined
}

function pathOf(inside: string, name: string): string {
  return inside === '' ? name : `${inside}.${name}`
}

/** Says that there is no such field (or attribute, parameter), with the nearest one. */
export function unknownName(what: string, name: string, names: readonly string[]): string {
  const near = /"(.*)"/.exec(nearest(name, names))?.[1]
  if (near !== undefined) return `there is no such ${what}, perhaps "${near}"`
  return `there is no such ${what} (${names.length === 0 ? 'it takes none' : `only ${names.join(', ')}`})`
}

/** The refusal of a field of the body. */
export function wrong(path: string, problem: string): Error {
  return fault('REQUEST_INVALID', { what: 'The body', path, problem })
}

/** A field's name, short enough for a message. */
export function shown(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}
