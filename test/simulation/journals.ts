// What the rows of a disk say, when everything on it has ended, held against the rules that hold for any application:
// nothing is left over, timers were not early, signals came once, time went forward, what had to be taken back was, every
// event is there once, and every journal replays.
import { NO_RUN } from '../../src/engine/flow-rows.ts'
import { idempotencyKey } from '../../src/core/ids.ts'
import { parseCommands, parseTurn, type Delivered, type StoredCommand } from '../../src/core/journal.ts'
import type { JournalRow, RunRow, Store } from '../../src/core/store.ts'
import type { ApplicationDefinition } from '../../src/define/definition.ts'
import { OfflineReplay } from '../../src/engine/offline-replay.ts'
import type { MemoryData } from '../../src/stores/memory/memory-data.ts'
import { memory } from '../../src/stores/memory/memory-store.ts'
import { shardedStore } from '../../src/testing/simulation/sharded-store.ts'
import type { World } from '../../src/testing/simulation/world.ts'
import { carriedUndos, generationsOf, type Generation } from '../determinism/generations.ts'
import { undoProblems } from '../determinism/undone.ts'

export interface Turn {
  readonly seq: number
  readonly at: number
  readonly delivered: Delivered
  readonly commands: readonly StoredCommand[]
}

/** The turns of a run, of all its generations; or what was kept for it while it could take nothing. */
export function turnsOf(world: World, { num, id }: RunRow, kept: 'turn' | 'mail' = 'turn'): readonly Turn[] {
  return (world.diskOf(id).journal.get(num) ?? []).filter(({ kind }) => kind === kept).map(turnOf)
}

/** Several judges read the same rows. */
const read = new WeakMap<JournalRow, Turn>()

function turnOf(row: JournalRow): Turn {
  const known = read.get(row)
  if (known !== undefined) return known
  const { delivered, commandsText } = parseTurn(String(row.data))
  const turn = { seq: row.seq, at: row.at, delivered, commands: parseCommands(commandsText) }
  read.set(row, turn)
  return turn
}

/**
 * Blames whatever is wrong with the rows.
 * @param isAllUndone whether everything that can be taken back is: an undo may also say that there is nothing to do.
 * @param mayWait whether a run that has not ended may wait for a time.
 */
export function judgeRows(world: World, isAllUndone: boolean, mayWait: (id: string) => boolean = () => false): void {
  for (const disk of world.disks) judgeDisk(world, disk, isAllUndone, mayWait)
}

function judgeDisk(world: World, disk: MemoryData, isAllUndone: boolean, mayWait: (id: string) => boolean): void {
  for (const { run, op } of disk.timers.values())
    if (run !== NO_RUN && !mayWait(disk.runs.get(run)?.id ?? '')) world.blame('LEFT', `the timer ${op} of run ${run}`)
  for (const { id, target } of disk.inbox.values()) world.blame('LEFT', `the inbox row ${id} for ${target}`)
  const events = Map.groupBy(disk.events, ({ source, id }) => `${source} ${id}`)
  for (const [name, { length }] of events)
    if (length > 1) world.blame('TWICE', `the event ${name} is there ${length} times`)
  const runs = Map.groupBy(disk.runs.values(), ({ id }) => id)
  for (const [id, { length }] of runs) if (length > 1) world.blame('TWICE', `the run ${id} is there ${length} times`)
  for (const row of disk.runs.values()) {
    if (row.parent !== null && !disk.runs.has(row.parent)) world.blame('CAUSE', `${row.id} has no parent`)
    if (row.kind === 'workflow') judgeRun(world, row, isAllUndone)
  }
}

/** What the services do while a journal is repeated. */
export const never = (): never => {
  throw new Error('a replay does nothing')
}

/** Blames the runs whose journals the code does not repeat. */
export async function judgeReplays(world: World, definition: ApplicationDefinition): Promise<void> {
  const inMemory = (): Store => (world.sharded === null ? memory(world.disk) : shardedStore(world.sharded, false))
  const reader = world.medium?.store ?? inMemory()
  await reader.open()
  for await (const { id, verdict, diff, problem } of new OfflineReplay({ definition, reader }).all(Infinity))
    if (verdict === 'diverged' || verdict === 'unreadable') world.blame('REPLAY', `${id}: ${diff ?? problem}`)
}

function judgeRun(world: World, row: RunRow, isAllUndone: boolean): void {
  const turns = turnsOf(world, row)
  const signals = turns.flatMap(({ delivered }) => (delivered.kind === 'signal' ? [delivered.id] : []))
  if (new Set(signals).size !== signals.length) world.blame('TWICE', `a signal of ${row.id}: ${signals.join(', ')}`)
  for (const [index, { at }] of turns.entries())
    if (at < (turns[index - 1]?.at ?? 0)) world.blame('TIME', `of ${row.id} went back to ${at}`)
  const generations = generationsOf(turns)
  for (const generation of generations) judgeGeneration(world, row, generation, isAllUndone)
  if (generations.length !== row.generation + 1)
    world.blame('GENERATION', `${row.id} is in ${row.generation} of ${generations.length}`)
}

function judgeGeneration(
  world: World,
  row: RunRow,
  { turns, from, number }: Generation<Turn>,
  isAllUndone: boolean,
): void {
  const commands = turns.flatMap((turn) => turn.commands)
  const dues = new Map(commands.map((command) => [String(command['op']), Number(command['due'])]))
  for (const { at, delivered } of turns) {
    if (delivered.kind !== 'timer') continue
    const due = dues.get(delivered.op) ?? Infinity
    if (at < due) world.blame('EARLY', `the timer ${delivered.op} of ${row.id} fired ${due - at} ms before its time`)
  }
  const problems = isAllUndone ? undoProblems(turns, carriedUndos(from), number) : []
  for (const problem of problems) world.blame('UNDO', `${row.id}: ${problem}`)
  for (const command of commands) {
    if (command.kind !== 'emit') continue
    const own = idempotencyKey(
      { store: world.disk.info.id, ns: row.ns, id: row.id, generation: number },
      String(command['op']),
    )
    const { id = own } = command
    if (!world.disks.some(({ events }) => events.some((event) => event.id === id)))
      world.blame('LOST', `the event of ${row.id} ${JSON.stringify(id)}`)
  }
}
