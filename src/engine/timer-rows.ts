// Timers in a batch: one that is set again stays, and one that belongs to nobody goes.
import type { TimerRow } from '../core/store.ts'
import { orFailure } from './run-rows.ts'
import type { ShardContext } from './shard-context.ts'
import type { Writer } from './writer.ts'

/** Sets a timer: when it was dropped in this very batch, in which what is gone is gone whenever it was set, its row stays. */
export function setAgain({ timers, timersGone }: Writer['rows'], timer: TimerRow): void {
  const { due, run, op } = timer
  for (let index = timersGone.length - 1; index >= 0; index--) {
    const gone = timersGone[index]
    if (gone?.run === run && gone.op === op && gone.due === due) timersGone.splice(index, 1)
  }
  timers.push(timer)
}

/**
 * A timer that is due, of no open run: one that has ended while nobody knew of its timers, say. That of a run of another
 * namespace is there for when that is open.
 */
export async function dropOfNobody({ store, shard, ns, writer }: ShardContext, timer: TimerRow): Promise<void> {
  const run = await orFailure(store.run(shard, timer.run))
  // Of a row that cannot be read nobody knows.
  if (run instanceof Error || (run !== null && run.ended === null && run.ns !== ns)) return
  writer.rows.timersGone.push(timer)
  writer.flush()
}
