// Names what a workflow awaited that is not durable: in development, an async hook notes the work that Node begins
// while a run is in its turn (a timer, a file, a socket) and where in the code it was begun; what it reads is watched with it
// (foreign-reads.ts). Off in production: the hook costs more than the turn.
import { createHook } from 'node:async_hooks'
import type { Log } from '../define/definition.ts'
import { authorPlace } from './author-place.ts'
import { watchForeignReads } from './foreign-reads.ts'
import type { LiveRun } from './live-run.ts'

/** Kinds of work that settle by themselves within a turn. */
const HARMLESS: ReadonlySet<string> = new Set(['PROMISE', 'Microtask', 'TickObject', 'RANDOMBYTESREQUEST'])

/** What the names that Node has for its work mean to whoever wrote `await`; one that is not here is told as it is. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^(?:Timeout|Immediate)$/, 'a timer'],
  [/^(?:FS|FILE|DIR|STAT|BLOB)/, 'a file'],
  [/^(?:TCP|TLS|UDP|PIPE|HTTP|DNS|QUERY|GETADDRINFO|GETNAMEINFO|WRITEWRAP|SHUTDOWNWRAP|JSSTREAM|QUIC)/, 'the network'],
  [/^(?:PROCESS|WORKER|MESSAGEPORT)/, 'another process or thread'],
  [/^(?:HASH|HMAC|CHECKPRIME|CIPHER|DERIVEBITS|DH|EC|KEY|PBKDF2|RANDOM|RSA|SCRYPT|SIGN|VERIFY)/, 'cryptography'],
  [/^ZLIB/, 'compression'],
]

export interface ForeignWork {
  /** ` (a timer, begun at file:line)`: what was begun last in a turn of `run` since it was asked last; or empty. */
  words(run: object): string
  stop(): void
}

interface Begun {
  readonly kind: string
  /** In the author's code; null for what came of other work. */
  readonly place: string | null
}

/**
 * Watches for foreign work, and foreign reads.
 * @param inTurn gives the run whose code runs now, if any.
 */
export function watchForeignWork(inTurn: () => LiveRun | null, log: Log): ForeignWork {
  const stopReads = watchForeignReads({ inTurn, log })
  const last = new WeakMap<object, Begun>()
  const hook = createHook({
    init(_id: number, type: string) {
      const run = HARMLESS.has(type) ? null : inTurn()
      if (run === null) return
      const place = authorPlace()
      const before = last.get(run)
      // One line of code begins more than one thing (a fetch: a socket, and a timer for it), of which the first is what it is
      // about. What these bring about later has no line of its own, and is no news.
      if (before !== undefined && (place === null || place === before.place)) return
      last.set(run, { kind: KINDS.find(([types]) => types.test(type))?.[1] ?? type, place })
    },
  }).enable()
  return {
    words: (run) => {
      const begun = last.get(run)
      last.delete(run)
      if (begun === undefined) return ''
      return ` (${begun.kind}${begun.place === null ? '' : `, begun at ${begun.place}`})`
    },
    stop: () => {
      stopReads()
      hook.disable()
    },
  }
}
