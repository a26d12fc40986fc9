// Times and lengths of time for people: always UTC, so that two people who look at one screen mean one moment.
import { showMs } from '../core/duration.ts'

/** `2026-11-22 14:03:12Z` of an ISO time or of milliseconds; the text itself when it is no time. */
export function shownTime(at: string | number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? String(at) : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`
}

/** Milliseconds from one ISO time to another, or to `now` (milliseconds) when that is null. Never negative. */
export function between(from: string, to: string | null, now: number): number {
  const length = (to === null ? now : Date.parse(to)) - Date.parse(from)
  return Number.isFinite(length) ? Math.max(0, length) : 0
}

/** `in 3s`, or `now` when the moment has come. */
export function inTime(at: string, now: number): string {
  const left = Date.parse(at) - now
  return left > 0 ? `in ${showMs(left)}` : 'now'
}

/** `+1.2s`: how long after `origin` (milliseconds) something was. */
export function offset(at: number, origin: number): string {
  return `+${showMs(Math.max(0, at - origin))}`
}
