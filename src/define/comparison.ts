// What `ballet compare` has to be told of an application whose orders can go in several styles: the export `comparison` of
// its file. An order here is whatever the application carries through under one key.
import type { KeyView } from '../core/views.ts'
import type { Application } from './application.ts'
import type { ApplicationDefinition } from './definition.ts'

/** `export const comparison: Comparison = { ... }` beside the application. */
export interface Comparison {
  /** The names of the styles, in the order in which they are shown. */
  readonly styles: readonly string[]
  /** Endings after which what was done stays done; after any other, everything that has an undo must have been undone. */
  readonly kept: readonly string[]
  /** Event types one of which is the last thing that concerns an order: the customer has been told, say. */
  readonly last: readonly string[]
  /** An operation before which one more check could be wanted: `payment.charge`. */
  readonly gate: string
  /** An application of its own whose services keep what they have in a folder, which may hold that of a process that died. */
  readonly make: (folder: string) => ComparedApplication
}

/** An application as `ballet compare` drives it. */
export interface ComparedApplication {
  readonly definition: ApplicationDefinition
  /** The key of an order, `field:value`. */
  readonly key: (order: number) => string
  /** Places an order; durable when it resolves. The same number is the same order, and may be placed again. */
  readonly place: (app: Application, style: string, order: number) => Promise<void>
  /** How an order has ended; null while it goes on. */
  readonly ending: (view: KeyView) => string | null
  /** What the services did, by their own books. */
  readonly ledger: () => readonly ComparedEffect[] | Promise<readonly ComparedEffect[]>
  /** A service does not answer for a while, or takes longer for every answer from now on. */
  readonly fault: (service: string, fault: { readonly downMs: number } | { readonly slowMs: number }) => void
  readonly close: () => void | Promise<void>
}

/** An effect that happened, and not one that was refused, or answered again. */
export interface ComparedEffect {
  /** The value of the key. */
  readonly order: string
  /** `service.operation`. */
  readonly operation: string
  /** Which of several, when there may be several: the product that was reserved. */
  readonly item: string
}
