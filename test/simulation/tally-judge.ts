// What must be true of a tally when it is over: nothing that was taken is lost, no time limit beat what came before it,
// every sum is what the service has booked, and what ended badly was taken back, last thing first.
import type { RunRow } from '../../src/core/store.ts'
import type { MemoryData } from '../../src/stores/memory/memory-data.ts'
import type { World } from '../../src/testing/simulation/world.ts'
import { judgeReplays, judgeRows, turnsOf, type Turn } from './journals.ts'
import { judgeLifecycles } from './lifecycle.ts'
import { tallyCode } from './tally-contracts.ts'
import type { Taken, TallyScene } from './tally.ts'

/** Blames whatever is wrong. */
export async function judgeTally(scene: TallyScene): Promise<void> {
  const { world } = scene.stage
  judgeRows(world, true)
  judgeLifecycles(world, scene.history.operations)
  const rows = new Map(world.disks.flatMap(({ runs }) => [...runs.values()].map((row) => [row.id, row] as const)))
  for (const { kind, run, id } of scene.taken)
    if (kind === 'start' && !rows.has(run)) world.blame('LOST', `the run ${id}, which was acknowledged`)
  for (const row of rows.values()) {
    if (row.name === 'tally') judgeRun(scene, row, turnsOf(world, row))
  }
  judgeEvents(scene)
  judgeBooks(scene)
  await judgeReplays(world, tallyCode.unmanned)
}

const isEnd = ({ delivered }: Turn, id: string): boolean =>
  delivered.kind === 'timer' || (delivered.kind === 'signal' && delivered.id === `${id}-close`)

/** An answer that a run was given is known to whatever takes the call back, also when its code could not take it. */
function judgeKnown({ stage: { world } }: TallyScene, row: RunRow, turns: readonly Turn[]): void {
  // What was kept while the run was frozen came before anybody stopped it.
  const kept = row.generation > 0 ? [] : turnsOf(world, row, 'mail')
  const known = new Set<unknown>(kept.flatMap(({ delivered }) => (delivered.kind === 'done' ? [delivered.op] : [])))
  for (const { delivered, commands } of turns) {
    if (delivered.kind === 'done') known.add(delivered.op)
    for (const { kind, undoes, input } of commands) {
      if (kind === 'continue') known.clear()
      if (known.has(undoes) && !(input as { readonly isKnown: boolean }).isKnown)
        world.blame('UNDO', `${row.id} took back ${String(undoes)} as if its answer were not known`)
    }
  }
}

function judgeRun(scene: TallyScene, row: RunRow, turns: readonly Turn[]): void {
  const { world } = scene.stage
  judgeKnown(scene, row, turns)
  const places = placesOf(world, row, turns)
  const dues = new Map(turns.flatMap((turn) => turn.commands.map((one) => [String(one['op']), Number(one['due'])])))
  judgeOrder(scene, row, places)
  const asked = turns
    .flatMap((turn) => turn.commands)
    .filter(({ kind, call }) => kind === 'call' && call === 'desk.book')
  const end = turns.findIndex((turn) => isEnd(turn, row.id))
  for (const { kind, run, id, v, at, isPosted } of scene.taken) {
    if (run !== row.id || (kind !== 'signal' && kind !== 'event')) continue
    const place = places.get(id) ?? Infinity
    // An event is read only while somebody waits for it; a signal is delivered in any case.
    if (kind === 'signal' && place === Infinity && !isPosted)
      world.blame('LOST', `the signal ${id}, which was acknowledged`)
    if (kind === 'event' && isEarlier(world, id, row)) continue
    for (const [index, { delivered }] of turns.entries()) {
      if (delivered.kind !== 'timer' || index > place) continue
      const due = dues.get(delivered.op) ?? 0
      if (at < due && !world.isSkewed)
        world.blame('LATE', `${id} was taken ${due - at} ms before a time limit that beat it`)
    }
    const isBooked = asked.some(({ input }) => (input as { v?: number })['v'] === v)
    const isOver = row.status === 'completed' && (end < 0 || place < end)
    if (kind === 'signal' && v > 0 && place !== Infinity && isOver && !isBooked)
      world.blame('LOST', `${id} was given to the run, which did not book it`)
  }
}

