// Durations as authors write them: a number and a unit. Kept in milliseconds inside.
import { fault } from './errors.ts'

type Unit = 'ms' | 's' | 'm' | 'h' | 'd'

/** A length of time: `'200ms'`, `'10s'`, `'1.5h'`, `'2d'`. */
export type Duration = `${number}${Unit}`

const UNITS_MS: Readonly<Record<Unit, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** A hundred years: past it a typo is likelier than a wish, and dates stay far from their limits. */
const LIMIT_MS = 100 * 365.25 * 86_400_000

/**
 * Milliseconds of a duration.
 * @param at where it stands, for the error: `operation payment.charge: timeout`.
 * @throws DURATION_INVALID when it is none, negative, or longer than 100 years.
 */
export function toMs(duration: string | number, at?: string): number {
  // Programs without types hand over numbers, which say no unit.
  const text = String(duration)
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * UNITS_MS[match[2] as Unit])
  if (!Number.isFinite(ms) || ms > LIMIT_MS)
    throw fault('DURATION_INVALID', { duration: text.slice(0, 40), at: at === undefined ? '' : `${at} ` })
  return ms
}

/** A length of time for people: the largest unit that keeps it short, `1.5h`, `250ms`. */
export function showMs(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const) {
    if (ms >= size) return `${Math.round((ms / size) * 100) / 100}${unit}`
  }
  return `${Math.round(ms)}ms`
}
