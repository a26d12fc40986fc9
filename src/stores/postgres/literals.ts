// Values as PostgreSQL reads them in text: whole columns as array literals, payloads as bytea. A payload that is text is
// kept as its bytes in UTF-8, so that a person can read it (`convert_from(data, 'UTF8')`); one that is bytes has 0xFF
// before it, with which no UTF-8 begins. Text is handed over in the escape format of bytea, because hexadecimal would
// double what goes over the wire.
import { fault, invariant } from '../../core/errors.ts'
import type { Value } from '../sql/tables.ts'

const BYTES_MARK = 0xff

/** One column of rows that stand one after the other, as the text of an array. */
export function columnLiteral(values: readonly Value[], column: number, width: number, isPayload: boolean): string {
  let text = '{'
  for (let at = column; at < values.length; at += width) {
    if (at !== column) text += ','
    text += element(values[at] ?? null, isPayload)
  }
  return `${text}}`
}

/** Signs that JSON writes otherwise than an array: backslashes, what cannot be seen, and what may be half of a pair. */
// oxlint-disable-next-line no-control-regex
const differsInJson = /[\\\u0000-\u0009\u000b-\u001f\ud800-\udfff]/

function element(value: Value, isPayload: boolean): string {
  if (value === null) return 'NULL'
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return `"\\\\x${BYTES_MARK.toString(16)}${asBuffer(value).toString('hex')}"`
  // What JSON writes of such a text an array reads as well, but for the ends of lines; and it is written in half the time.
  if (!differsInJson.test(value)) return JSON.stringify(value).replaceAll('\\n', '\n')
  return isPayload ? `"${value.replaceAll(/["\\\0]/g, escapePayload)}"` : `"${value.replaceAll(/["\\]/g, '\\$&')}"`
}

/** A sign of a bytea within an array: each backslash is doubled by the one, and again by the other. */
function escapePayload(sign: string): string {
  if (sign === '"') return '\\"'
  return sign === '\\' ? '\\\\\\\\' : '\\\\000'
}

/** A value that stands alone, as a parameter. */
export function scalarLiteral(value: Value): string | null {
  if (value === null || typeof value === 'string') return value
  invariant(typeof value === 'number', 'bytes do not stand alone in a statement')
  return String(value)
}

/** The payload of a bytea, from its text. @throws STORE_FAILED when the server was told to write it otherwise */
export function readPayload(text: string): string | Uint8Array {
  if (!text.startsWith('\\x')) throw fault('STORE_FAILED', { problem: 'the server must have bytea_output = hex' })
  const bytes = Buffer.from(text.slice(2), 'hex')
  return bytes[0] === BYTES_MARK ? new Uint8Array(bytes.subarray(1)) : bytes.toString('utf8')
}

/** A bigint of the server, which holds nothing that JavaScript does not count exactly. */
export function readWhole(text: string): number {
  const number = Number(text)
  invariant(Number.isSafeInteger(number), `the store has the number ${text}`)
  return number
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** The bytes of a payload, as they are kept. */
export function payloadBytes(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload) : Buffer.concat([Buffer.of(BYTES_MARK), asBuffer(payload)])
}
