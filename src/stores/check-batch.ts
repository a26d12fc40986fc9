// What must be true of a batch before any store looks at it: the engine's promise about positions. A batch that
// breaks it is a bug of ours and reaches neither memory nor disk. Called by every store at the door of `commit`.
import { invariant } from '../core/errors.ts'
import type { Batch } from '../core/store.ts'

/** Positions lie in (base, head]. @throws INVARIANT */
export function checkBatch(batch: Batch): void {
  const { base, head } = batch
  invariant(Number.isSafeInteger(base) && Number.isSafeInteger(head), 'the head of a batch is not a whole number')
  invariant(base <= head, `a batch goes back from ${base} to ${head}`)
  for (const run of batch.runs) checkPosition(run.num, base, head)
  for (const row of batch.journal) checkPosition(row.pos, base, head)
  for (const event of batch.events) checkPosition(event.pos, base, head)
}

function checkPosition(position: number, base: number, head: number): void {
  if (Number.isSafeInteger(position) && position > base && position <= head) return
  // Not before: the words for each row would cost more than to look at it.
  invariant(false, `the position ${position} is not in the batch, (${base}, ${head}]`)
}
