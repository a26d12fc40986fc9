// What waits for a run in its journal: for one that is frozen, and, while processes die, before the turn that takes it.
import { turnText, type Delivered } from '../core/journal.ts'
import type { LiveRun } from './live-run.ts'
import type { ShardContext } from './shard-context.ts'

/** Keeps something for a run that cannot take it yet. Returns the seq of its row. */
function writeMail(context: ShardContext, run: LiveRun, delivered: Delivered): number {
  const { writer } = context
  const { num, id } = run.row
  const seq = run.seq++
  const data = context.encode(turnText(delivered, '[]'), 'turn', id)
  writer.rows.journal.push({ pos: writer.position(), run: num, seq, kind: 'mail', at: context.now(), data })
  writer.onDurable(() => context.watchers.touched(run.row.key))
  return seq
}

/** Writes mail that is not there yet, or of which nobody was told. What the generation before had is not there for this one. */
export function keep(context: ShardContext, run: LiveRun, delivered: Delivered): void {
  const mail = 'mail' in delivered ? delivered.mail : undefined
  if (mail === undefined || mail < run.row.since || told(delivered) !== delivered)
    writeMail(context, run, told(delivered))
}

/** Keeps something before the turn that takes it. Until then nobody is told: the run may end before. */
export function keepFirst(context: ShardContext, run: LiveRun, delivered: Delivered): Delivered {
  const untold = { ...delivered, untold: true } as Delivered
  return { ...untold, mail: writeMail(context, run, untold) } as Delivered
}

/** The same, of which whoever said it will be told. */
export function told(delivered: Delivered): Delivered {
  return 'untold' in delivered ? { ...delivered, untold: undefined } : delivered
}

/** A run has continued before its mail was delivered: it is kept anew, in the rows of this generation. */
export function keepMailOn(context: ShardContext, run: LiveRun, mail: readonly Delivered[]): void {
  for (const one of mail) {
    // The answer of a call that the generation before has given up.
    if ('op' in one) continue
    const seq = writeMail(context, run, one)
    context.deliver(run.row.num, { ...one, mail: seq } as Delivered)
  }
}

/** The same of mail whose turns are queued. */
export function keepQueuedMail(context: ShardContext, run: LiveRun): void {
  for (const job of run.mail) {
    if (!('op' in job.delivered))
      job.delivered = { ...job.delivered, mail: writeMail(context, run, job.delivered) } as Delivered
  }
}
