// Replays of a journal, as a crash would cause them, and the same replays with one rule broken on purpose. A replay is
// right when the real replayer takes every turn, every turn is the same as text, and the machine then waits for exactly
// what the live one waited for.
import { commandsText, parseTurn } from '../../src/core/journal.ts'
import { verify } from '../../src/core/replay.ts'
import type { HistoryTurn } from '../../src/engine/history.ts'
import { replay } from '../../src/engine/replayer.ts'
import { machineOf, pendingWords, type Row, type Scene, type StagePump, type WatchedMachine } from './scene.ts'

/** What a replay came to: a machine to go on with, or what differed, in words. */
export type Replay =
  | { readonly kind: 'same'; readonly machine: WatchedMachine }
  | { readonly kind: 'different'; readonly words: string }

export const turnsOf = (rows: readonly Row[]): readonly HistoryTurn[] =>
  rows.map(({ seq, at, text }) => ({ ...parseTurn(text), seq, at }))

/**
 * Replays turns on a new machine by the engine's replayer, each in a macrotask of its own.
 * @param pending what the machine must wait for afterwards; null when nobody knows.
 * @param strict every turn must be the same as text, but for inputs that a schema made something else of.
 */
export async function replayed(
  stage: StagePump,
  scene: Scene,
  turns: readonly HistoryTurn[],
  pending: string | null,
  strict = true,
): Promise<Replay> {
  const faults: Error[] = []
  const machine = machineOf(scene, faults)
  const result = await Promise.race([replay(stage.pump, machine.name, machine, turns), stage.failed])
  if (result.kind === 'diverged') return different(result.error.message)
  if (result.kind === 'threw') return different('a turn threw')
  if (faults.length > 0) return different(`outside of a turn: ${String(faults[0]?.message)}`)
  for (const [index, closed] of machine.closed.entries()) {
    const recorded = turns[index]?.commandsText ?? ''
    if (closed.kind === 'threw') return different(closed.error.message)
    if (strict && verify(closed.commands, recorded).kind !== 'same' && !recorded.includes('"raw":')) {
      return different(`turn ${index} is not the same as text:\n  - ${recorded}\n  + ${commandsText(closed.commands)}`)
    }
  }
  const now = pendingWords(machine)
  return pending === null || now === pending
    ? { kind: 'same', machine }
    : different(`it waits for something else after turn ${turns.length - 1}:\n- ${pending}\n+ ${now}`)
}

const different = (words: string): Replay => ({ kind: 'different', words })

/** Mutant: turns `at` and `at + 1` are delivered in the other order. */
export function swapped(turns: readonly HistoryTurn[], at: number): readonly HistoryTurn[] {
  const [first, second] = turns.slice(at, at + 2) as [HistoryTurn, HistoryTurn]
  return [...turns.slice(0, at), second, first, ...turns.slice(at + 2)]
}

/** What the batch mutant found: how many deliveries shared a macrotask with the one before, and what then differed. */
export interface Batched {
  readonly joined: number
  readonly words: string | null
}

/** Mutant: up to three deliveries that the machine accepts at once are made in one macrotask. */
export async function batched(stage: StagePump, scene: Scene, turns: readonly HistoryTurn[]): Promise<Batched> {
  const faults: Error[] = []
  const machine = machineOf(scene, faults)
  let joined = 0
  for (let next = 0; next < turns.length;) {
    const group: HistoryTurn[] = []
    let words: string | null = null
    await stage.turn(
      () => {
        const recorded = commandsOf(turns.slice(next, next + 3))
        for (const turn of turns.slice(next, next + 3)) {
          if (!machine.accepts(turn.delivered)) break
          // Two deliveries in one turn: the rule that forbids it is put out of force.
          machine.active = false
          group.push(turn)
          machine.deliver(turn.delivered, turn.at, turn.seq, recorded)
        }
      },
      () => {
        if (group.length === 0) return void (words = `nothing waits for turn ${next}`)
        const closed = machine.close()
        if (closed.kind === 'threw') return void (words = closed.error.message)
        const verdict = verify(closed.commands, commandsOf(group))
        if (verdict.kind === 'different') words = verdict.diff
      },
    )
    joined += Math.max(0, group.length - 1)
    if (words !== null || faults.length > 0) return { joined, words: words ?? String(faults[0]?.message) }
    next += group.length
  }
  return { joined, words: null }
}

/** The commands of several turns, as one turn would have recorded them. */
function commandsOf(turns: readonly HistoryTurn[]): string {
  const texts = turns.map((turn) => turn.commandsText.slice(1, -1)).filter((text) => text !== '')
  return `[${texts.join(',')}]`
}
