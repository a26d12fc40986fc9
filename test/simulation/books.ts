// The books of the services in a story: what was done, once for each idempotency key, and a ledger of every request that
// arrived. They keep the rules that Ballet asks services to keep: a repeat is answered alike, what was taken back is
// refused for ever, and an engine that was replaced gets nothing done. They hold the engine to its word as well: nothing
// may arrive before the command that asks for it is on the disk.
import { TerminalError } from '../../src/core/errors.ts'
import type { OperationContext } from '../../src/define/definition.ts'
import type { Ground } from '../../src/testing/simulation/ground.ts'
import type { World } from '../../src/testing/simulation/world.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Stage } from '../../src/testing/simulation/stage.ts'
import { claimKey, type MemoryData } from '../../src/stores/memory/memory-data.ts'

const ROUNDED_MS = 2

/** A request that arrived, in the words of an auditor. */
export interface Line {
  readonly t: number
  /** What it was done for: an order, the key of a run. */
  readonly run: string
  readonly step: string
  readonly key: string
  readonly outcome: 'applied' | 'deduped' | 'refused'
  readonly amount?: number | undefined
  readonly epoch: number
}

/** What a piece of work came to. */
export interface Done<Answer> {
  readonly outcome: 'applied' | 'refused'
  readonly answer: Answer
  readonly amount?: number | undefined
}

export class Books {
  readonly lines: Line[] = []
  readonly #stage: Stage
  readonly #answers = new Map<string, unknown>()
  readonly #inputs = new Map<string, string>()
  readonly #takenBack = new Set<string>()
  /** Of each shard: the newest engine that has asked. */
  readonly #epochs = new Map<string, number>()

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** Asks for `work` over the wire; it is done once for the key of the call, and every repeat is answered alike. */
  call<Work extends Done<unknown>>(
    process: SimulatedProcess,
    context: OperationContext,
    entry: { readonly run: string; readonly step: string; readonly input?: unknown },
    work: () => Work,
  ): Promise<Work['answer']> {
    const { medium, clock } = this.#world
    const ask = (): Promise<Work['answer']> =>
      this.#stage.wire.call(process, `${entry.step} of ${entry.run}`, () => this.#arrive(context, entry, work))
    const at = clock.now()
    const epoch = process.epochs.get(this.#world.place.shardOf(context.run))
    if (medium === null) {
      this.#judgeBegin(process, context, epoch, at)
      return ask()
    }
    // What a server holds is known a moment later: whatever is not there by then was not there at the beginning.
    return process.live(medium.refresh()).then(() => {
      this.#judgeBegin(process, context, epoch, at)
      return ask()
    })
  }

  /** Who takes each of these steps for an order, and does nothing but write it down. */
  hands<Step extends string>(
    process: SimulatedProcess,
    steps: readonly Step[],
  ): Readonly<Record<Step, (order: { readonly id: string }, context: OperationContext) => Promise<undefined>>> {
    const hand = (step: Step) => (order: { readonly id: string }, context: OperationContext) =>
      this.call(process, context, { run: order.id, step, input: order }, () => ({
        outcome: 'applied',
        answer: undefined,
      }))
    return Object.fromEntries(steps.map((step) => [step, hand(step)])) as ReturnType<typeof this.hands<Step>>
  }

  /** @param at when the call began, and `epoch` what the process had by then. */
  #judgeBegin(process: SimulatedProcess, context: OperationContext, epoch: number | undefined, at: number): void {
    // What still runs in one that is over reaches nothing.
    if (!process.isAlive) return
    // It does not know yet that the store has gone back under it: it looks when it renews its lease.
    const { ageMs, restoredMs, sharded } = this.#world
    if (process.wasMoved && ageMs - restoredMs < (sharded?.leaseMs ?? 0)) return
    const problem = this.#fenceProblem(process, context, epoch, at)
    if (problem !== null) this.#world.blame('FENCE', problem)
    const early = gateProblem(this.#world, context, process.ground)
    if (early !== null) this.#world.blame('GATE', `${context.idempotencyKey} was asked for, and ${early}`)
  }

  /** Somebody does by hand what a call asks for. */
  byHand(key: string, run: string, step: string, answer: unknown): void {
    if (this.#answers.has(key)) return
    this.#answers.set(key, answer)
    this.#write({ run, step, key, outcome: 'applied', epoch: 0 })
  }

  /** What was applied and stands. */
  has(run: string, step: string): boolean {
    return this.lines.some((line) => line.run === run && line.step === step && line.outcome === 'applied')
  }

  get #world(): World {
    return this.#stage.world
  }

  /** A process asks in the name of its own tenure; and by a lease nobody asks when another node has the shard. */
  #fenceProblem(
    process: SimulatedProcess,
    { fence, run }: OperationContext,
    epoch: number | undefined,
    at: number,
  ): string | null {
    const world = this.#world
    const shard = world.place.shardOf(run)
    if (fence !== `1.${shard}.${epoch}`) return `${process.name} asks with ${fence} in its epoch ${epoch}`
    const { ground } = process
    const { epoch: now } = ground.disks[shard] as MemoryData
    // Of a server it is known since when another has it; both times are rounded to milliseconds.
    const since = world.medium === null ? at : (world.medium.since(shard) ?? 0) + ROUNDED_MS
    // What it asked for before may have been carried out late: it has the shard anew then, and will hear of that.
    const owner = world.nodeOf(shard, ground)
    const isItself =
      owner !== null &&
      (owner === process.app?.standing.node ||
        ground.sharded?.nodes().some(({ id, address }) => id === owner && address === process.address) === true)
    if (world.hasLeases && epoch !== now && since <= at && !isItself)
      return `${process.name} asks with ${fence}, and the shard has the epoch ${now}`
    return null
  }

