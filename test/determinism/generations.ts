// The generations of a run in its journal: each begins behind the turn that continued the one before it.
import type { StoredCommand } from '../../src/core/journal.ts'
import type { CarriedUndo } from '../../src/core/undo.ts'

/** What begins a generation: the command that continued the one before; null for the first. */
export interface Generation<Turn> {
  readonly number: number
  readonly from: StoredCommand | null
  readonly turns: readonly Turn[]
}

/** The turns of a run, generation by generation. */
export function generationsOf<Turn extends { readonly commands: readonly StoredCommand[] }>(
  turns: readonly Turn[],
): readonly Generation<Turn>[] {
  const generations: { number: number; from: StoredCommand | null; turns: Turn[] }[] = []
  let from: StoredCommand | null = null
  let isNew = true
  for (const turn of turns) {
    if (isNew) generations.push({ number: generations.length, from, turns: [] })
    generations.at(-1)?.turns.push(turn)
    from = turn.commands.find(({ kind }) => kind === 'continue') ?? null
    isNew = from !== null
  }
  return generations
}

/** The undos that a continued run hands on. */
export function carriedUndos(command: StoredCommand | null | undefined): readonly CarriedUndo[] {
  return command?.kind === 'continue' ? (command['carry'] as { undos: readonly CarriedUndo[] }).undos : []
}
