// What holds up a run that only waits for others: the runs below it that are stuck. A run knows the names of those that it waits
// for, and not how they stand; whoever shows it looks, from one to the next. Used by `show` and by the dashboard.
import type { RunView } from '../core/views.ts'
import type { Reads } from './reads.ts'

/** A run may wait for ten thousand others: so many are looked at, those next to it first. */
const LOOKED_AT = 100

/** The stuck runs below a run, those next to it first. */
export async function stuckBelow(reads: Pick<Reads, 'run'>, top: RunView): Promise<readonly RunView[]> {
  const stuck: RunView[] = []
  const below = new Set(waitedFor(top))
  let left = LOOKED_AT
  // The set grows while it is walked.
  for (const id of below) {
    left -= 1
    if (left < 0) break
    const run = await reads.run(id)
    if (run === null) continue
    if (run.status === 'stuck') stuck.push(run)
    for (const next of waitedFor(run)) below.add(next)
  }
  return stuck
}

function waitedFor({ waits }: RunView): readonly string[] {
  return waits.filter(({ kind }) => kind === 'child').map((wait) => wait.for)
}
