// How many runs have not ended, from committed rows: what people ask who have no monitoring at hand, also of a store that nobody
// has open. What it costs is bounded: of each status so many runs are looked at, by the index of those that have not completed.
// Used by queries.ts; what a process knows without asking is in metrics.ts.
import { SCHEDULE } from '../core/names.ts'
import type { StoreReader } from '../core/store.ts'
import type { CountsView, CountView } from '../core/views.ts'

/** Runs of a status that are looked at, in all shards together. */
const COUNTED = 100_000

export async function openCounts(
  reader: Pick<StoreReader, 'runCounts'>,
  ns: string,
  shards: readonly number[],
): Promise<CountsView> {
  const limit = Math.ceil(COUNTED / shards.length)
  const asked = shards.flatMap((shard) => (['stuck', 'running'] as const).map((status) => ({ shard, status })))
  const found = await Promise.all(
    asked.map(async ({ shard, status }) => ({ status, rows: await reader.runCounts(shard, ns, status, limit) })),
  )
  const counts = new Map<string, CountView>()
  let more = false
  for (const { status, rows } of found) {
    more ||= rows.reduce((sum, { runs }) => sum + runs, 0) >= limit
    for (const { kind, name, phase, reason, runs } of rows) {
      // A schedule never ends: it is nobody's open work, unless it needs a person.
      if (name === SCHEDULE && status === 'running') continue
      const alike = JSON.stringify([status, phase, reason, kind, name])
      counts.set(alike, {
        status,
        ...(phase === null ? {} : { phase }),
        ...(reason === null ? {} : { reason }),
        kind,
        name,
        runs: (counts.get(alike)?.runs ?? 0) + runs,
      })
    }
  }
  return { counts: [...counts.values()].toSorted(mostFirst), more }
}

/** Those that are stuck, then those that are not; each by how many they are. */
function mostFirst(one: CountView, other: CountView): number {
  if (one.status !== other.status) return one.status === 'stuck' ? -1 : 1
  return other.runs - one.runs || (one.name < other.name ? -1 : 1)
}
