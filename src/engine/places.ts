// Where in the author's code something was thrown: the frames of its stack that are neither Node's, nor Ballet's, nor of a
// package. Kept with the error of a run whose code threw, so that whoever mends it need not look for the log of that day.
import { fileURLToPath } from 'node:url'
import { ownCode } from '../core/own-files.ts'

/** Frames at most, and characters of each: what is kept with a run must stay small, whatever was thrown. */
const FRAMES = 5
const FRAME_LIMIT = 300
const STACK_LIMIT = 20_000

/** The folder of Ballet's own code; tests beside it are authors, too. */
const OWN = fileURLToPath(ownCode)

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
