// What waits for a run in its journal: for one that is frozen, and, while processes die, before the turn that takes it.
import { turnText, type Delivered } from '../core/journal.ts'
import type { LiveRun } from './live-run.ts'
import type { ShardContext } from './shard-context.ts'

/** Keeps something for a run that cannot take it yet. Returns the seq of its row. */
export function writeMail(context: ShardContext, run: LiveRun, delivered: Delivered): number {
  const { writer } = context
  const { num, id } = run.row
  const seq = run.seq++
  const data = context.encode(turnText(delivered, '[]'), 'turn', id)
  writer.rows.journal.push({ pos: writer.position(), run: num, seq, kind: 'mail', at: context.now(), data })
  writer.onDurable(() => context.watchers.touched(run.row.key))
  return seq
}

/** A run has continued before its mail was delivered: it is kept anew, in the rows of this generation. */
export function keepQueuedMail(context: ShardContext, run: LiveRun): void {
  for (const job of run.mail) {
    // The answer of a call that the generation before has given up.
    if ('op' in job.delivered) continue
    job.delivered = { ...job.delivered, mail: writeMail(context, run, job.delivered) } as Delivered
  }
}
