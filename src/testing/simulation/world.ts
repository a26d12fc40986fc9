// The world of one story: its time, its dice, its disk and what is known about it. Everything random in a story comes from
// the streams of one seed, a stream for each part, so that what one part draws does not change what another does. The disk
// is the truth: what is on it survives every crash. Made anew for each story; nothing of it outlives that.
import { hashOf } from '../../core/ids.ts'
import type { Batch } from '../../core/store.ts'
import { MemoryData } from '../../stores/memory/memory-data.ts'
import { Chance } from './chance.ts'
import { Trace } from './trace.ts'
import { VirtualClock } from './virtual-clock.ts'
import { weatherOf, type Weather } from './weather.ts'

/** When stories begin: milliseconds since the epoch. */
const BEGIN_MS: number = Date.UTC(2030, 0, 1)

/** Something that must not be. */
export interface Finding {
  readonly rule: string
  readonly detail: string
}

export class World {
  readonly seed: number
  readonly clock: VirtualClock = new VirtualClock(BEGIN_MS)
  readonly disk: MemoryData
  readonly trace: Trace
  readonly findings: Finding[] = []
  /** Called when a batch is on the disk. */
  readonly onCommit: ((batch: Batch) => void)[] = []
  /** What has gone wrong, by its kind. */
  readonly faults: Record<string, number> = {}
  /** How many processes have been started: the newest is the one that should have the disk. */
  processes = 0
  readonly #weather: Weather
  readonly #root: Chance
  #isHealed = false

  /** @param isTold whether the trace keeps lines for people. */
  constructor(seed: number, isTold: boolean) {
    this.seed = seed
    this.trace = new Trace(isTold)
    this.disk = new MemoryData(`store-${seed}`)
    this.#root = new Chance(seed)
    this.#weather = weatherOf(this.chance('weather'))
  }

  /** The dice of one part of the world. */
  chance(part: string): Chance {
    return this.#root.part(hashOf(part))
  }

  /** What may go wrong now. */
  get weather(): Weather | null {
    return this.#isHealed ? null : this.#weather
  }

  /** Whether the clocks of the processes differ, so that what each says of a time is its own affair. */
  get isSkewed(): boolean {
    return this.#weather.isSkewed
  }

  /** Milliseconds since the story began. */
  get ageMs(): number {
    return this.clock.now() - BEGIN_MS
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.#isHealed = true
    this.note('the faults are over')
  }

  /** Something happened. */
  note(text: string, more?: () => string): void {
    this.trace.note(this.ageMs, text, more)
  }

  /** Something has gone wrong, as it may. */
  count(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1
  }

  /** Something must not be. */
  blame(rule: string, detail: string): void {
    if (this.findings.some((one) => one.rule === rule && one.detail === detail)) return
    this.findings.push({ rule, detail })
    this.note(`FOUND ${rule}: ${detail}`)
  }
}

/** Rounds of the event loop that something takes. */
export async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}
