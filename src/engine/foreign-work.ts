// Names what a workflow awaited that is not durable: in development, an async hook notes the work that Node begins
// while a run is in its turn (a timer, a file, a socket) and where in the code it was begun. Off in production: the
// hook costs more than the turn.
import { createHook } from 'node:async_hooks'
import { fileURLToPath } from 'node:url'
import { ownCode } from '../core/own-files.ts'

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

/** Frames that are looked through for the author's: a fetch has thirty of Node's own above it. */
const FRAMES = 100

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

/** Watches for foreign work. `inTurn` gives the run whose code runs now, if any. */
export function watchForeignWork(inTurn: () => object | null): ForeignWork {
  const last = new WeakMap<object, Begun>()
  const hook = createHook({
    init(_id: number, type: string) {
      const run = HARMLESS.has(type) ? null : inTurn()
      if (run === null) return
      const place = placeOf(stackHere())
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
      hook.disable()
    },
  }
}

function stackHere(): string {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = FRAMES
  Error.captureStackTrace(holder, stackHere)
  Error.stackTraceLimit = limit
  return holder.stack ?? ''
}

/** Built, all of our code is in one folder, and in files of other names. */
const built = ownCode.pathname.endsWith('/dist/') ? [ownCode.href, fileURLToPath(ownCode)] : []

function isOurs(line: string): boolean {
  return built.some((folder) => line.includes(folder)) || /engine\/(foreign-work|pump)|node:internal/.test(line)
}

/** The first place in the author's code: neither Node's nor Ballet's engine, nor a package's if there is one that is not. */
function placeOf(stack: string): string | null {
  const lines = stack.split('\n').filter((text) => /\(?(file:|\/).*:\d+:\d+\)?$/.test(text) && !isOurs(text))
  const line = lines.find((text) => !text.includes('/node_modules/')) ?? lines[0]
  const place = line === undefined ? undefined : /((?:file:)?\/[^()\s]+:\d+):\d+\)?$/.exec(line)?.[1]
  return place === undefined ? null : place.replace(/^file:\/\//, '')
}
