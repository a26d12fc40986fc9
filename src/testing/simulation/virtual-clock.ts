// A clock whose time passes only when nothing else is ready: no immediate is queued and so, inside of one, no microtask
// either. An application over a store in memory needs nothing but those, so a day passes in a moment, and the same dice
// give the same story. One such clock may be alive in a process at a time, or each would wait for the other.
import type { Cancel, Clock } from '../../core/clock.ts'

/** A clock that one can wait for. */
export interface StoryClock extends Clock {
  /** Resolves when this much time has passed; never once the clock is stopped. */
  wait(delayMs: number): Promise<void>
  /** Nothing is called back any more: whoever waits for this clock is as good as dead. */
  stop(): void
}

interface Alarm {
  readonly due: number
  readonly order: number
  readonly ring: () => void
}

export class VirtualClock implements StoryClock {
  readonly #alarms: Alarm[] = []
  #now: number
  #orders = 0
  #looking = false
  #stopped = false

  /** @param nowMs milliseconds since the epoch at its beginning. */
  constructor(nowMs: number) {
    this.#now = nowMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): Cancel {
    if (this.#stopped) return () => {}
    const alarm: Alarm = { due: this.#now + Math.max(0, delayMs), order: this.#orders++, ring: callback }
    this.#alarms.splice(this.#behind(alarm), 0, alarm)
    this.#look()
    return () => {
      const index = this.#behind(alarm) - 1
      if (this.#alarms[index] === alarm) this.#alarms.splice(index, 1)
    }
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve))
  }

  stop(): void {
    this.#stopped = true
    this.#alarms.length = 0
  }

  /** Where the first stands that rings after this one. */
  #behind({ due, order }: Alarm): number {
    let [low, high] = [0, this.#alarms.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#alarms[middle] as Alarm
      if (other.due < due || (other.due === due && other.order <= order)) low = middle + 1
      else high = middle
    }
    return low
  }

  #look(): void {
    if (this.#looking) return
    this.#looking = true
    setImmediate(() => {
      this.#looking = false
      if (this.#stopped) return
      if (process.getActiveResourcesInfo().includes('Immediate')) return this.#look()
      const alarm = this.#alarms.shift()
      if (alarm === undefined) return
      this.#now = Math.max(this.#now, alarm.due)
      if (this.#alarms.length > 0) this.#look()
      alarm.ring()
    })
  }
}
