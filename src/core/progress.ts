// How far an attempt is, as its body says it by `context.heartbeat(progress)`: checked where it is said, so that what is wrong with it
// is told there, and taken as it is in that moment, since a body may go on changing it. It may be said in every round of a loop:
// a number stays a number until it is written. Used by the engine, and by transports on the side of the service.
import { fault } from './errors.ts'
import { toWholeText } from './json-losses.ts'
import type { JsonText } from './json.ts'

/** A number, or the JSON text of anything else. */
export type Progress = number | JsonText

/** Most bytes of its text: it is written again and again, and what is larger belongs elsewhere, with a reference to it here. */
export const PROGRESS_LIMIT_BYTES = 16_384

/** Most bytes of a heartbeat over HTTP: of its progress, and what stands around it. */
export const BEAT_LIMIT_BYTES: number = 2 * PROGRESS_LIMIT_BYTES

/**
 * What was said of how far an attempt is.
 * @param what names it in the error, `the progress of export.rows`.
 * @throws VALUE_NOT_JSON, PAYLOAD_TOO_LARGE
 */
export function progressOf(value: unknown, what: string): Progress {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  const text = toWholeText(value, what) ?? 'null'
  if (text.length * 3 <= PROGRESS_LIMIT_BYTES) return text
  const size = new TextEncoder().encode(text).byteLength
  if (size > PROGRESS_LIMIT_BYTES) throw fault('PAYLOAD_TOO_LARGE', { what, size, limit: PROGRESS_LIMIT_BYTES })
  return text
}

export function progressText(progress: Progress): JsonText {
  return typeof progress === 'number' ? JSON.stringify(progress) : progress
}

/** The `context.heartbeat` of what has no heartbeat: a body that relies on it is told so. @throws HEARTBEAT_UNDECLARED */
export function undeclaredHeartbeat(): never {
  throw fault('HEARTBEAT_UNDECLARED')
}
