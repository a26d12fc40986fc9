// What operators see of calls and steps that fail again and again, and are made again by themselves. Made by engine/failing.ts.

/** Calls of one operation, or steps of one workflow, of which two attempts at least have failed. */
export interface FailingView {
  readonly kind: 'operation' | 'step'
  /** Of the operation, `payment.charge`, or of the workflow whose steps they are. */
  readonly name: string
  /** How many there are. */
  readonly calls: number
  /** Attempts that have failed of the one that has failed most often. */
  readonly attempts: number
  /** The first few runs that wait for one, those first that have waited longest at their node. */
  readonly runs: readonly string[]
}

/** What nodes know of it, from memory: nothing is read, and nothing that is under way there is missed. */
export interface FailingPage {
  /** Those with the most calls first. */
  readonly failing: readonly FailingView[]
  /** Of how many shards that is all there is, and how many the store has: of the others nobody has answered. */
  readonly shards: { readonly known: number; readonly of: number }
}