/** Where what a client gave stands among the turns. */
function placesOf(world: World, row: RunRow, turns: readonly Turn[]): ReadonlyMap<string, number> {
  const idsOf = (some: readonly Turn[]): string[] =>
    some.map(({ delivered }) => ('id' in delivered ? delivered.id : ''))
  const stopped = turns.findIndex(({ delivered }) => delivered.kind === 'cancel' && delivered.forced === true)
  // A run whose code could not go on, and that was stopped there, has what was kept for it, and reads it no more. Nor does one that
  // goes on, and ends by what was kept before; and a cancellation that was kept comes before all else that was.
  const kept = turnsOf(world, row, 'mail')
  const isBefore = ({ delivered }: Turn, seq: number): boolean =>
    delivered.kind === 'resume' ||
    ('mail' in delivered && delivered.mail !== undefined && (delivered.kind === 'cancel' || delivered.mail < seq))
  const unread = kept.filter(({ seq }) => turns.every((turn) => turn.seq < seq || isBefore(turn, seq)))
  return new Map([
    ...idsOf(unread).map((id): [string, number] => [id, turns.length]),
    ...(stopped < 0 ? [] : idsOf(kept)).map((id): [string, number] => [id, stopped]),
    ...idsOf(turns).map((id, index): [string, number] => [id, index]),
  ])
}

/** What a client gave after it had heard that something else was taken stands behind that. */
function judgeOrder({ stage: { world }, taken }: TallyScene, row: RunRow, places: ReadonlyMap<string, number>): void {
  const first = new Map<string, Taken>()
  for (const one of taken) if (one.run === row.id && one.kind === 'signal' && !first.has(one.id)) first.set(one.id, one)
  for (const earlier of first.values())
    for (const later of first.values()) {
      const [before, after] = [places.get(earlier.id) ?? Infinity, places.get(later.id) ?? Infinity]
      if (earlier.to <= later.from && after < before)
        world.blame('ORDER', `${later.id} was given after ${earlier.id}, and came before it`)
    }
}

/** Whether an event stands before the run in the log: then it is not meant. */
function isEarlier(world: World, id: string, { num, id: run }: RunRow): boolean {
  return world.diskOf(run).events.some((event) => event.id === id && event.pos < num)
}

function judgeEvents(scene: TallyScene): void {
  const { world } = scene.stage
  for (const { kind, id } of scene.taken)
    if (kind === 'event' && !world.disks.some(({ events }) => events.some((event) => event.id === id)))
      world.blame('LOST', `the event ${id}`)
  for (const disk of world.disks) judgeReactions(scene, disk)
}

function judgeReactions({ stage: { world }, books }: TallyScene, disk: MemoryData): void {
  const reactions = [...disk.runs.values()].filter(({ kind }) => kind === 'reaction')
  let last = new Map<string, number>()
  for (const event of disk.events) {
    if (event.type !== 'noted' || !event.published) continue
    const own = reactions.filter(({ cause }) => cause === `event:${event.source}:${event.id}`)
    if (own.length !== 1) world.blame('REACTED', `${own.length} times to the event ${event.id}`)
    if (own[0]?.status !== 'completed') continue
    const { id, v } = JSON.parse(String(event.data)) as { id: string; v: number }
    const places = books.lines.flatMap((line, index) =>
      line.run === id && line.step === `note#${v}` && line.outcome === 'applied' ? [index] : [],
    )
    if (places.length !== 1) world.blame('REACTED', `note#${v} of ${id} was done ${places.length} times`)
    const place = places[0] ?? 0
    if (place < (last.get(id) ?? -1)) world.blame('ORDER', `note#${v} of ${id} came before that of an earlier event`)
    last = last.set(id, place)
  }
}

function judgeBooks({ stage: { world }, books }: TallyScene): void {
  const applied = books.lines.filter(({ outcome }) => outcome === 'applied')
  for (const [name, own] of Map.groupBy(applied, ({ run, step }) => `${step} of ${run}`))
    if (own.length > 1) world.blame('TWICE', `${name} was done ${own.length} times`)
  for (const row of world.disks.flatMap(({ runs }) => [...runs.values()])) {
    if (row.kind !== 'workflow') continue
    const { id } = JSON.parse(String(row.input)) as { id: string }
    const own = applied.filter(({ run }) => run === id)
    const booked = own.filter(({ step }) => step.startsWith('book#'))
    const undone = own.filter(({ step }) => step.startsWith('unbook#'))
    const sum = total(booked) - total(undone)
    if (row.status === 'completed') {
      const { v } = JSON.parse(String(row.output)) as { v: number }
      if (v !== sum) world.blame('MONEY', `${row.id} says ${v}, the books say ${sum}`)
      if (undone.length > 0) world.blame('UNDO', `${row.id} has completed, and ${undone[0]?.step}`)
    } else if (sum !== 0) world.blame('UNDO', `${row.id} is ${row.status}, and ${sum} is left of it`)
  }
}

const total = (lines: readonly { readonly amount?: number | undefined }[]): number =>
  lines.reduce((sum, { amount = 0 }) => sum + amount, 0)
