// A sample whose key is like no other word in it. Samples are made of few words, and a reaction that hands on another field in
// place of the key would not be told from one that hands on the key. What may well be the key under another name (the same
// field further in, an `id` of something, `orderNumber` beside `orderId`) changes with it.
import { isRecord } from '../../core/json.ts'
import type { EventDefinition } from '../definition.ts'
import { accepted, draftsOf, WORDS } from './samples.ts'

/** Whatever the pattern of a key is, a word of it with another last letter mostly fits, and is taken apart in the same way. */
const LAST = ['7', 'z', 'Z', '3']

/** Made once for each event, which does not change: many reactions may be to it, and many applications of a test have it. */
const known = new WeakMap<EventDefinition, readonly unknown[]>()

/** Samples of an event, each with a key of its own. Whoever is given one may change it: its schema makes it anew. */
export function ownSamplesOf(event: EventDefinition): readonly unknown[] {
  const drafts = known.get(event) ?? draftsOf(event).map((draft) => withOwnKey(event, draft))
  known.set(event, drafts)
  return drafts.flatMap((draft) => accepted(event, draft))
}

/** The sample with a key of its own; as it is where its schema accepts none, or where it has one. */
function withOwnKey(event: EventDefinition, value: unknown): unknown {
  if (!isRecord(value)) return value
  const key = value[event.key]
  if (typeof key !== 'string') return value
  for (const word of [key, ...[key, ...WORDS].flatMap((one) => LAST.map((last) => one.slice(0, -1) + last))]) {
    const own = rekeyed(value, event.key, key, word)
    const others = wordsIn(own).filter((one) => one !== word)
    const isOwn = word !== key || wordsIn(value).filter((one) => one === key).length === 1
    if (isOwn && !others.some((one) => one.includes(word)) && accepted(event, own).length > 0) return own
  }
  return value
}

/** All that a value holds at its ends, as often as it stands there. */
export function leavesIn(value: unknown): readonly unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesIn) : [value]
}

/** Every string in it. */
export function wordsIn(value: unknown): readonly string[] {
  return leavesIn(value).filter((one) => typeof one === 'string')
}

function rekeyed(value: unknown, field: string, before: string, after: string): unknown {
  if (Array.isArray(value)) return value.map((one) => rekeyed(one, field, before, after))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      one === before && isAlias(name, field) ? after : rekeyed(one, field, before, after),
    ]),
  )
}

/** Whether a field may well hold the same as the key. */
function isAlias(name: string, field: string): boolean {
  const stem = field.replace(/_?id$/i, '').toLowerCase()
  return name === field || name.toLowerCase() === 'id' || (stem.length > 2 && name.toLowerCase().includes(stem))
}
