// Random programs (test/determinism) in a world where things go wrong: calls, steps, children, signals, events, timers,
// races, cancellations, undo and generations in any combination. What they come to is held against what the services say.
import type { Application } from '../../src/define/application.ts'
import { isBalletError } from '../../src/core/errors.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { applicationOf } from '../determinism/application.ts'
import { Audience, inputsOf, type Input } from '../determinism/audience.ts'
import { Ledger } from '../determinism/ledger.ts'
import type { Content } from '../determinism/recording-store.ts'
import { verdictOf } from '../determinism/verdict.ts'
import { judgeReplays, never } from './journals.ts'
import { StuckRuns } from './stuck-runs.ts'

const AGAIN_MS = 120
const AGAIN: ReadonlySet<string> = new Set([
  'PROCESS_UNREACHABLE',
  // A read of its journal failed: somebody will retry the run.
  'RUN_UNREADABLE',
  'SHARD_FENCED',
  'STORE_FAILED',
  'STORE_FULL',
  'STORE_UNREACHABLE',
  'APP_CLOSED',
  'COMMIT_UNKNOWN',
  'NODE_STANDBY',
  'NOT_READY',
  'OVERLOADED',
])

export const programs: Workload = { name: 'programs', scene: (stage) => new ProgramsScene(stage) }

/** Made once: a replay does nothing. */
const REPLAYED = applicationOf({ work: never })

class ProgramsScene implements Scene {
  readonly #stage: Stage
  readonly #chance: Chance
  readonly #ledger: Ledger
  readonly #audience: Audience
  readonly #stuck: StuckRuns
  #looking = false

  constructor(stage: Stage) {
    const { world } = stage
    this.#stage = stage
    this.#stuck = new StuckRuns(stage)
    this.#chance = world.chance('clients')
    const content: Content = { data: world.disk, changes: [] }
    world.onCommit.push((batch) => content.changes.push({ at: 0, kind: 'committed', batch }))
    const parts = { clock: world.clock, content, blame: (words: string): void => world.blame('PROGRAM', words) }
    this.#ledger = new Ledger({ ...parts, chance: world.chance('ledger') }, [])
    const doors = patient(stage)
    this.#audience = new Audience({ ...parts, chance: this.#chance, app: () => doors })
  }

  application(process: SimulatedProcess) {
    const { medium } = this.#stage.world
    return applicationOf({
      work: async (what, input, context) => {
        // What is asked for has to be there by then.
        if (medium !== null) await process.live(medium.refresh())
        process.cross('before a request')
        this.#stage.world.note(`${process.name} ${what} ${input}: ${context.op} of ${context.run}`)
        return process.live(this.#ledger.work(what, input, context))
      },
    })
  }

  begin(): void {
    const inputs = inputsOf(this.#chance, this.#chance.pick([1, 1, 1, 2]), this.#stage.world.seed)
    const level = this.#chance.pick([0, 0, 0, 1])
    this.#audience.give(inputs.map((input) => atLevel(input, level)))
  }

  look(): void {
    this.#stuck.tryAgain()
    if (this.#looking) return
    this.#looking = true
    void this.#audience.lookAround().finally(() => (this.#looking = false))
  }

  isOver(): boolean {
    return this.#audience.done
  }

  async judge(): Promise<void> {
    const { world } = this.#stage
    this.#audience.leave()
    for (const problem of verdictOf(world.disk, [...this.#ledger.entries.values()])) world.blame('PROGRAM', problem)
    await judgeReplays(world, REPLAYED)
  }
}

/** Small programs are enough for most: the large ones take as long as ten of them. */
function atLevel(input: Input, level: number): Input {
  return input.kind === 'start' ? { ...input, input: { ...input.input, level } } : input
}

/** The doors of whatever process can be asked: who does not know what became of a question asks again. */
function patient(stage: Stage): Application {
  const again =
    (name: string) =>
    async (...args: unknown[]): Promise<unknown> => {
      for (;;) {
        try {
          return await stage.ask(
            (app) => Reflect.apply(Reflect.get(app, name) as () => unknown, app, args) as Promise<unknown>,
          )
        } catch (error) {
          if (isBalletError(error) && !AGAIN.has(error.code)) throw error
          await stage.world.clock.wait(AGAIN_MS)
        }
      }
    }
  return new Proxy({} as Application, { get: (_target, name) => again(String(name)) })
}
