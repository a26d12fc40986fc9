// One tick for all shards of a process, so that what each of them looks for now and then is asked for in one moment, and the
// store can answer all of it at once. Kept by RunningApplication.
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'

/** When is looked for what is about to come: most comes at once, and what is later than that waits for a tick. */
const SOON_MS = [5, 25, 100, 300] as const
/** Looks come at multiples of this, unless none is to come yet: many that wait for something share them. */
const GRAIN_MS = 20
/**
 * So many look at once for that. A look costs what each of them costs, so where more of them look it is doubled until they
 * take the same part of the time. Doubled, because moments of one grain are then those of another as well.
 */
const GRAIN_LISTENERS = 16

interface Look {
  readonly listeners: Set<() => void>
  readonly cancel: Cancel
}

export class Pulse {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #listeners = new Set<() => void>()
  /** By their moments. */
  readonly #looks = new Map<number, Look>()
  #cancel: Cancel | null = null
  #grainMs = GRAIN_MS

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  /** Calls back with every tick, until what it returns is called. */
  join(listener: () => void): Cancel {
    this.#listeners.add(listener)
    if (this.#cancel === null) this.#next()
    return () => {
      this.#listeners.delete(listener)
      for (const [at, { listeners, cancel }] of this.#looks) {
        if (!listeners.delete(listener) || listeners.size > 0) continue
        this.#looks.delete(at)
        cancel()
      }
      if (this.#listeners.size > 0) return
      this.#cancel?.()
      this.#cancel = null
    }
  }

  /** Calls back, besides with the ticks, a few times in the next moments: one that has joined, and until it leaves. */
  soon(listener: () => void): void {
    if (!this.#listeners.has(listener)) return
    const now = elapsedOf(this.#clock)
    const [soonest] = SOON_MS
    const isAtOnce = this.#looks.size === 0 || this.#looks.has(now + soonest)
    for (const [index, ms] of SOON_MS.entries()) {
      const at = isAtOnce && index === 0 ? now + ms : Math.ceil((now + ms) / this.#grainMs) * this.#grainMs
      this.#lookAt(at, at - now).add(listener)
    }
  }

  #lookAt(at: number, ms: number): Set<() => void> {
    const known = this.#looks.get(at)
    if (known !== undefined) return known.listeners
    const listeners = new Set<() => void>()
    const look = (): void => {
      this.#looks.delete(at)
      this.#grainMs = grainMs(listeners.size)
      for (const listener of listeners) listener()
    }
    this.#looks.set(at, { listeners, cancel: this.#clock.after(ms, look) })
    return listeners
  }

  #next(): void {
    this.#cancel = this.#clock.after(this.#everyMs, () => {
      this.#cancel = null
      // A tick that was called off may come all the same.
      if (this.#listeners.size === 0) return
      this.#next()
      // A copy: a listener may leave.
      const listeners = [...this.#listeners]
      for (const listener of listeners) listener()
    })
  }
}

function grainMs(listeners: number): number {
  let ms = GRAIN_MS
  for (let most = GRAIN_LISTENERS; most < listeners; most *= 2) ms *= 2
  return ms
}
