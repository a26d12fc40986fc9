// Clients who ask for something at some time, and again until they are heard: what they were not told may have been taken.
import type { Application } from '../../src/define/application.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { Stage } from '../../src/testing/simulation/stage.ts'

export const AGAIN_MS = 120

export class Askers {
  readonly #stage: Stage
  readonly #chance: Chance
  #under = 0

  constructor(stage: Stage, chance: Chance) {
    this.#stage = stage
    this.#chance = chance
  }

  /** @param until when it is asked for at the latest, milliseconds from now. */
  ask(until: number, ask: (app: Application) => Promise<unknown>): void {
    const { clock } = this.#stage.world
    const again = async (): Promise<void> => {
      try {
        await this.#stage.ask(ask)
        this.#under -= 1
      } catch {
        clock.after(AGAIN_MS, () => void again())
      }
    }
    this.#under += 1
    clock.after(this.#chance.between(0, until), () => void again())
  }

  /** Whether all were heard. */
  get areDone(): boolean {
    return this.#under === 0
  }
}
