// How often a service may be asked: how many of its calls go on at once, and how many begin in a time. What an author writes
// beside a service or an operation, checked and brought to numbers. A call waits for its place then; nothing is refused, and
// no attempt is counted. Read by service.ts; the engine holds it (engine/call-limits.ts).
import { showMs, toMs } from '../core/duration.ts'
import { isField } from '../core/names.ts'
import type { Room } from '../core/transport.ts'
import { refuse, refuseUnknownOptions } from './refusal.ts'

type Span = 's' | 'm' | 'h' | 'd'

/** So many in a second, a minute, an hour or a day: `'100/s'`, `'10/m'`; or in several of them, `'5/10s'`. */
export type Rate = `${number}/${Span}` | `${number}/${number}${Span}`

/** How often a service or one operation of it may be asked. What is omitted is not limited. */
export interface ServiceLimits<Field extends string = string> {
  /** Attempts that may be under way at once; a whole number from 1. */
  readonly atOnce?: number | undefined
  /** Attempts that may begin in any time of that length: `'100/s'`. They are spread evenly over it. */
  readonly rate?: Rate | undefined
  /** After a pause so many may begin at once, beyond `rate` by one less than that; a whole number from 1, which is the default. */
  readonly burst?: number | undefined
  /** The field of the input by which they are limited, each value of it for itself: `'customerId'`. A call without it is not. */
  readonly per?: Field | undefined
}

/** A limit in numbers. */
export interface CallLimit {
  /** What it is of: `payment`, or `crm.update`. */
  readonly name: string
  readonly atOnce: number | null
  readonly rate: { readonly calls: number; readonly ms: number; readonly burst: number } | null
  readonly per: string | null
  /** In words: `20 at once, 100/s`. */
  readonly words: string
  /** Of a service that fetches its calls: they begin as it has room for them. */
  readonly room?: Room | undefined
}

const LONGEST_MS = 31 * 86_400_000

/**
 * The limit that an author's words make; null for none.
 * @param name what it is of. @param what the place in words. @throws DEFINITION_INVALID, DURATION_INVALID
 */
export function callLimit(given: ServiceLimits | undefined, name: string, what: string): CallLimit | null {
  if (given === undefined) return null
  refuseUnknownOptions(given, ['atOnce', 'rate', 'burst', 'per'], `limits of ${what}`)
  const { atOnce = null, rate, burst, per = null } = given
  if (atOnce === null && rate === undefined) refuse(what, 'limits must say atOnce or rate')
  if (atOnce !== null) refuseCount(what, 'atOnce', atOnce)
  if (burst !== undefined) {
    refuseCount(what, 'burst', burst)
    if (rate === undefined) refuse(what, 'limits.burst means nothing without limits.rate')
  }
  if (per !== null && !isField(per)) refuse(what, `limits.per must be a field of the input, not ${JSON.stringify(per)}`)
  const parsed = rate === undefined ? null : { ...parseRate(rate, what), burst: burst ?? 1 }
  const words = [
    ...(atOnce === null ? [] : [`${atOnce} at once`]),
    ...(parsed === null ? [] : [`${parsed.calls}/${showMs(parsed.ms).replace(/^1(?=[a-z])/, '')}`]),
    ...(burst === undefined || burst === 1 ? [] : [`${burst} of them at a time`]),
  ]
  return { name, atOnce, rate: parsed, per, words: words.join(', ') }
}

function refuseCount(what: string, option: string, value: unknown): void {
  if (!(Number.isSafeInteger(value) && Number(value) >= 1))
    refuse(what, `limits.${option} must be a whole number from 1, not ${String(value)}`)
}

function parseRate(rate: unknown, what: string): { readonly calls: number; readonly ms: number } {
  const [, calls = '', span = ''] = /^([1-9]\d{0,8})\/((?:\d+(?:\.\d+)?)?(?:s|m|h|d))$/.exec(String(rate)) ?? []
  if (calls === '')
    refuse(what, `limits.rate must be a number in a time, such as "100/s" or "10/m", not ${String(rate)}`)
  const ms = toMs(/^\d/.test(span) ? span : `1${span}`, `${what}: limits.rate`)
  if (ms < 1 || ms > LONGEST_MS) refuse(what, 'limits.rate must be in a time from 1ms up to 31 days')
  return { calls: Number(calls), ms }
}
