// What a call of a service comes to, and the words that its ledger has for the call: the same in every database.
import type { OperationContext } from 'ballet'
import type { LedgerRow } from './ledger.ts'

/** What a piece of work came to: it happened, or the service said no. */
export interface Effect<Answer> {
  readonly outcome: 'applied' | 'refused'
  readonly answer: Answer
  /** Cents that changed hands. */
  readonly amount?: number | undefined
}

/** The effect happened. */
export const applied = <Answer>(answer: Answer, amount?: number): Effect<Answer> => ({
  outcome: 'applied',
  answer,
  amount,
})

/** The service said no, or had nothing to take back: nothing changed. */
export const refused = <Answer>(answer: Answer): Effect<Answer> => ({ outcome: 'refused', answer })

/** Names a call in the ledger. */
export interface Entry {
  readonly orderId: string
  readonly operation: string
  /** The step of the order, when it is called otherwise than the operation. */
  readonly step?: string | undefined
  /** The item, when it is about one: `reserve#tutu`. */
  readonly item?: string | undefined
}

/** What is the same in every line about one call. */
export type Line = Omit<LedgerRow, 't' | 'outcome' | 'amount' | 'event'>

export function lineOf(context: OperationContext, { orderId, operation, step = operation, item }: Entry): Line {
  const { idempotencyKey: key, cause, root } = context
  return {
    run: orderId,
    step: item === undefined ? step : `${step}#${item}`,
    key,
    // Only events stand in the ledgers. A run that another run started has the event that began it all.
    cause: eventOf(cause) ?? eventOf(root),
    epoch: fenceOf(context).epoch,
  }
}

/** The id in `event:<source>:<id>`; undefined for a run. */
const eventOf = (cause: string | null): string | undefined => /^event:[^:]*:(.*)$/.exec(cause ?? '')?.[1]

/** Which engine asks. Epochs count within one store; its random id begins every idempotency key. */
export function fenceOf({ fence, idempotencyKey }: OperationContext) {
  const [incarnation = 0, shard = 0, epoch = 0] = fence.split('.').map(Number)
  return { store: idempotencyKey.slice(0, idempotencyKey.indexOf(':')), incarnation, shard, epoch }
}

/** Said to an engine that another one has replaced. */
export const REPLACED = 'another engine has taken over'
