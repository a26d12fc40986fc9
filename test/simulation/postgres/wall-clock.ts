// Time as it passes, for a story that waits for a server.
import type { Cancel } from '../../../src/core/clock.ts'
import { systemClock } from '../../../src/engine/clock.ts'
import type { StoryClock } from '../../../src/testing/simulation/virtual-clock.ts'

export class WallClock implements StoryClock {
  readonly #alarms = new Set<Cancel>()
  #stopped = false

  now(): number {
    return systemClock.now()
  }

  after(delayMs: number, ring: () => void): Cancel {
    if (this.#stopped) return () => {}
    const cancel = systemClock.after(Math.max(0, delayMs), () => {
      this.#alarms.delete(cancel)
      ring()
    })
    this.#alarms.add(cancel)
    return () => {
      this.#alarms.delete(cancel)
      cancel()
    }
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve))
  }

  stop(): void {
    this.#stopped = true
    for (const cancel of this.#alarms) cancel()
    this.#alarms.clear()
  }
}
