// Names what a workflow awaited that is not durable: in development, an async hook notes the work that Node begins
// while a run is in its turn (a timer, a file, a socket) and where in the code it was begun. Off in production: the
// hook costs more than the turn.
import { createHook } from 'node:async_hooks'

/** Kinds of work that settle by themselves within a turn. */
const HARMLESS: ReadonlySet<string> = new Set(['PROMISE', 'Microtask', 'TickObject', 'RANDOMBYTESREQUEST'])

export interface ForeignWork {
  /** ` (Timeout, begun at file:line)`, or an empty string when nothing was seen. */
  words(): string
  stop(): void
}

/** Watches for foreign work. `inTurn` tells whether a run's code is what runs now. */
export function watchForeignWork(inTurn: () => boolean): ForeignWork {
  let last = ''
  const hook = createHook({
    init(_id: number, type: string) {
      if (HARMLESS.has(type) || !inTurn()) return
      const holder: { stack?: string } = {}
      Error.captureStackTrace(holder)
      last = ` (${type}${placeOf(holder.stack ?? '')})`
    },
  }).enable()
  return {
    words: () => last,
    stop: () => {
      hook.disable()
    },
  }
}

/** The first place in the author's code: neither Node's nor Ballet's engine. */
function placeOf(stack: string): string {
  const line = stack.split('\n').find((text) => /\(?(file:|\/).*:\d+:\d+\)?$/.test(text) && !/engine\/(foreign-work|pump)|node:internal/.test(text))
  const place = line === undefined ? undefined : /((?:file:)?\/[^()\s]+:\d+):\d+\)?$/.exec(line)?.[1]
  return place === undefined ? '' : `, begun at ${place.replace(/^file:\/\//, '')}`
}
