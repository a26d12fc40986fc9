// Ids, keys and names: the alphabets they are refused outside of, and the nearest name on a typo. Names are short,
// printable and safe in a URL path, a log line and a file; values (payloads) are not restricted here.
// `~` and `/` are left to ids that the engine derives, so that a given id never equals a derived one.
import { fault } from './errors.ts'

const ID = /^[A-Za-z0-9._:@+=-]{1,256}$/
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const TYPE = /^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$/
const FIELD = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/
// CloudEvents sources are URI references and ids any string: printable ASCII without spaces and quotes.
const SOURCE = /^[\x21\x23-\x7d]{1,256}$/

/** What is wrong with an id, or undefined. */
export function idProblem(id: string): string | undefined {
  // Programs without types hand over whatever they have. A number is taken as its digits: journals have such ids.
  if (typeof id !== 'string' && typeof id !== 'number') return 'it is no text'
  if (id === '') return 'it is empty'
  if (id.length > 256) return 'it is longer than 256 characters'
  if (id === '.' || id === '..') return 'no address can hold it'
  return ID.test(id) ? undefined : 'it has a character outside the alphabet'
}

/** Refuses a given id that is empty, too long or outside the alphabet. @throws ID_INVALID */
export function checkId(id: string, what: string): string {
  const problem = idProblem(id)
  if (problem !== undefined) throw fault('ID_INVALID', { what, id: shown(id), problem })
  return id
}

/** `field:value`, the form in which a key is kept. @throws KEY_INVALID */
export function keyOf(field: string, value: unknown): string {
  if (typeof value !== 'string') {
    // What an object says of itself comes from outside, and may throw.
    const words =
      typeof value === 'object' && value !== null
        ? 'an object'
        : typeof value === 'function'
          ? 'a function'
          : String(value)
    throw fault('KEY_INVALID', { field: shown(field), value: shown(words), problem: 'it is not a string' })
  }
  const problem = idProblem(value) ?? (FIELD.test(field) ? undefined : 'its field has no such name')
  if (problem !== undefined) throw fault('KEY_INVALID', { field: shown(field), value: shown(value), problem })
  return `${field}:${value}`
}

/** Splits `field:value`. */
export function splitKey(key: string): { readonly field: string; readonly value: string } {
  const colon = key.indexOf(':')
  return { field: key.slice(0, colon), value: key.slice(colon + 1) }
}

/** Type of the event that tells of a deadline of a choreography. */
export function overdueType(choreography: string): string {
  return `${choreography}.overdue`
}

/** The namespace of an application that does not name one. */
export const DEFAULT_NAMESPACE = 'default'

/** The workflow whose runs are schedules: no author can name one so, and nobody gives such an id to another run (Directory.checkRunId). */
export const SCHEDULE = '@schedule'

/** Whether a word may name a service, an operation or a workflow. */
export function isName(name: string): boolean {
  return NAME.test(name)
}

/** Whether a word may be the type of an event or a signal. */
export function isType(type: string): boolean {
  return type.length <= 128 && TYPE.test(type)
}

/** Whether a word may be the field of a key. */
export function isField(field: string): boolean {
  return FIELD.test(field)
}

/** Refuses the source or id of a published event outside printable ASCII. @throws ID_INVALID */
export function checkEventName(value: string, what: string): string {
  if (SOURCE.test(value)) return value
  throw fault('ID_INVALID', {
    what,
    id: shown(value),
    problem: 'it must be 1 to 256 printable ASCII characters without spaces, quotes and ~',
  })
}

/** Why a text cannot say what brought an event about: it stands in a row, and not every store takes every character there. */
export function causeProblem(value: string): string | undefined {
  return /^[\x21-\x7e]{1,1024}$/.test(value)
    ? undefined
    : 'it must be 1 to 1024 printable ASCII characters without spaces'
}

/** ` Did you mean "x"?` for the candidate nearest to `name`, or an empty string when none is near. */
export function nearest(name: string, candidates: Iterable<string>): string {
  const word = name.slice(0, 64).toLowerCase()
  let best = ''
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best === '' ? '' : ` Did you mean "${best}"?`
}

/** Levenshtein distance (Wagner and Fischer 1974), given up at `limit`. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit) return limit
  const at = (row: readonly number[], column: number): number => row[column] as number
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const swap = at(previous, column - 1) + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(swap, at(previous, column) + 1, at(current, column - 1) + 1))
    }
    previous = current
  }
  return at(previous, right.length)
}

/** A value cut and escaped for an error message. */
function shown(value: string): string {
  const text = JSON.stringify(typeof value === 'string' ? value : typeof value).slice(1, -1)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
