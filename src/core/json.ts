// JSON as the journal knows it: what may be stored, and how a value is brought to text once and compared.
// Everything that crosses a door (input, outcome, event, signal, state) becomes JSON text here exactly once, and
// what is delivered later is parsed from that text, so a first delivery and a replay cannot differ.
import { fault } from './errors.ts'
import { toFailure } from './failure.ts'
import { parseText } from './json-text.ts'

/** A value that JSON keeps as it is. Optional fields may be absent or `undefined` (then they are not stored). */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** JSON text made by `toText`: well-formed, on one line, without NUL and lone surrogates (they are escaped). */
export type JsonText = string

/** What JSON makes of a `T`: the honest type of anything that was stored (a `Date` comes back as a string). */
export type Stored<T> = [T] extends [Json | undefined] ? T : StoredPart<T>
type StoredPart<T> = T extends { toJSON(): infer J }
  ? J
  : T extends null | boolean | number | string
    ? T
    : T extends undefined | void
      ? undefined
      : T extends bigint | symbol | ((...args: never) => unknown)
        ? never
        : T extends object
          ? { [K in keyof T]: Stored<T[K]> }
          : never

/** Levels of nesting: what is compared, hashed and read again must not exhaust the stack, wherever that is done. */
export const DEPTH_LIMIT = 500

/** Bytes of one text in UTF-8. What is larger belongs elsewhere, with a reference to it here. */
export const TEXT_LIMIT: number = 32 * 1024 * 1024

/**
 * The JSON text of a value, or undefined for `undefined`.
 * @param what names the value in the error, for example `the output of workflow "checkout"`.
 * @throws VALUE_NOT_JSON for what JSON cannot hold (a cycle, a bigint, a function), and for more than 500 levels;
 * PAYLOAD_TOO_LARGE for more than 32 MiB.
 */
export function toText(value: unknown, what: string): JsonText | undefined {
  const text = stringified(value, what)
  if (text === undefined) return undefined
  checkSize(text, what)
  if (isTooDeep(text))
    throw fault('VALUE_NOT_JSON', { what, problem: `it is nested deeper than ${DEPTH_LIMIT} levels` })
  return text
}

function stringified(value: unknown, what: string): JsonText | undefined {
  let problem = 'it is a function or a symbol'
  try {
    const text = JSON.stringify(value) as JsonText | undefined
    if (text !== undefined || value === undefined) return text
  } catch (error) {
    problem = toFailure(error).message.replace(/\n.*/s, '')
  }
  throw fault('VALUE_NOT_JSON', { what, problem })
}

/** A character has 3 bytes at most (a pair of surrogates 4), so that only what may be too large is counted. */
function checkSize(text: JsonText, what: string): void {
  if (text.length * 3 <= TEXT_LIMIT) return
  let size = text.length
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x80) continue
    // Half of a pair has 2 of its 4 bytes; text of JSON.stringify has no half alone.
    size += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2
  }
  if (size > TEXT_LIMIT) throw fault('PAYLOAD_TOO_LARGE', { what, size, limit: TEXT_LIMIT })
}

/** Whether a text made by `JSON.stringify` has too many levels. */
function isTooDeep(text: string): boolean {
  if (text.length <= 2 * DEPTH_LIMIT) return false
  let depth = 0
  let isInString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) isInString = !isInString
    else if (isInString) index += code === BACKSLASH ? 1 : 0
    else if (code === BRACE || code === BRACKET) {
      if (++depth > DEPTH_LIMIT) return true
    } else if (code === BRACE + 2 || code === BRACKET + 2) depth -= 1
  }
  return false
}

// An opening brace and bracket stand two places before their closing ones.
const [QUOTE, BACKSLASH, BRACE, BRACKET, ZERO] = [0x22, 0x5c, 0x7b, 0x5b, 0x30]

/**
 * The texts of a value that a schema lets in: what it makes of it, and as `raw` what was given, when that is another
 * value (the order of keys is none of its difference). An absent value that became one is `null` as given.
 * @param make has the schema look at it.
 * @throws VALUE_NOT_JSON, and what `make` throws
 */
export function bothTexts(
  given: unknown,
  make: () => unknown,
  what: string,
): { readonly text: JsonText | undefined; readonly raw?: JsonText } {
  // Before: there are schemas that fill in what they were given, in place.
  const raw = toText(given, what)
  const text = toText(make(), what)
  const isSame =
    text === raw || (text?.length === raw?.length && canonicalText(fromText(text)) === canonicalText(fromText(raw)))
  return isSame ? { text: raw } : { text, raw: raw ?? 'null' }
}

/** The value that `toText` stored; absent text is `undefined`. */
export function fromText(text: JsonText | undefined): unknown {
  return text === undefined ? undefined : parseText(text)
}

/**
 * JSON text with the keys of every object sorted: equal values have equal text. Used for hashes and comparison, on what
 * `fromText` gave. `undefined` has the text `undefined`.
 */
export function canonicalText(value: unknown): string {
  return value === undefined ? 'undefined' : (plainText(value) ?? JSON.stringify(value, sortKeys))
}

function sortKeys(_key: string, part: unknown): unknown {
  if (part === null || typeof part !== 'object' || Array.isArray(part)) return part
  const sorted: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const key of Object.keys(part).sort()) sorted[key] = (part as Record<string, unknown>)[key]
  return sorted
}

/**
 * What `JSON.stringify(value, sortKeys)` makes of plain values, in half the time; undefined when there is anything else in
 * them: what has a class or a `toJSON`, or a key that begins with a digit, which objects put in front of all others.
 */
function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`
  if (typeof value === 'number' || typeof value === 'boolean') return JSON.stringify(value)
  if (typeof value !== 'object') return undefined
  if (value === null) return 'null'
  return Array.isArray(value) ? plainItems(value) : plainFields(value as Record<string, unknown>)
}

/** What stands otherwise in JSON than in the string. */
// oxlint-disable-next-line no-control-regex -- JSON escapes them
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/

function plainItems(items: readonly unknown[]): string | undefined {
  let text = '['
  for (let index = 0; index < items.length; index++) {
    const item = plainText(items[index])
    if (item === undefined) return undefined
    text += index === 0 ? item : `,${item}`
  }
  return `${text}]`
}

function plainFields(fields: Readonly<Record<string, unknown>>): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(fields)
  if ((prototype !== Object.prototype && prototype !== null) || typeof fields['toJSON'] === 'function') return undefined
  const keys = inOrder(Object.keys(fields))
  let text = ''
  for (const key of keys) {
    const value = fields[key]
    if (value === undefined) continue
    const code = key.charCodeAt(0)
    const part = code >= ZERO && code <= ZERO + 9 ? undefined : plainText(value)
    if (part === undefined) return undefined
    text += `${text === '' ? '{' : ','}${plainText(key)}:${part}`
  }
  return text === '' ? '{}' : `${text}}`
}

/** Sorts a few keys in their place, which most objects have, without what a sort of many needs. */
function inOrder(keys: string[]): string[] {
  if (keys.length > FEW_KEYS) return keys.sort()
  for (let index = 1; index < keys.length; index++) {
    const key = keys[index] as string
    let at = index
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string
    keys[at] = key
  }
  return keys
}
const FEW_KEYS = 16

/** Whether an unknown value is a plain object with fields to read. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
