// A batch as if its rows had been written one after the other: of several changes of one row the last one holds. A
// statement over all rows at once would take any of them, or refuse two for one row.
import type { Batch } from '../../core/store.ts'

/** The batch with one row for each that it changes. Claims are left: of two for one name the first holds. */
export function newest(batch: Batch): Batch {
  const { changes: one, continued: two, suspects: three, claimsUntil: four, flows: five } = batch
  if ([one, two, three, four, five].every(({ length }) => length < 2)) return batch
  const changes = last(batch.changes, ({ num }) => num)
  const continued = last(batch.continued, ({ num }) => num)
  const suspects = last(batch.suspects, ({ run }) => run)
  const claimsUntil = last(batch.claimsUntil, ({ ns, space, id }) => JSON.stringify([ns, space, id]))
  const flows = last(batch.flows, ({ ns, name, key }) => JSON.stringify([ns, name, key]))
  return { ...batch, changes, continued, suspects, claimsUntil, flows }
}

function last<Row>(rows: readonly Row[], keyOf: (row: Row) => unknown): readonly Row[] {
  if (rows.length < 2) return rows
  const kept = new Map(rows.map((row) => [keyOf(row), row]))
  return kept.size === rows.length ? rows : [...kept.values()]
}
