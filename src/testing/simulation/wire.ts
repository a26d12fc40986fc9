// The way between processes and services in a story. A request arrives late, twice or not at all, and the reply may be
// lost; what has left a process is carried out whatever becomes of that, also when the call has been given up or taken
// back meanwhile. Services themselves do not fail here: they are told what arrives, in the order in which it does.
import { fault } from '../../core/errors.ts'
import type { Chance } from './chance.ts'
import type { Life } from './life.ts'
import type { World } from './world.ts'

const LATE_MS = 2500

export class Wire {
  readonly #world: World
  readonly #chance: Chance

  constructor(world: World) {
    this.#world = world
    this.#chance = world.chance('wire')
  }

  /**
   * Carries a request to a service and its reply back. Settles only as long as the process lives that asked.
   * @param what in words.
   * @param deliver what the service does when the request arrives; may be called twice.
   * @throws an error that says what was lost, or what the service threw.
   */
  call<Answer>(process: Life, what: string, deliver: () => Answer): Promise<Answer> {
    process.cross('before a request')
    return process.live(this.#send(process, what, deliver))
  }

  async #send<Answer>(process: Life, what: string, deliver: () => Answer): Promise<Answer> {
    const { clock, weather } = this.#world
    const chance = this.#chance
    const [isLost, isLate, isTwice, isDeaf] = [
      weather !== null && chance.is(weather.requestLost),
      weather !== null && chance.is(weather.requestLate),
      weather !== null && chance.is(weather.requestTwice),
      weather !== null && chance.is(weather.replyLost),
    ]
    const kinds = { requestLost: isLost, requestLate: isLate, requestTwice: isTwice, replyLost: isDeaf }
    for (const [kind, isSo] of Object.entries(kinds)) if (isSo) this.#world.count(`wire ${kind}`)
    if (isLate) this.#again(chance.between(20, LATE_MS), `${what} arrives late`, deliver)
    await clock.wait(latencyMs(chance))
    if (isLost || isLate) throw fault('ATTEMPT_FAILED', { message: 'the request was lost' })
    if (isTwice) this.#again(chance.between(0, 400), `${what} arrives again`, deliver)
    const answer = deliver()
    process.cross('behind an effect')
    await clock.wait(latencyMs(chance))
    if (isDeaf) throw fault('ATTEMPT_FAILED', { message: 'the reply was lost' })
    return answer
  }

  #again(afterMs: number, words: string, deliver: () => unknown): void {
    void this.#world.clock.after(afterMs, () => {
      this.#world.note(words)
      try {
        deliver()
      } catch {
        // Nobody is there to hear it.
      }
    })
  }
}

/** Mostly short, sometimes long, so that answers overtake one another. */
function latencyMs(chance: Chance): number {
  return chance.weighted([
    [70, () => chance.between(1, 10)],
    [25, () => chance.between(10, 120)],
    [5, () => chance.between(120, 1200)],
  ])()
}
