// Where log lines go when the application brings no log of its own: one JSON object a line on the error stream.
import type { Json } from '../core/json.ts'
import type { Log } from '../define/definition.ts'

/** Writes JSON lines to the error stream. */
export const consoleLog: Log = {
  info: (message, data) => write('info', message, data),
  warn: (message, data) => write('warn', message, data),
  error: (message, data) => write('error', message, data),
}

/** Keeps nothing. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

function write(level: string, message: string, data: Json | undefined): void {
  process.stderr.write(`${JSON.stringify({ level, message, data })}\n`)
}
