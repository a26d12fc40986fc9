// Where in the author's code something was thrown: the frames of its stack that are neither Node's, nor Ballet's, nor of a
// package. Kept with the error of a run whose code threw, and of an attempt that failed, so that whoever mends it need not look for the log of
// that day. The code of a run sees none of it.
import { fileURLToPath } from 'node:url'
import { ownCode } from '../core/own-files.ts'

/** Frames at most, and characters of each: what is kept with a run must stay small, whatever was thrown. */
const FRAMES = 5
const FRAME_LIMIT = 300
const STACK_LIMIT = 20_000

/** Of an attempt, of which there may be many. */
const ATTEMPT_FRAMES = 3

/** The folder of Ballet's own code; tests beside it are authors, too. */
const OWN = fileURLToPath(ownCode)

/** The places that are kept with a failed attempt: those of what was thrown, or else those of what it came of. */
export function placesOfAttempt(thrown: unknown): readonly string[] {
  const own = placesIn(stackOf(thrown) ?? '')
  return (own.length > 0 ? own : placesIn(stackOf(causeOf(thrown)) ?? '')).slice(0, ATTEMPT_FRAMES)
}

/**
 * The places of what was thrown by code that the caller has called, or else of what it came of. Who called the caller stands in the
 * same stack, and may be an author as well: whoever published an event is not where the mapping of a reaction to it is wrong.
 */
export function placesBelow(thrown: unknown): readonly string[] {
  const here: { stack?: string } = {}
  Error.captureStackTrace(here, placesBelow)
  const above = new Set(placesIn(here.stack ?? ''))
  const below = (one: unknown): readonly string[] => placesIn(stackOf(one) ?? '').filter((place) => !above.has(place))
  const own = below(thrown)
  return own.length > 0 ? own : below(causeOf(thrown))
}

/** What the author's code threw, of an error that the engine has wrapped it in. */
export function causeOf(thrown: unknown): unknown {
  try {
    return thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
  } catch {
    // Whatever was thrown may throw in turn when it is looked at; that is worth a line of the log, not the shard.
    return undefined
  }
}

/** The stack of anything that was thrown. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    const stack: unknown = thrown instanceof Error ? thrown.stack : undefined
    return typeof stack === 'string' ? stack : undefined
  } catch {
    return undefined
  }
}

/** `body (/shop/checkout.ts:31:9)`, the innermost first; none when the stack names no code of the author's. */
export function placesIn(stack: string): readonly string[] {
  return stack
    .slice(0, STACK_LIMIT)
    .split('\n')
    .flatMap((line) => {
      const frame = /^\s+at (.*:\d+:\d+\)?)$/.exec(line)?.[1]?.replaceAll('file://', '')
      return frame === undefined || isForeign(frame) ? [] : [frame.slice(0, FRAME_LIMIT)]
    })
    .slice(0, FRAMES)
}

function isForeign(frame: string): boolean {
  if (/node:|\/node_modules\//.test(frame)) return true
  return frame.includes(OWN) && !frame.includes('.test.ts:')
}
