// Where a list goes on, as text that its caller hands back: a position, or one for each shard where there are several. And
// what else of a question has to be judged. Used by queries.ts.
import { STUCK_REASONS } from '../core/journal.ts'
import { fault } from '../core/errors.ts'

/** Behind which row of each shard a page goes on; undefined from the beginning. */
export type Places = readonly (number | undefined)[]

/** Digits of the positions in a cursor of one list, and of two. */
const ONE_LIST = 36
const TWO_LISTS = 10
type Base = typeof ONE_LIST | typeof TWO_LISTS
const DIGITS: Readonly<Record<Base, RegExp>> = { [ONE_LIST]: /^[0-9a-z]{1,11}$/, [TWO_LISTS]: /^\d{1,15}$/ }
const NOT_GIVEN = 'it is none that a list answered with'

/** What a question looks for: PostgreSQL takes no null character in a text. @throws QUERY_INVALID */
export function checkSought(question: object): void {
  for (const [name, value] of Object.entries(question)) {
    const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (texts.some((text) => typeof text === 'string' && text.includes('\0')))
      throw fault('QUERY_INVALID', { name, problem: 'it has a null character, which nothing that is kept has' })
  }
}

/** @throws QUERY_INVALID */
export function checkReason(reason: string | undefined): void {
  if (reason === undefined || (STUCK_REASONS as readonly string[]).includes(reason)) return
  throw fault('QUERY_INVALID', { name: 'reason', problem: `it must be one of ${STUCK_REASONS.join(', ')}` })
}

/** @throws QUERY_INVALID */
export function limitOf(limit: number | undefined): number {
  if (limit === undefined) return 50
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit
  throw fault('QUERY_INVALID', { name: 'limit', problem: 'it must be a whole number from 1 to 1000' })
}

export const cursorOfPlaces = (places: Places, base: Base = ONE_LIST): string =>
  places.map((place) => place?.toString(base) ?? '').join('.')

/** @throws QUERY_INVALID */
export function placesOf(cursor: string | undefined, shards: number, base: Base = ONE_LIST): Places {
  if (cursor === undefined) return Array.from({ length: shards }, () => undefined)
  const places = textOf(cursor)
    .split('.')
    .map((text) => {
      if (text === '' && shards > 1) return undefined
      return DIGITS[base].test(text) ? Number.parseInt(text, base) : Number.NaN
    })
  const isOne = (place: number | undefined): boolean => place === undefined || Number.isSafeInteger(place)
  if (places.length === shards && places.every(isOne)) return places
  throw fault('QUERY_INVALID', { name: 'cursor', problem: NOT_GIVEN })
}

/** Behind which runs and which events an answer goes on; null where there are no more. */
export type TwoPlaces = readonly [runs: Places | null, events: Places | null]

export const cursorOfTwo = (two: TwoPlaces): string =>
  two.map((places) => (places === null ? '' : cursorOfPlaces(places, TWO_LISTS))).join('-')

/** @throws QUERY_INVALID */
export function twoPlacesOf(cursor: string, shards: number): TwoPlaces {
  const [runs, events, ...more] = textOf(cursor).split('-')
  if (runs === undefined || events === undefined || more.length > 0)
    throw fault('QUERY_INVALID', { name: 'cursor', problem: 'no answer has given it' })
  return [runs, events].map((one) => (one === '' ? null : placesOf(one, shards, TWO_LISTS))) as unknown as TwoPlaces
}

export const cursorOfKey = (key: string): string => Buffer.from(key).toString('base64url')

/** @throws QUERY_INVALID */
export function keyOfCursor(cursor: string): string {
  const key = Buffer.from(textOf(cursor), 'base64url').toString()
  if (key !== '' && !key.includes('\0') && cursorOfKey(key) === cursor) return key
  throw fault('QUERY_INVALID', { name: 'cursor', problem: NOT_GIVEN })
}

/** What a program without types hands back. @throws QUERY_INVALID */
function textOf(cursor: unknown): string {
  if (typeof cursor === 'string') return cursor
  throw fault('QUERY_INVALID', { name: 'cursor', problem: NOT_GIVEN })
}
