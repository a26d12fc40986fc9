// One act of the engine: an application over a recorded store is opened, given its inputs and left to bring every run
// to its end. What it leaves (the changes of its store, the ledger of its services, who was told what) is enough to
// begin a next act as after a crash at any of its changes.
import { open, type Random } from '../../src/index.ts'
import type { MemoryData } from '../../src/stores/memory/memory-data.ts'
import { applicationOf } from './application.ts'
import { Audience, type Input } from './audience.ts'
import type { Chance } from './chance.ts'
import { Ledger, type Entry } from './ledger.ts'
import { RecordingStore, type Change } from './recording-store.ts'
import { VirtualClock } from './virtual-clock.ts'

/** How an act begins. */
export interface Opening {
  readonly chance: Chance
  readonly changes: readonly Change[]
  readonly entries: readonly Entry[]
  readonly inputs: readonly Input[]
  readonly nowMs: number
  /** Breaks the data on purpose. */
  readonly tamper?: (data: MemoryData) => void
}

/** What an act leaves. */
export interface Ended {
  readonly changes: readonly Change[]
  readonly entries: readonly Entry[]
  readonly inputs: readonly Input[]
  readonly data: MemoryData
  /** What was wrong while it ran; empty when all was well. */
  readonly faults: readonly string[]
  /** Bodies of operations and steps that were run. */
  readonly attempts: number
}

export const STORE = 'theatre'
const LIMIT_MS = 5 * 60_000

const randomOf = (chance: Chance): Random => ({
  seed: () => chance.between(0, 2 ** 32 - 1),
  uuid: (nowMs) => `${nowMs.toString(16)}-${chance.between(0, 1e9).toString(16)}-${chance.between(0, 1e9).toString(16)}`,
})

/** Plays an act to its end, or to the first fault. */
export async function playAct(opening: Opening): Promise<Ended> {
  const { chance, changes, nowMs } = opening
  const faults: string[] = []
  const blame = (words: string): void => void faults.push(words)
  const clock = new VirtualClock(nowMs)
  const store = new RecordingStore(STORE, changes, chance.part(1), () => clock.now())
  opening.tamper?.(store.data)
  const ledger = new Ledger({ clock, chance: chance.part(2), data: store.data, changes: store.changes, blame }, opening.entries)
  ledger.audit()
  const quiet = { info: () => {}, warn: () => {}, error: (message: string) => blame(message) }
  // With few live runs the others are evicted and replayed all the time.
  const liveRuns = chance.pick([1, 3, 10_000])
  const app = await open(applicationOf(ledger), { store, clock, random: randomOf(chance.part(3)), log: quiet, liveRuns, graceMs: 0 })
  const audience = new Audience({ app, store, clock, chance: chance.part(4), blame })
  audience.give(opening.inputs)
  const goesOn = (): boolean => !audience.done || store.data.inbox.size > 0 || [...store.data.runs.values()].some((run) => run.ended === null)
  while (faults.length === 0 && goesOn()) {
    await audience.lookAround()
    if (clock.now() - nowMs > LIMIT_MS) blame(await waiting(store.data, (id) => app.run(id)))
  }
  // What was broken is left as it is: the clock stands still, and with it whoever waits for it.
  if (faults.length === 0) await app.close()
  clock.stop()
  return { changes: store.changes, entries: [...ledger.entries.values()], inputs: audience.inputs, data: store.data, faults, attempts: ledger.attempts }
}

async function waiting(data: MemoryData, look: (id: string) => Promise<unknown>): Promise<string> {
  const open = [...data.runs.values()].filter((run) => run.ended === null)
  const views = await Promise.all(open.map(({ id }) => look(id)))
  return `it does not come to its end: ${JSON.stringify(views, ['id', 'name', 'status', 'reason', 'waits', 'op', 'kind', 'for', 'from', 'until'], 1)}`
}

/** The opening after a crash of `act` when its store had seen `count` changes. */
export function afterCrash(act: Pick<Ended, 'changes' | 'entries' | 'inputs'>, count: number, chance: Chance, believed: number = count): Opening {
  const changes = act.changes.slice(0, count)
  const inputs = act.inputs
    .filter((input) => input.takenAt <= believed || !input.id.startsWith('r-'))
    .map((input) => ({ ...input, afterMs: chance.between(0, 400), takenAt: input.takenAt <= believed ? input.takenAt : Infinity }))
  const nowMs = (changes.at(-1)?.at ?? 0) + chance.between(0, 3000)
  return { chance, changes, entries: Ledger.asOf(act.entries, believed), inputs, nowMs }
}
