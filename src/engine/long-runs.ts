// The guard rails of one run: how many turns its journal may have, how large it may be, how much it may wait for at once.
// A run that passes one is parked before the turn that would, and can still be cancelled; the log warns long before.
import { fault } from '../core/errors.ts'
import { TURNS_TOLD } from '../define/limits.ts'
import type { LiveRun } from './live-run.ts'
import type { ShardContext } from './shard-context.ts'

/** Why a run must not have another turn, or null. One that takes back what it did is never stopped. */
export function tooLong({ limits }: ShardContext, run: LiveRun): Error | null {
  const { executor, row, turns, bytes } = run
  if (executor.kind === 'workflow' && executor.machine.cancelled !== null) return null
  if (row.phase === 'undoing' || executor.kind !== 'workflow') return null
  const name = `The run "${row.id}"`
  if (turns >= limits.turns)
    return fault('RUN_TOO_LONG', { run: name, what: `${turns} turns`, limit: limits.turns, option: 'turns' })
  if (bytes < limits.journalBytes) return null
  return fault('RUN_TOO_LONG', {
    run: name,
    what: `${bytes} bytes of journal`,
    limit: limits.journalBytes,
    option: 'journalBytes',
  })
}

/** Why a turn must not count: the run would wait for too much at once. Null when it may. */
export function tooWide({ limits }: ShardContext, run: LiveRun): Error | null {
  if (run.executor.kind !== 'workflow') return null
  const { size } = run.executor.machine.pending
  if (size <= limits.fanOut) return null
  return fault('RUN_TOO_LONG', {
    run: `The run "${run.row.id}"`,
    what: `${size} things that it waits for at once`,
    limit: limits.fanOut,
    option: 'fanOut',
  })
}

/** Says once that a run grows long. */
export function tellLong(context: ShardContext, run: LiveRun): void {
  if (run.turns !== TURNS_TOLD) return
  const { id } = run.row
  context.log.warn(`The run "${id}" has ${run.turns} turns: let its workflow go on with run.continueAs(input)`)
}
