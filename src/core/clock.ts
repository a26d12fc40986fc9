// Time and randomness as the engine sees them: injected, so that the simulator can replace both.

/** Cancels a timer; safe to call twice. */
export type Cancel = () => void

/** Time as the engine sees it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since some moment, with fractions: to measure how long something takes. Absent: `now` is taken. */
  elapsed?(): number
  /** Milliseconds in which the event loop has not been idle, since some moment. Absent: it is never taken to be busy. */
  busy?(): number
  /** Calls back once, when so much time has passed and never before, also past the limit of `setTimeout` (2^31 ms). */
  after(delayMs: number, callback: () => void): Cancel
}

/** Time that passes, whatever is done to the clock: for everything but times of day. */
export const elapsedOf = (clock: Clock): number => clock.elapsed?.() ?? clock.now()

/** Chance as the engine sees it. */
export interface Random {
  /** A whole number from 0 to 2^32 - 1. */
  seed(): number
  /** A UUID of version 7 (RFC 9562): sorts by the time it was made. */
  uuid(nowMs: number): string
}
