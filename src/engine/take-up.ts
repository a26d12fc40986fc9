// Takes up the runs of a shard, and says how many there were and how long it took. Called by RunningApplication.
import type { Clock } from '../core/clock.ts'
import type { RecoveryView } from '../define/application.ts'
import type { Shard } from './shard.ts'

/** @throws what stopped the shard meanwhile, or what kept it from recovering */
export async function takeUp(shard: Shard, clock: Clock): Promise<RecoveryView> {
  const began = clock.now()
  const { runs, stuck } = await shard.recover().catch((error: unknown) => {
    // What waited was told that the shard has stopped; what stopped it is the reason.
    shard.check()
    throw error
  })
  shard.check()
  return { runs, stuck, durationMs: clock.now() - began }
}

/** What was recovered of one shard after the other, beside one another. */
export function together(one: RecoveryView, other: RecoveryView): RecoveryView {
  const durationMs = Math.max(one.durationMs, other.durationMs)
  return { runs: one.runs + other.runs, stuck: one.stuck + other.stuck, durationMs }
}
