// One act of the engine: an application over a recorded store is opened, given its inputs and left to bring every run
// to its end. What it leaves (the changes of its store, the ledger of its services, who was told what) is enough to
// begin a next act as after a crash at any of its changes.
import { open, type Application, type Random } from '../../src/index.ts'
import type { MemoryData } from '../../src/stores/memory/memory-data.ts'
import { applicationOf } from './application.ts'
import { Audience, type Input } from './audience.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import { Ledger, type Entry } from './ledger.ts'
import { contentAfter, RecordingStore, type Change, type Content } from './recording-store.ts'
import { VirtualClock } from '../../src/testing/simulation/virtual-clock.ts'

/** How an act begins. */
export interface Opening {
  readonly chance: Chance
  readonly changes: readonly Change[]
  readonly entries: readonly Entry[]
  readonly inputs: readonly Input[]
  readonly nowMs: number
  /** Looks around before the application is closed in the middle of its work; without it the act goes to its end. */
  readonly closeAfter?: number
  /** Looks around before another process takes the store, while this one lives on and does not know. */
  readonly usurpAfter?: number
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
  /** Whether every run has ended and every input was taken. */
  readonly isOver: boolean
}

export const STORE = 'theatre'
const LIMIT_MS = 5 * 60_000

const randomOf = (chance: Chance): Random => ({
  seed: () => chance.between(0, 2 ** 32 - 1),
  uuid: (nowMs) =>
    `${nowMs.toString(16)}-${chance.between(0, 1e9).toString(16)}-${chance.between(0, 1e9).toString(16)}`,
})

/** Plays an act to its end, or to the first fault. */
export async function playAct(opening: Opening): Promise<Ended> {
  const act = new Act(opening)
  await act.play()
  return act.ended()
}

class Act {
  readonly #opening: Opening
  readonly #faults: string[] = []
  readonly #clock: VirtualClock
  readonly #content: Content
  readonly #ledger: Ledger
  readonly #audience: Audience
  /** The one that holds the store stands last. */
  readonly #applications: Application[] = []
  /** Applications that have been opened, or are being. */
  #begun = 0
  #isOver = false

  constructor(opening: Opening) {
    const { chance, changes, nowMs, entries } = opening
    this.#opening = opening
    this.#clock = new VirtualClock(nowMs)
    this.#content = contentAfter(STORE, changes)
    opening.tamper?.(this.#content.data)
    const world = { clock: this.#clock, content: this.#content, blame: (words: string): void => this.#blame(words) }
    this.#ledger = new Ledger({ ...world, chance: chance.part(2) }, entries)
    this.#audience = new Audience({ ...world, chance: chance.part(4), app: () => this.#app })
  }

  async play(): Promise<void> {
    const { inputs, nowMs, closeAfter, usurpAfter } = this.#opening
    this.#ledger.audit()
    await this.#open()
    this.#audience.give(inputs)
    for (let looks = 0; this.#faults.length === 0 && this.#goesOn() && looks !== closeAfter; looks++) {
      if (looks === usurpAfter) await this.#open()
      await this.#audience.lookAround()
      if (this.#clock.now() - nowMs > LIMIT_MS)
        this.#blame(await waiting(this.#content.data, (id) => this.#app.run(id)))
    }
    this.#isOver = !this.#goesOn()
    this.#audience.leave()
    // What was broken is left as it is: the clock stands still, and with it whoever waits for it.
    if (this.#faults.length === 0) for (const application of this.#applications) await application.close()
    this.#clock.stop()
  }

  ended(): Ended {
    const { data, changes } = this.#content
    const { attempts, entries } = this.#ledger
    const { inputs } = this.#audience
    return {
      changes,
      entries: [...entries.values()],
      inputs,
      data,
      faults: this.#faults,
      attempts,
      isOver: this.#isOver,
    }
  }

  get #app(): Application {
    return this.#applications.at(-1) as Application
  }

  async #open(): Promise<void> {
    const place = this.#begun++
    const chance = this.#opening.chance.part(10 + place)
    const clock = this.#clock
    const store = new RecordingStore(this.#content, chance.part(1), () => clock.now())
    const error = (message: string): void => {
      const isUsurped = place < this.#begun - 1 && message.includes('Another process has taken over')
      if (!isUsurped) this.#blame(message)
    }
    const log = { info: () => {}, warn: () => {}, error }
    // With few live runs the others are evicted and replayed all the time.
    const liveRuns = chance.pick([1, 3, 10_000])
    const options = { store, clock, random: randomOf(chance.part(2)), log, liveRuns, graceMs: 0 }
    this.#applications.push(await open(applicationOf(this.#ledger), options))
  }

  #goesOn(): boolean {
    const { inbox, runs } = this.#content.data
    return !this.#audience.done || inbox.size > 0 || [...runs.values()].some((run) => run.ended === null)
  }

  #blame(words: string): void {
    this.#faults.push(words)
  }
}

async function waiting(data: MemoryData, look: (id: string) => Promise<unknown>): Promise<string> {
  const left = [...data.runs.values()].filter((run) => run.ended === null)
  const views = await Promise.all(left.map(({ id }) => look(id)))
  return `it does not come to its end: ${JSON.stringify(views, ['id', 'name', 'status', 'reason', 'waits', 'op', 'kind', 'for', 'from', 'until'], 1)}`
}

/** The opening after a crash of `act` when its store had seen `count` changes. */
export function afterCrash(
  act: Pick<Ended, 'changes' | 'entries' | 'inputs'>,
  count: number,
  chance: Chance,
  believed: number = count,
): Opening {
  const changes = act.changes.slice(0, count)
  const inputs = act.inputs
    .filter((input) => input.takenAt <= believed || !input.id.startsWith('r-'))
    .map((input) => ({
      ...input,
      afterMs: chance.between(0, 400),
      takenAt: input.takenAt <= believed ? input.takenAt : Infinity,
    }))
  // The clock of the machine may have been set back meanwhile.
  const nowMs = (changes.at(-1)?.at ?? 0) + chance.between(-500, 3000)
  return { chance, changes, entries: Ledger.asOf(act.entries, believed), inputs, nowMs }
}
