// Parses JSON that nobody has vouched for. One pass over the text checks the grammar and the limits and stops at the
// first thing that is wrong, so that a bomb costs what stands before its limit and nothing is built of it; only a text
// that passed is given to JSON.parse, which therefore never sees what it would change in silence: `__proto__` keys,
// keys that stand twice, numbers that a double cannot hold. Everything else is kept as it is. The HTTP API and the
// command line call it for every body and file.
//
//   state    on                     becomes
//   value    a scalar               next (end at the top)
//   value    [ or {                 item or name
//   item     ]                      next (end at the top)        item     anything else    value
//   name     }                      next (end at the top)        name     a string and :   value
//   next     ,                      value (array), key (object)  next     ] or }           next (end at the top)
//   key      a string and :         value
import { fault, invariant, type BalletError } from './errors.ts'
import type { Json } from './json.ts'

/** What a JSON text may hold at most. */
export interface JsonLimits {
  /** Levels of arrays and objects in each other. */
  readonly depth: number
  /** Keys of one object. */
  readonly keys: number
  /** Items of one array. */
  readonly items: number
  /** Characters of one string, as written. */
  readonly characters: number
}

export const JSON_LIMITS: JsonLimits = { depth: 64, keys: 10_000, items: 100_000, characters: 1_048_576 }

/**
 * The value of an untrusted JSON text.
 * @throws JSON_MALFORMED with the position, JSON_TOO_DEEP, JSON_TOO_MANY, JSON_KEY_FORBIDDEN and JSON_KEY_REPEATED with
 * the path, JSON_NUMBER_LOSSY for a number that would come out as another one.
 */
export function parseJson(text: string, limits: JsonLimits = JSON_LIMITS): Json {
  new Scan(text, limits).run()
  return JSON.parse(text) as Json
}

type State = 'value' | 'item' | 'name' | 'key' | 'next' | 'end'

/** An array or object that is open at the current position. */
interface Open {
  readonly kind: 'array' | 'object'
  /** Items or keys so far. */
  count: number
  key: string
  readonly keys: Set<string>
}

const SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])
/** What may stand in a string as it is: from the space on, without the quote and the backslash. */
const PLAIN = /[ !#-[\]-\uffff]*/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y
/** Longest piece of the sender's text in a message. */
const SHOWN = 120

class Scan {
  readonly #text: string
  readonly #limits: JsonLimits
  readonly #open: Open[] = []
  #at = 0

  constructor(text: string, limits: JsonLimits) {
    this.#text = text
    this.#limits = limits
  }

  run(): void {
    let state: State = 'value'
    while (state !== 'end') {
      this.#space()
      state = this.#steps[state](this.#text[this.#at])
    }
    this.#space()
    if (this.#at < this.#text.length) throw this.#malformed()
  }

  readonly #steps: Readonly<Record<Exclude<State, 'end'>, (next: string | undefined) => State>> = {
    value: (next) => this.#value(next),
    item: (next) => (next === ']' ? this.#close() : this.#item(next)),
    name: (next) => (next === '}' ? this.#close() : this.#key()),
    key: () => this.#key(),
    next: (next) => this.#next(next),
  }

  #value(next: string | undefined): State {
    if (next === '{' || next === '[') return this.#enter(next)
    if (next === '"') this.#string()
    else if (!this.#number() && !this.#skip(WORD)) throw this.#malformed()
    return this.#open.length === 0 ? 'end' : 'next'
  }

  #enter(bracket: '{' | '['): State {
    if (this.#open.length === this.#limits.depth) throw fault('JSON_TOO_DEEP', { limit: this.#limits.depth })
    const kind = bracket === '{' ? 'object' : 'array'
    this.#open.push({ kind, count: 0, key: '', keys: new Set() })
    this.#at++
    return kind === 'object' ? 'name' : 'item'
  }

  #close(): State {
    this.#open.pop()
    this.#at++
    return this.#open.length === 0 ? 'end' : 'next'
  }

  #next(next: string | undefined): State {
    const isArray = this.#top().kind === 'array'
    if (next === (isArray ? ']' : '}')) return this.#close()
    if (next !== ',') throw this.#malformed()
    this.#at++
    if (!isArray) return 'key'
    this.#space()
    return this.#item(this.#text[this.#at])
  }

  #item(next: string | undefined): State {
    this.#count('items', this.#limits.items)
    return this.#value(next)
  }

  #key(): State {
    if (this.#text[this.#at] !== '"') throw this.#malformed()
    const start = this.#at
    const key = this.#string()
      ? (JSON.parse(this.#text.slice(start, this.#at)) as string)
      : this.#text.slice(start + 1, this.#at - 1)
    this.#name(key)
    this.#space()
    if (this.#text[this.#at] !== ':') throw this.#malformed()
    this.#at++
    return 'value'
  }

  /** Notes a key of the object on top and refuses what must not be one. */
  #name(key: string): void {
    const top = this.#count('keys', this.#limits.keys)
    top.key = key
    if (key === '__proto__') throw fault('JSON_KEY_FORBIDDEN', { key, path: this.#path() })
    if (top.keys.has(key)) throw fault('JSON_KEY_REPEATED', { key: key.slice(0, SHOWN), path: this.#path() })
    top.keys.add(key)
  }

  #count(what: 'items' | 'keys', limit: number): Open {
    const top = this.#top()
    top.count++
    if (top.count > limit) throw fault('JSON_TOO_MANY', { what, limit, path: this.#path(1) })
    return top
  }

  #top(): Open {
    const top = this.#open.at(-1)
    invariant(top !== undefined, 'a JSON scan is in no array and no object')
    return top
  }

  /** Passes a string; true when it has an escape. */
  #string(): boolean {
    const start = this.#at
    let escaped = false
    this.#at++
    this.#skip(PLAIN)
    while (this.#skip(ESCAPE)) {
      escaped = true
      this.#skip(PLAIN)
    }
    if (this.#text[this.#at] !== '"') throw this.#malformed()
    this.#at++
    const limit = this.#limits.characters
    if (this.#at - start - 2 > limit)
      throw fault('JSON_TOO_MANY', { what: 'characters in a string', limit, path: this.#path() })
    return escaped
  }

  #number(): boolean {
    const start = this.#at
    if (!this.#skip(NUMBER)) return false
    const written = this.#text.slice(start, this.#at)
    if (written.length > 15 || /[eE]/.test(written)) this.#exact(written)
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

  #space(): void {
    while (SPACE.has(this.#text.charCodeAt(this.#at))) this.#at++
  }

  /** Moves past what a sticky pattern matches here; false when that is nothing. */
  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text) || pattern.lastIndex === this.#at) return false
    this.#at = pattern.lastIndex
    return true
  }

  /** Where the scan stands, `input.items.0.sku`; `drop` leaves out that many of the innermost steps. */
  #path(drop = 0): string {
    const steps = this.#open.map((open) => (open.kind === 'array' ? String(open.count - 1) : open.key))
    const path = steps.slice(0, steps.length - drop).join('.')
    if (path === '') return 'the top'
    return path.length > SHOWN ? `${path.slice(0, SHOWN)}…` : path
  }

  #malformed(): BalletError {
    const before = this.#text.slice(0, this.#at)
    const line = before.split('\n').length
    const column = this.#at - (before.lastIndexOf('\n') + 1) + 1
    const found = this.#text.codePointAt(this.#at)
    const problem =
      found === undefined ? 'it ends too early' : `unexpected ${JSON.stringify(String.fromCodePoint(found))}`
    return fault('JSON_MALFORMED', { problem: `${problem} at line ${line}, column ${column}` })
  }
}
