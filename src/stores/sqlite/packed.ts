// Statements on their way to a thread. What is the same in every row of a statement (the namespace, the shard, what most
// runs do not have) crosses once, and what is as in the row before does not cross: copying a value costs more than putting
// it into a row again. Large payloads, which become blobs row by row, are never taken for the same. The text of a statement crosses once for all. Used by both ends.
import { invariant } from '../../core/errors.ts'
import { blank } from '../sql/rows.ts'
import type { Statement } from '../sql/statements.ts'
import type { Value } from '../sql/tables.ts'

/** A statement of which `values` has only what varies, row after row, if `same` is there: it has the rest, by place. */
export interface Packed extends Omit<Statement, 'values'> {
  /** Undefined where a row has what the one before it had. */
  readonly values: readonly (Value | undefined)[]
  readonly same?: readonly (Value | undefined)[]
}

/** Takes out what all rows share. */
export function pack(statement: Statement): Packed {
  const { width, values, payloads = [] } = statement
  if (values.length <= width) return statement
  const same: (Value | undefined)[] = []
  const varying: number[] = []
  for (let place = 0; place < width; place++) {
    const value = values[place]
    const isSame = (value === null || !payloads.includes(place)) && isAlways(value, values, place, width)
    same.push(isSame ? value : undefined)
    if (!isSame) varying.push(place)
  }
  if (varying.length === width || varying.length === 0) return statement
  const isPayload = varying.map((place) => payloads.includes(place))
  const rest: (Value | undefined)[] = blank((values.length / width) * varying.length)
  let at = 0
  for (let offset = 0; offset < values.length; offset += width)
    // By number: the pairs of `entries` would be more garbage than all that crosses.
    for (let index = 0; index < varying.length; index++) {
      const place = varying[index] ?? 0
      const value = values[offset + place]
      const isRepeated = offset > 0 && value === values[offset - width + place] && isPayload[index] === false
      rest[at++] = isRepeated ? undefined : value
    }
  return { ...statement, values: rest, same }
}

function isAlways(value: Value | undefined, values: readonly Value[], place: number, width: number): boolean {
  for (let at = place + width; at < values.length; at += width) if (values[at] !== value) return false
  return true
}

/** The rows of a statement, one after the other, each in the same array. */
export function* rowsOf({ width, values, same }: Packed): Generator<Value[]> {
  if (same === undefined) {
    for (let offset = 0; offset < values.length; offset += width)
      yield values.slice(offset, offset + width) as readonly (Value | undefined)[] as Value[]
    return
  }
  const varying = [...same.keys()].filter((place) => same[place] === undefined)
  const row = same.map((value) => value ?? null)
  for (let at = 0; at < values.length;) {
    for (const place of varying) {
      const value = values[at++]
      if (value !== undefined) row[place] = value
    }
    yield row
  }
}

/** A statement that crosses: its text does so the first time, and afterwards the number that it had then. */
export interface Sent extends Omit<Packed, 'sql'> {
  readonly text: number
  readonly sql?: string
}

/** More texts than this cross whole: somebody invents them. */
const KNOWN_TEXTS = 500
const UNKNOWN = -1

/** The end that sends. What it sends must arrive in this order. */
export class SentTexts {
  readonly #numbers = new Map<string, number>()

  send({ sql, ...statement }: Packed): Sent {
    const known = this.#numbers.get(sql)
    if (known !== undefined) return { ...statement, text: known }
    const text = this.#numbers.size < KNOWN_TEXTS ? this.#numbers.size : UNKNOWN
    if (text !== UNKNOWN) this.#numbers.set(sql, text)
    return { ...statement, text, sql }
  }
}

/** The end that receives. */
export class ReceivedTexts {
  readonly #texts: string[] = []

  receive({ text, sql = this.#texts[text], ...statement }: Sent): Packed {
    invariant(sql !== undefined, `the text ${text} has not been sent`)
    if (text !== UNKNOWN) this.#texts[text] = sql
    return { ...statement, sql }
  }
}
