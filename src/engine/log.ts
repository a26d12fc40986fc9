// The logs of an application: its own, made harmless and given a prefix; without one, a JSON object a line on the error
// stream.
import { toFailure } from '../core/failure.ts'
import type { Json } from '../core/json.ts'
import type { Log, LogAbout } from '../define/definition.ts'
import { systemClock } from './clock.ts'
import { tell } from './listener.ts'

/** Writes JSON lines to the error stream. */
export const consoleLog: Log = {
  info: (...line) => writeLine('info', ...line),
  warn: (...line) => writeLine('warn', ...line),
  error: (...line) => writeLine('error', ...line),
}

/** Keeps nothing. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

let isGuarded = false

function writeLine(level: string, message: string, data?: Json, { run, op, code }: LogAbout = {}): void {
  // A line that cannot be written (its disk is full) must not end the process; when there is space, the next one is.
  if (!isGuarded) process.stderr.on('error', () => undefined)
  isGuarded = true
  const time = new Date(systemClock.now()).toISOString()
  process.stderr.write(`${JSON.stringify({ time, level, run, op, code, message, data })}\n`)
}

/**
 * A log that cannot harm: what the application's own log throws is dropped. `console`, which is one, prints whatever it is handed:
 * it is handed what there is.
 */
export function safeLog(log: Log): Log {
  const isConsole = Object.is(log, console)
  const given = (line: Parameters<Log['info']>): Parameters<Log['info']> =>
    isConsole ? (line.filter((part) => part !== undefined) as typeof line) : line
  const safely =
    (write: Log['info']): Log['info'] =>
    (...line) => {
      // There is nowhere left to say it.
      tell(
        () => write(...given(line)),
        () => {},
      )
    }
  return {
    info: safely((...line) => log.info(...line)),
    warn: safely((...line) => log.warn(...line)),
    error: safely((...line) => log.error(...line)),
  }
}

/** What a line about an error is looked for by. */
export const aboutError = (error: unknown): LogAbout => ({ code: toFailure(error).code })

/** The log of what an author's code says in a call of a run: its lines begin with both. */
export function logOf(log: Log, run: string, op: string): Log {
  const about = { run, op }
  return {
    info: (message, data) => log.info(`${run} ${op}: ${message}`, data, about),
    warn: (message, data) => log.warn(`${run} ${op}: ${message}`, data, about),
    error: (message, data) => log.error(`${run} ${op}: ${message}`, data, about),
  }
}
