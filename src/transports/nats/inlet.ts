// What is known of a way in beforehand, and what a message is to those who read it. Used by the other files here.
import type { Clock } from '../../core/clock.ts'
import type { TakenEvent } from './here.ts'
import type { Link } from './link.ts'

/** A message, as plain data. */
export interface NatsMessage {
  readonly subject: string
  /** By names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly data: Uint8Array
}

/** Reads the event in a message; null when it has none that concerns us. @throws what is wrong with it */
export type ReadMessage = (message: NatsMessage) => TakenEvent | null

/** Where the first attempt begins: with all that the stream has, with what comes from now on, or behind a message. */
export type From = 'all' | 'now' | number

export interface Inlet {
  readonly link: Link
  readonly stream: string
  /** Of the subjects that are asked for. */
  readonly filter: string
  /** The fields of the keys, by the types that are taken. */
  readonly keys: ReadonlyMap<string, string>
  readonly read: ReadMessage
  /** The operation that takes, `orders.take`; what stands for a message which was refused, `orders.takeOne`; and for where it begins or ended, `orders.note`. */
  readonly taking: string
  readonly refused: string
  readonly noting: string
  readonly clock: Clock
}

/** What a call that stands for a message is handed: the message, or what was missed. */
export type Refused =
  | {
      readonly subject: string
      readonly headers: Readonly<Record<string, string>>
      readonly base64: string
      /** Of the message, in its stream: what its event is known by when it has no id. */
      readonly name: string
    }
  /** Or in words what was lost. */
  | { readonly missed: string }
