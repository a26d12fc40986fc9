// The logs of an application: its own, made harmless and given a prefix; without one, a JSON object a line on the error
// stream.
import type { Json } from '../core/json.ts'
import type { Log } from '../define/definition.ts'
import { tell } from './listener.ts'

/** Writes JSON lines to the error stream. */
export const consoleLog: Log = {
  info: (message, data) => writeLine('info', message, data),
  warn: (message, data) => writeLine('warn', message, data),
  error: (message, data) => writeLine('error', message, data),
}

/** Keeps nothing. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

let isGuarded = false

function writeLine(level: string, message: string, data: Json | undefined): void {
  // A line that cannot be written (its disk is full) must not end the process; when there is space, the next one is.
  if (!isGuarded) process.stderr.on('error', () => undefined)
  isGuarded = true
  process.stderr.write(`${JSON.stringify({ level, message, data })}\n`)
}

/** A log that cannot harm: what the application's own log throws is dropped. */
export function safeLog(log: Log): Log {
  const safely =
    (write: Log['info']): Log['info'] =>
    (message, data) => {
      // There is nowhere left to say it.
      tell(
        () => write(message, data),
        () => {},
      )
    }
  return {
    info: safely((message, data) => log.info(message, data)),
    warn: safely((message, data) => log.warn(message, data)),
    error: safely((message, data) => log.error(message, data)),
  }
}

/** A log whose lines begin with a prefix. */
export function prefixed(log: Log, prefix: string): Log {
  return {
    info: (message, data) => log.info(`${prefix}: ${message}`, data),
    warn: (message, data) => log.warn(`${prefix}: ${message}`, data),
    error: (message, data) => log.error(`${prefix}: ${message}`, data),
  }
}
