// Whether a store still has what a node has written there. It has not when a stand-by has taken the place of the server that had not
// received everything, or when a backup was put back under a node that lives: who owns what may be the same then, but what this
// node has in mind of the runs is of another life. Where nothing is written in a shard nobody would hear of it (a commit does, by
// its fence), so each renewal looks. The shard is given up and taken over anew, from what is there.
import type { Held, Leases } from '../core/lease.ts'
import type { Log } from '../define/definition.ts'

/** What a node knew of a shard of its own when it asked. */
export interface Known {
  readonly epoch: number
  /** The last position that is durable. */
  readonly head: number
}

/** Whether a shard is still this node's, with what it has written there, by what a renewal says. */
export function isStillHeld(shard: number, known: Known, held: Held | undefined, log: Log): boolean {
  if (held?.epoch !== known.epoch) return false
  if (held.head >= known.head) return true
  log.error(
    `The store has gone back: shard ${shard} is at ${held.head}, and this node had written up to ${known.head}. It goes on from what is there.`,
  )
  return false
}

/**
 * Says that the store has gone back, where shards that are another's by now, or nobody's, are behind what this node had of them: epochs and
 * heads only rise. A backup from before their last take-over looks, to a renewal, as if they had been taken away.
 */
export async function tellIfGoneBack(lost: ReadonlyMap<number, Known>, leases: Leases, log: Log): Promise<void> {
  // What cannot be looked at now is told by what that stops.
  const rows = await leases.leases().catch(() => [])
  const behind = rows.flatMap(({ shard, epoch, head }) => {
    const known = lost.get(shard)
    return known !== undefined && (epoch < known.epoch || head < known.head) ? [shard] : []
  })
  if (behind.length === 0) return
  const which = `${behind.length === 1 ? 'shard' : 'shards'} ${behind.join(', ')}`
  log.error(
    `The store has gone back: it has an earlier state of the ${which} than this node had. Nodes go on from what is there.`,
  )
}
