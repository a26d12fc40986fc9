// The guard rails of one run: how many turns its journal may have, how large they may be, how much it may ask for at once.
// A run that passes one is parked before the turn that would, and can still be cancelled; the log warns long before.
import { fault } from '../core/errors.ts'
import type { Command } from '../core/journal.ts'
import type { Closed } from '../core/machine.ts'
import { TURNS_TOLD } from '../define/limits.ts'
import type { LiveRun } from './live-run.ts'
import type { ShardContext } from './shard-context.ts'

/**
 * Why a run must not have another turn, or null. One that takes back what it did is never stopped; nor is one that conducts:
 * its journal is the length of its flow, and an event that somebody else had published would be refused for its sake.
 */
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

/** Why a turn must not count: the run would wait for too much at once, or say too much in it. Null when it may. */
export function tooWide({ limits: { fanOut } }: ShardContext, run: LiveRun, closed: Closed): Error | null {
  if (run.executor.kind !== 'workflow' || closed.kind === 'threw') return null
  const size = closed.kind === 'open' ? run.executor.machine.pending.size : 0
  const said = closed.commands.filter(isSaid).length
  if (Math.max(size, said) <= fanOut) return null
  const what =
    size > fanOut
      ? `${size} things that it waits for at once`
      : `${said} things that it starts, emits or sends in one turn`
  return fault('RUN_TOO_LONG', { run: `The run "${run.row.id}"`, what, limit: fanOut, option: 'fanOut' })
}

/** What is written with the turn, however much it is, and that the run waits for nothing of. */
const isSaid = (command: Command): boolean =>
  command.kind === 'emit' || command.kind === 'send' || (command.kind === 'child' && !command.wait)

/** Says once that a run grows long. */
export function tellLong(context: ShardContext, run: LiveRun): void {
  if (run.turns !== TURNS_TOLD) return
  const { id } = run.row
  const words = `The run "${id}" has ${run.turns} turns: let its workflow go on with run.continueAs(input)`
  context.log.warn(words, undefined, { run: id })
}
