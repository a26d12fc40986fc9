// Payloads pass through a codec on their way to and from the store, so that encryption needs no migration.
// The engine calls it once for every payload of a row; ids, names, keys and times stay readable for queries.
import type { JsonText } from './json.ts'

/** What a store keeps of a payload: JSON text, or the bytes that a codec made of it. */
export type Payload = string | Uint8Array

/** Where a payload stands: bound into what the codec makes of it, so that two payloads cannot be exchanged. */
export interface PayloadPlace {
  readonly namespace: string
  readonly row: 'input' | 'output' | 'error' | 'turn' | 'event'
  /** The id of the run or event that the payload belongs to. */
  readonly id: string
}

/**
 * Encodes payloads for the store and decodes them again. `decode(encode(text, place), place)` is `text`. What `encode` throws stops the
 * application, unless nothing had begun yet: then what was asked for is refused with it. What `decode` throws leaves the run whose
 * payload it is to a person; what comes for a run from elsewhere waits, and is looked at again.
 */
export interface Codec {
  /** What the store is to keep of a text. */
  encode(text: JsonText, place: PayloadPlace): Payload
  /** The text again. */
  decode(payload: Payload, place: PayloadPlace): JsonText
}

const utf8 = { fatal: true, ignoreBOM: true } as const

/** The codec that changes nothing. Bytes are read as UTF-8. */
export const plainCodec: Codec = {
  encode: (text) => text,
  decode: (payload) => (typeof payload === 'string' ? payload : new TextDecoder('utf-8', utf8).decode(payload)),
}
