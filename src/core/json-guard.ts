// Parses JSON that nobody has vouched for. One pass over the text checks the grammar and the limits and stops at the
// first thing that is wrong, so that a bomb costs what stands before its limit and nothing is built of it; only a text
// that passed becomes a value (json-text.ts), and it has nothing that would be changed in silence: no `__proto__` key,
// no key that stands twice, no number that a double cannot hold. Everything else is kept as it is. The HTTP API and the
// command line call it for every body and file. It is written for speed, character by character, because a body is read
// in one piece and everybody else waits meanwhile.
import { fault, type BalletError } from './errors.ts'
import { parseChecked, unquote } from './json-text.ts'
import type { Json } from './json.ts'

/** What a JSON text may hold at most. */
export interface JsonLimits {
  /** Levels of arrays and objects in each other. */
  readonly depth: number
  /** Keys of one object. */
  readonly keys: number
  /** Items of one array. */
  readonly items: number
  /** Fields, items, arrays and objects in the whole text. */
  readonly parts: number
  /** Characters of one string, as written. */
  readonly characters: number
}

export const JSON_LIMITS: JsonLimits = {
  depth: 64,
  keys: 10_000,
  items: 100_000,
  parts: 150_000,
  characters: 1_048_576,
}

/**
 * The value of an untrusted JSON text.
 * @throws JSON_MALFORMED with the position, JSON_TOO_DEEP, JSON_TOO_MANY, JSON_KEY_FORBIDDEN and JSON_KEY_REPEATED with
 * the path, JSON_NUMBER_LOSSY for a number that would come out as another one.
 */
export function parseJson(text: string, limits: JsonLimits = JSON_LIMITS): Json {
  return parseChecked(text, new Scan(text, limits).run()) as Json
}

const [QUOTE, BACKSLASH, COLON, COMMA, MINUS, ZERO, DOT, E] = [0x22, 0x5c, 0x3a, 0x2c, 0x2d, 0x30, 0x2e, 0x65]
const [OBJECT, OBJECT_END, ARRAY, ARRAY_END] = [0x7b, 0x7d, 0x5b, 0x5d]
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y
/** Up to so many keys of an object are compared one by one; from there on a set is faster. */
const FEW = 8
/** Integers of up to so many digits are doubles. */
const SAFE_DIGITS = 15
/** Longest piece of the sender's text in a message. */
const SHOWN = 120

class Scan {
  readonly #text: string
  readonly #limits: JsonLimits
  #at = 0
  #parts = 0
  /** The key or index at which each open object and array stands. */
  readonly #steps: (string | number)[] = []
  #depth = 0
  readonly #escapedKeys: string[] = []

  constructor(text: string, limits: JsonLimits) {
    this.#text = text
    this.#limits = limits
  }

