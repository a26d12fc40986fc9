// What a journal says of what was taken back, held against the rules: whatever a run that ended badly had done, and
// whatever it gave up, is taken back; each once, last one first, and none before it has settled. Judged from the rows
// alone, so that it serves journals of machines and of the engine.
import type { Delivered, StoredCommand } from '../../src/core/journal.ts'
import type { CarriedUndo } from '../../src/core/undo.ts'
import { carriedUndos } from './generations.ts'

export interface JournalTurn {
  readonly at: number
  readonly delivered: Delivered
  readonly commands: readonly StoredCommand[]
}

/**
 * Everything that is wrong, in words. The run, or its generation, has ended.
 * @param carried what the generation before handed on.
 */
export function undoProblems(
  turns: readonly JournalTurn[],
  carried: readonly CarriedUndo[] = [],
  generation = 0,
): readonly string[] {
  const asked = new Map<string, { readonly turn: number; readonly place: number }>()
  const settled = new Map<string, Delivered | null>()
  const dropped = new Set<string>()
  for (const [index, { op, lost }] of carried.entries()) {
    asked.set(op, { turn: -1, place: index - carried.length })
    settled.set(op, null)
    if (lost === true) dropped.add(op)
  }
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
      } else if (command['undo'] === true) asked.set(op, { turn, place: place++ })
    }
  }
  const last = turns.at(-1)?.commands.at(-1)
  const isBad = last?.kind === 'fail' || (last !== undefined && 'cancelled' in last)
  const handedOn = new Set(carriedUndos(last).map(({ op }) => op))
  for (const [op, { turn }] of asked) {
    const answer = settled.get(op)
    if (undone.has(op) || leavesNothing(answer)) continue
    if (last?.kind === 'continue') {
      if (!handedOn.has(turn < 0 ? op : `${generation}~${op}`)) problems.push(`${op} was not handed on`)
      continue
    }
    // What is asked in the last turn of a run is never begun.
    const isDue = isBad || dropped.has(op) || (answer === undefined && turn < turns.length - 1)
    if (isDue) problems.push(`${op} was not taken back`)
  }
  return problems
}

/** A declined charge may have an undo that says: nothing to take back. */
function leavesNothing(answer: Delivered | null | undefined): boolean {
  return answer?.kind === 'done' && answer.payload?.includes('"work.declined"') === true
}
