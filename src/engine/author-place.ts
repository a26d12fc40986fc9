// Where in the author's code something is done, by the stack of that moment: neither in Node's code nor in ours. Asked in development alone
// (foreign-work.ts, foreign-reads.ts), because a stack is dear.
import { fileURLToPath } from 'node:url'
import { ownCode } from '../core/own-files.ts'

/** Frames that are looked through for the author's: a fetch has thirty of Node's own above it. */
const FRAMES = 100

/** All of our code is in one folder; so are its tests, which are the code of somebody who uses it. */
const own = [ownCode.href, fileURLToPath(ownCode)]

const isOurs = (line: string): boolean => own.some((folder) => line.includes(folder)) && !/\.test\.ts:\d+/.test(line)

const ofPackage = (line: string): boolean => line.includes('/node_modules/')

/** The first place in the author's code, or in that of a package when there is no other. */
export function authorPlace(): string | null {
  const lines = stackHere().filter((text) => !isOurs(text))
  return placeIn(lines.find((text) => !ofPackage(text)) ?? lines[0])
}

/** The place in the author's code that has called `callee` itself; null when somebody else has. */
export function placeOfCaller(callee: (...given: never[]) => unknown): string | null {
  const [line] = stackHere(callee, 1)
  return line === undefined || isOurs(line) || ofPackage(line) ? null : placeIn(line)
}

/** The lines of the stack that are in files, and not in Node's own. */
function stackHere(above: (...given: never[]) => unknown = stackHere, frames = FRAMES): readonly string[] {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = frames
  Error.captureStackTrace(holder, above)
  Error.stackTraceLimit = limit
  return (holder.stack ?? '')
    .split('\n')
    .filter((text) => /\(?(file:|\/).*:\d+:\d+\)?$/.test(text) && !text.includes('node:internal'))
}

function placeIn(line: string | undefined): string | null {
  const place = line === undefined ? undefined : /((?:file:)?\/[^()\s]+:\d+):\d+\)?$/.exec(line)?.[1]
  return place === undefined ? null : place.replace(/^file:\/\//, '')
}