  /** Passes the text; the keys that are written with an escape. */
  run(): readonly string[] {
    this.#value()
    if (!Number.isNaN(this.#next())) throw this.#malformed()
    return this.#escapedKeys
  }

  #value(): void {
    const code = this.#next()
    if (code === QUOTE) this.#string()
    else if (code === OBJECT) this.#object()
    else if (code === ARRAY) this.#array()
    else if (code === MINUS || isDigit(code)) this.#number()
    else if (!this.#skip(WORD)) throw this.#malformed()
  }

  #array(): void {
    const level = this.#enter()
    if (this.#next() === ARRAY_END) return this.#leave()
    for (let count = 0; ; count++) {
      this.#steps[level] = count
      if (count === this.#limits.items) throw this.#tooMany('items', count)
      this.#one()
      this.#value()
      if (this.#ends(ARRAY_END)) return this.#leave()
    }
  }

  #object(): void {
    const level = this.#enter()
    if (this.#next() === OBJECT_END) return this.#leave()
    const few: string[] = []
    let many: Set<string> | undefined
    for (let count = 0; ; count++) {
      if (count === this.#limits.keys) throw this.#tooMany('keys', count)
      const key = this.#key(level)
      if (many === undefined ? few.includes(key) : many.has(key))
        throw fault('JSON_KEY_REPEATED', { key: key.slice(0, SHOWN), path: this.#path() })
      if (count < FEW) few.push(key)
      else (many ??= new Set(few)).add(key)
      this.#one()
      this.#value()
      if (this.#ends(OBJECT_END)) return this.#leave()
    }
  }

  /** Passes a key and its colon. */
  #key(level: number): string {
    this.#steps[level] = ''
    if (this.#next() !== QUOTE) throw this.#malformed()
    const start = this.#at
    let key = ''
    if (this.#string()) {
      key = unquote(this.#text.slice(start, this.#at))
      this.#escapedKeys.push(key)
    } else key = this.#text.slice(start + 1, this.#at - 1)
    this.#steps[level] = key
    if (key === '__proto__') throw fault('JSON_KEY_FORBIDDEN', { key, path: this.#path() })
    if (this.#next() !== COLON) throw this.#malformed()
    this.#at++
    return key
  }

  /** Passes an opening bracket; the level that it opens, from 0. */
  #enter(): number {
    if (this.#depth === this.#limits.depth) throw fault('JSON_TOO_DEEP', { limit: this.#limits.depth })
    this.#one()
    this.#at++
    return this.#depth++
  }

  #leave(): void {
    this.#at++
    this.#depth--
  }

  /** Stands before the closing bracket, or passes a comma. */
  #ends(closing: number): boolean {
    const code = this.#next()
    if (code === closing) return true
    if (code !== COMMA) throw this.#malformed()
    this.#at++
    return false
  }

  #one(): void {
    const limit = this.#limits.parts
    if (++this.#parts > limit)
      throw fault('JSON_TOO_MANY', { what: 'fields, items, arrays and objects', limit, path: 'the top' })
  }

  /** Passes a string; true when it has an escape. */
  #string(): boolean {
    const text = this.#text
    const start = this.#at + 1
    let isEscaped = false
    let at = start
    for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) {
      const length = code === BACKSLASH ? escapeLength(text, at) : code >= 0x20 ? 1 : 0
      if (length === 0) throw this.#malformed(at)
      if (code === BACKSLASH) isEscaped = true
      at += length
    }
    this.#at = at + 1
    const limit = this.#limits.characters
    if (at - start > limit) throw fault('JSON_TOO_MANY', { what: 'characters in a string', limit, path: this.#path() })
    return isEscaped
  }

  #number(): void {
    const start = this.#at
    if (this.#isInteger()) return
    if (!this.#skip(NUMBER)) throw this.#malformed()
    const written = this.#text.slice(start, this.#at)
    if (written.length > SAFE_DIGITS || /[eE]/.test(written)) this.#exact(written)
  }

  /** Passes what most numbers are: a few digits. */
  #isInteger(): boolean {
    const text = this.#text
    const first = text.charCodeAt(this.#at) === MINUS ? this.#at + 1 : this.#at
    let at = first
    while (isDigit(text.charCodeAt(at))) at++
    const digits = at - first
    if (digits === 0 || digits > SAFE_DIGITS || (digits > 1 && text.charCodeAt(first) === ZERO)) return false
    const code = text.charCodeAt(at)
    if (code === DOT || (code | 0x20) === E) return false
    this.#at = at
    return true
  }

  /**
   * Refuses a number that JSON.parse would turn into another one: an overflow, an underflow, an integer past 2^53
   * that neither is a double nor is what JavaScript writes for one. Decimals are rounded as everywhere.
   */
  #exact(written: string): void {
    const kept = Number(written)
    const isWhole = /^-?[0-9]+$/.test(written)
    const isLost =
      !Number.isFinite(kept) ||
      (kept === 0 && /^[^eE]*[1-9]/.test(written)) ||
      (isWhole && String(kept) !== written && BigInt(written) !== BigInt(kept))
    if (isLost) throw fault('JSON_NUMBER_LOSSY', { number: written.slice(0, SHOWN), path: this.#path() })
  }

  /** Passes white space; the code of what follows, NaN at the end. */
  #next(): number {
    let code = this.#text.charCodeAt(this.#at)
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = this.#text.charCodeAt(++this.#at)
    return code
  }

  /** Moves past what a sticky pattern matches here; false when that is nothing. */
  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    this.#at = pattern.lastIndex
    return true
  }

  /** The refusal of one more part of the innermost array or object. */
  #tooMany(what: 'items' | 'keys', limit: number): BalletError {
    return fault('JSON_TOO_MANY', { what, limit, path: this.#path(1) })
  }

  /** Where the scan stands, `input.items.0.sku`; `drop` leaves out that many of the innermost steps. */
  #path(drop = 0): string {
    const path = this.#steps
      .slice(0, this.#depth - drop)
      .join('.')
      .replace(/\.$/, '')
    if (path === '') return 'the top'
    return path.length > SHOWN ? `${path.slice(0, SHOWN)}…` : path
  }

  #malformed(at = this.#at): BalletError {
    const before = this.#text.slice(0, at)
    const line = before.split('\n').length
    const column = at - (before.lastIndexOf('\n') + 1) + 1
    const found = this.#text.codePointAt(at)
    const problem =
      found === undefined ? 'it ends too early' : `unexpected ${JSON.stringify(String.fromCodePoint(found))}`
    return fault('JSON_MALFORMED', { problem: `${problem} at line ${line}, column ${column}` })
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isHex(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)
}

/** The codes of `"\/bfnrt`, which may stand behind a backslash. */
const ESCAPED: ReadonlySet<number> = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74])

/** Characters of the escape that begins at `at`, 0 when it is none. */
function escapeLength(text: string, at: number): number {
  const code = text.charCodeAt(at + 1)
  if (code !== 0x75) return ESCAPED.has(code) ? 2 : 0
  for (let digit = at + 2; digit < at + 6; digit++) if (!isHex(text.charCodeAt(digit))) return 0
  return 6
}
