// One program as a machine of core that anybody can begin: from nothing, or to be replayed. No engine is around it; the
// pump, the contracts of the real application and the watch over lost rejections are what it has in common with one.
import { endsAsFailed, isCancellation } from '../../src/core/failure.ts'
import type { Contracts } from '../../src/core/contracts.ts'
import type { RunIdentity } from '../../src/core/ids.ts'
import { commandsText } from '../../src/core/journal.ts'
import { Machine, type Closed } from '../../src/core/machine.ts'
import { startBody } from '../../src/core/surface.ts'
import { Directory } from '../../src/engine/directory.ts'
import { Pump } from '../../src/engine/pump.ts'
import { applicationOf } from './application.ts'
import { fold, goOn, perform, type Variation } from './perform.ts'
import { programOf, type Block, type Style } from './program.ts'
import { partsOf, type Outside, type PlayInput, type PlayRun } from './services.ts'

/** One row of a journal: the three lines of a turn, as a store would keep them. */
export interface Row {
  readonly seq: number
  readonly at: number
  readonly text: string
}

/** A program and the run that performs it. */
export interface Scene {
  readonly seed: number
  readonly identity: RunIdentity
  readonly program: Block
  readonly input: PlayInput
  readonly variation: Variation
  /** What the generation before handed on; absent: nothing. */
  readonly carry?: string
  /** Where it is not one that keeps the rules (mutants.ts). */
  readonly machine?: typeof WatchedMachine
}

/** What a machine of a scene did, turn by turn: kept beside the machine, so that the real replayer can drive it. */
export class WatchedMachine extends Machine {
  readonly closed: Closed[] = []

  override close(): Closed {
    const closed = super.close()
    this.closed.push(closed)
    return closed
  }
}

/** A step's body is asked by the driver, which hands it the world's whim as the number of the attempt. */
const outside: Outside = { work: (_what, input, context) => answerOf(input, context.attempt) }
const parts = partsOf(outside)
const directory = new Directory(applicationOf(outside))
const play = directory.workflows.get('play')
if (play === undefined) throw new Error('the application has no workflow to play')
const contracts: Contracts = directory.contracts(play)

/** What an operation answers: its input shows, and so does the whim of the world. */
export const answerOf = (input: number, whim: number): number => fold(fold(input, whim), 11)

export const sceneOf = (seed: number, style: Style): Scene => ({
  seed,
  identity: { store: 'store', ns: 'default', id: `play:o-${seed}`, generation: 0 },
  program: programOf(seed, style),
  input: { orderId: `o-${seed}`, seed, level: 1, rounds: seed % 4 === 0 ? 1 : 0, v: seed % 1000 },
  variation: {},
})

/** A new machine for a scene. `faults` collects what its code did outside of a turn. */
export function machineOf(scene: Scene, faults: Error[]): WatchedMachine {
  const { identity, input, program, variation, machine: Kind = WatchedMachine } = scene
  const perhaps = async (run: PlayRun): Promise<unknown> =>
    goOn(run, input, await perform(program, run, input, parts, variation))
  return new Kind({
    identity,
    key: `orderId:${input.orderId}`,
    input: JSON.stringify(input),
    carry: scene.carry ?? null,
    contracts,
    start: (machine) => startBody(machine, (surface) => perhaps(surface as unknown as PlayRun), input),
    log: () => {},
    onFault: (error) => faults.push(error),
  })
}

/** What a machine waits for: operations with their inputs, and since when. Equal machines have equal words. */
export function pendingWords(machine: Machine): string {
  return [...machine.pending.values()]
    .map(({ command, at }) => `${commandsText([command])} since ${at}`)
    .sort()
    .join('\n')
}

/** A pump as the engine has one. What goes wrong inside is thrown at whoever waits for `failed`. */
export class StagePump {
  readonly pump: Pump
  readonly failed: Promise<never>
  readonly #stop: () => void

  constructor() {
    let fail: (error: unknown) => void = () => {}
    this.failed = new Promise<never>((_resolve, reject) => (fail = reject))
    this.failed.catch(() => {})
    this.pump = new Pump({ onFailure: fail })
    // As the engine does: a failed call that a branch has not looked at yet is nobody's fault.
    const onRejection = (reason: unknown): void => {
      if (!endsAsFailed(reason) && !isCancellation(reason)) fail(reason)
    }
    const onHandled = (): void => {}
    process.on('unhandledRejection', onRejection)
    process.on('rejectionHandled', onHandled)
    this.#stop = () => {
      process.off('unhandledRejection', onRejection)
      process.off('rejectionHandled', onHandled)
    }
  }

  /** One turn: `begin` delivers and `end` closes, with every microtask in between. */
  turn(begin: () => void, end: () => void): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.pump.add({
        workflow: 'scene',
        begin,
        end: () => {
          end()
          resolve()
        },
      })
    })
    return Promise.race([done, this.failed])
  }

  stop(): void {
    this.#stop()
  }
}
