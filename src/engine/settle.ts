// Answers whoever made a delivery: the inbox row that it came in goes with the batch, and the one who waits is told once
// that batch is durable. Used for what was delivered and for what was not (the run has ended, or had it before). Whoever waits for
// what fails is told so.
import { asError } from '../core/errors.ts'
import type { Delivered } from '../core/journal.ts'
import type { DeliveryExtras, DeliveryResult, ShardContext } from './shard-context.ts'

/** Tells how a delivery came out, when that is durable. */
export function settleDelivery(context: ShardContext, extras: DeliveryExtras, result: DeliveryResult): void {
  const { drained } = extras
  extras.settling?.(result)
  if (drained !== undefined) {
    context.writer.rows.drained.push(drained)
    context.writer.onDurable(() => context.inbox.gone(drained))
    // Nothing else may come of it: a second cancel, or a signal that the run had.
    context.writer.flush()
  }
  if (extras.settled === undefined) return
  context.writer.acknowledgement(
    () => extras.settled?.(result),
    (error) => extras.failed?.(error),
  )
}

/** Makes a delivery that had to wait: whoever brought it is not there any more for what that throws. */
export function deliverLate(context: ShardContext, run: number, delivered: Delivered, extras: DeliveryExtras): void {
  try {
    context.deliver(run, delivered, extras)
  } catch (error) {
    context.fail(error)
    extras.failed?.(asError(error))
  }
}
