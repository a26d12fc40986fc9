// Names what a workflow awaited that is not durable: in development, an async hook notes the work that Node begins
// while a run is in its turn (a timer, a file, a socket) and where in the code it was begun. Off in production: the
// hook costs more than the turn.
import { createHook } from 'node:async_hooks'
import { fileURLToPath } from 'node:url'
import { ownCode } from '../core/own-files.ts'

/** Kinds of work that settle by themselves within a turn. */
const HARMLESS: ReadonlySet<string> = new Set(['PROMISE', 'Microtask', 'TickObject', 'RANDOMBYTESREQUEST'])

export interface ForeignWork {
  /** ` (Timeout, begun at file:line)`: what was begun last in a turn of `run` since it was asked last; or empty. */
  words(run: object): string
  stop(): void
}

/** Watches for foreign work. `inTurn` gives the run whose code runs now, if any. */
export function watchForeignWork(inTurn: () => object | null): ForeignWork {
  const last = new WeakMap<object, string>()
  const hook = createHook({
    init(_id: number, type: string) {
      const run = HARMLESS.has(type) ? null : inTurn()
      if (run === null) return
      const holder: { stack?: string } = {}
      Error.captureStackTrace(holder)
      last.set(run, ` (${type}${placeOf(holder.stack ?? '')})`)
    },
  }).enable()
  return {
    words: (run) => {
      const words = last.get(run) ?? ''
      last.delete(run)
      return words
    },
    stop: () => {
      hook.disable()
    },
  }
}

/** Built, all of our code is in one folder, and in files of other names. */
const built = ownCode.pathname.endsWith('/dist/') ? [ownCode.href, fileURLToPath(ownCode)] : []

function isOurs(line: string): boolean {
  return built.some((folder) => line.includes(folder)) || /engine\/(foreign-work|pump)|node:internal/.test(line)
}

/** The first place in the author's code: neither Node's nor Ballet's engine. */
function placeOf(stack: string): string {
  const line = stack.split('\n').find((text) => /\(?(file:|\/).*:\d+:\d+\)?$/.test(text) && !isOurs(text))
  const place = line === undefined ? undefined : /((?:file:)?\/[^()\s]+:\d+):\d+\)?$/.exec(line)?.[1]
  return place === undefined ? '' : `, begun at ${place.replace(/^file:\/\//, '')}`
}
