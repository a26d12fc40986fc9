// A payload within a text, on its way to another node or in a receipt, as the codec has made it for the store: what is encrypted there is
// so here too. Used by direct.ts and requests.ts, and by aside-acts.ts.
import { fault } from '../core/errors.ts'
import type { Payload } from '../core/codec.ts'

/** A text goes as it is, bytes as base64; the first character says which. */
export const sentOf = (payload: Payload): string =>
  typeof payload === 'string' ? `t${payload}` : `b${Buffer.from(payload).toString('base64')}`

/** @throws REQUEST_INVALID */
export function payloadOf(sent: string): Payload {
  const rest = sent.slice(1)
  if (sent.startsWith('t')) return rest
  if (sent.startsWith('b')) return new Uint8Array(Buffer.from(rest, 'base64'))
  throw fault('REQUEST_INVALID', { what: 'What a node asks', path: 'data', problem: 'it is no payload' })
}
