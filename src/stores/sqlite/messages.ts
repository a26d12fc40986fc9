// What crosses between the main thread and the threads of a store. Requests carry statements, answers carry values:
// a thread knows SQL and transactions, and nothing of runs. One message holds all requests of a tick, in order.
import type { Value } from '../sql/tables.ts'
import type { Came } from './ahead.ts'
import type { Failure } from './failure.ts'
import type { Sent } from './packed.ts'

/** `writer` holds the one connection that writes, `reader` one that only reads. */
export type ThreadRole = 'writer' | 'reader'

export interface ThreadSettings {
  readonly role: ThreadRole
  readonly path: string
  /** Whether this process writes the file. It has to be there then, with its log; of another's the log may go. */
  readonly isOwn: boolean
}

export type Request =
  | { readonly id: number; readonly kind: 'open' | 'close' }
  /** In one snapshot. */
  | { readonly id: number; readonly kind: 'read'; readonly statements: readonly Sent[] }
  /** In one transaction, durable before the answer; in the reserve if it is urgent and the disk is full. */
  | { readonly id: number; readonly kind: 'write'; readonly statements: readonly Sent[]; readonly urgent: boolean }
  /** A part of a batch that is still being made: for the transaction of its `rest`. Has no answer. */
  | {
      readonly id: number
      readonly kind: 'ahead'
      readonly batch: number
      readonly part: number
      readonly rows: number
      readonly statements: readonly Sent[]
    }
  /** What is left of a batch, its fence first; else as `write`. */
  | {
      readonly id: number
      readonly kind: 'rest'
      readonly came: Came
      readonly statements: readonly Sent[]
      readonly urgent: boolean
    }
  /** Answers with 1 if there is room for more than what is urgent, else with 0. */
  | { readonly id: number; readonly kind: 'room' }

export type Answer =
  | { readonly id: number; readonly kind: 'done'; readonly values: readonly Value[] }
  | { readonly id: number; readonly kind: 'failed'; readonly failure: Failure }