  #arrive<Work extends Done<unknown>>(
    context: OperationContext,
    { run, step, input }: { readonly run: string; readonly step: string; readonly input?: unknown },
    work: () => Work,
  ): Work['answer'] {
    const { idempotencyKey: key, undoes, fence } = context
    const [, shard = '', words] = fence.split('.')
    const epoch = Number(words)
    const line = { run, step, key, epoch }
    if (epoch < (this.#epochs.get(shard) ?? 0)) return this.#refuse(line, 'another engine has taken over')
    this.#epochs.set(shard, epoch)
    const asked = JSON.stringify([step, input])
    const before = this.#inputs.get(key)
    if (before !== undefined && before !== asked)
      this.#world.blame('SHARED_KEY', `${key} was ${before} and is now ${asked}`)
    this.#inputs.set(key, asked)
    if (this.#takenBack.has(key)) return this.#refuse(line, 'this call was taken back')
    if (this.#answers.has(key)) {
      this.#write({ ...line, outcome: 'deduped' })
      return this.#answers.get(key)
    }
    // From here on the call that is being taken back can never happen any more, not even if it comes late.
    if (undoes !== null) this.#takenBack.add(undoes)
    const { outcome, answer, amount } = work()
    this.#answers.set(key, answer)
    this.#write({ ...line, outcome, amount })
    return answer
  }

  #refuse(line: Omit<Line, 't' | 'outcome'>, why: string): never {
    this.#write({ ...line, outcome: 'refused' })
    throw new TerminalError(why)
  }

  #write(line: Omit<Line, 't'>): void {
    this.lines.push({ t: this.#world.clock.now(), ...line })
    this.#world.note(`${line.step} of ${line.run}: ${line.outcome}`, () => `${line.key} epoch ${line.epoch}`)
  }
}

/** Why an effect may not begin: what the disk holds of its run does not ask for it. */
function gateProblem(world: World, { run, op, idempotencyKey }: OperationContext, ground: Ground): string | null {
  const disk = world.diskOf(run, ground)
  const num = disk.claims.get(claimKey({ ns: 'default', space: 'run', id: run }))?.num
  const row = num === undefined ? undefined : disk.runs.get(num)
  if (num === undefined || row === undefined) return 'its run is not on the disk'
  if (row.kind !== 'workflow') return null
  const words = `"op":${JSON.stringify(op)}`
  const isAsked = disk.journal.get(num)?.some(({ kind, data }) => kind === 'turn' && asksFor(String(data), words))
  if (isAsked !== true) return 'no turn on the disk asks for it'
  const generation = idempotencyKey
    .slice(0, -op.length - 1)
    .split(':')
    .at(-1)
  return Number(generation) <= row.generation ? null : 'its generation has not begun on the disk'
}

/** The third line of a turn holds its commands. */
const asksFor = (text: string, words: string): boolean => text.slice(text.lastIndexOf('\n')).includes(words)
