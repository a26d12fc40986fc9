// What a journal says of what was taken back, held against the rules: whatever a run that ended badly had done, and
// whatever it gave up, is taken back; each once, last one first, and none before it has settled. Judged from the rows
// alone, so that it serves journals of machines and of the engine.
import type { Delivered, StoredCommand } from '../../src/core/journal.ts'

export interface JournalTurn {
  readonly at: number
  readonly delivered: Delivered
  readonly commands: readonly StoredCommand[]
}

/** Everything that is wrong, in words. The run has ended. */
export function undoProblems(turns: readonly JournalTurn[]): readonly string[] {
  const asked = new Map<string, { readonly command: StoredCommand; readonly turn: number; readonly place: number }>()
  const settled = new Map<string, Delivered>()
  const dropped = new Set<string>()
  const undone = new Set<string>()
  const problems: string[] = []
  let pass = { begun: 0, place: Infinity }
  let place = 0
  for (const [turn, { delivered, commands }] of turns.entries()) {
    if ('op' in delivered) settled.set(delivered.op, delivered)
    // What was begun for the losers of a race alone goes on for everything.
    if (delivered.kind === 'cancel') pass.place = Infinity
    for (const command of commands) {
      const op = String(command['op'])
      if (command.kind === 'drop') dropped.add(op)
      else if (command.kind === 'phase') pass = { begun: turn, place: Infinity }
      else if ('undoes' in command) {
        const undoes = String(command['undoes'])
        const first = asked.get(undoes)
        if (first === undefined) problems.push(`${undoes} is taken back and was never asked for`)
        else if (first.turn < pass.begun) {
          if (first.place > pass.place) problems.push(`${undoes} is taken back after what was done before it`)
          pass.place = first.place
        }
        if (undone.has(undoes)) problems.push(`${undoes} is taken back twice`)
        if (!settled.has(undoes)) problems.push(`${undoes} is taken back before it has settled`)
        undone.add(undoes)
      } else if (command['undo'] === true) asked.set(op, { command, turn, place: place++ })
    }
  }
  const last = turns.at(-1)?.commands.at(-1)
  const isBad = last?.kind === 'fail' || (last !== undefined && 'cancelled' in last)
  for (const [op, { turn }] of asked) {
    const answer = settled.get(op)
    // What is asked in the last turn of a run is never begun.
    const isDue = isBad || dropped.has(op) || (answer === undefined && turn < turns.length - 1)
    if (isDue && !undone.has(op) && !leavesNothing(answer)) problems.push(`${op} was not taken back`)
  }
  return problems
}

/** A declined charge may have an undo that says: nothing to take back. */
function leavesNothing(answer: Delivered | undefined): boolean {
  return answer?.kind === 'done' && answer.payload?.includes('"work.declined"') === true
}
