// Takes idle runs out of memory: at the end of each round of turns and after each commit, as far as memory holds more than
// it should, and every while those that have been idle for long. A run is idle when nothing in this process works for it
// and it can be brought back when something comes for it. Each look is short; what it leaves, the next one finds.
import type { Cancel, Clock } from '../core/clock.ts'
import type { LiveRun } from './live-run.ts'
import { LOOKS } from './open-runs.ts'
import type { ShardContext } from './shard-context.ts'

/** How often it is looked for runs that have been idle for long, at most. */
const SWEEP_MS = 60_000

/** Eviction of a shard. */
export class Eviction {
  readonly #context: Pick<ShardContext, 'open' | 'effects' | 'lanes'>
  readonly #clock: Clock
  readonly #sweepMs: number
  #next: Cancel | null = null
  #isStopped = false

  constructor(context: ShardContext) {
    this.#context = context
    this.#clock = context.clock
    this.#sweepMs = Math.min(SWEEP_MS, Math.ceil(context.limits.idleMs / 4))
  }

  start(): void {
    this.#wait()
  }

  stop(): void {
    this.#isStopped = true
    this.#next?.()
  }

  /** One look. Returns whether there may be more to park. */
  park(): boolean {
    return this.#context.open.park((run) => isIdle(run, this.#context))
  }

  /** Of runs that have just been brought back, parks those that memory has no room for. */
  parkNew(nums: readonly number[]): void {
    this.#context.open.parkNew(nums, (run) => isIdle(run, this.#context))
  }

  #wait(): void {
    if (!this.#isStopped)
      this.#next = this.#clock.after(this.#sweepMs, () => this.#sweep(this.#context.open.liveCount / LOOKS))
  }

  /** Each live run is looked at once at most, and a few in each round of the event loop. */
  #sweep(looks: number): void {
    if (this.#isStopped) return
    if (this.park() && looks > 0) setImmediate(() => this.#sweep(looks - 1))
    else this.#wait()
  }
}

function isIdle(run: LiveRun, { effects, lanes }: Pick<ShardContext, 'effects' | 'lanes'>): boolean {
  const { executor, row } = run
  if (run.queued > 0 || executor.kind === 'frozen') return false
  // What there is of it is not kept in the run.
  if (row.phase === 'scheduled' || executor.kind === 'conductor') return true
  const isWorkedFor = (op: string): boolean => effects.has(row.num, op) || !run.stuckOps.has(op)
  // A run of one call waits for a person, or for those before it in its lane. One that made no call would try to again.
  if (executor.kind === 'solo') {
    if (row.status === 'running') return lanes.isWaiting(row.num)
    return executor.command !== null && !isWorkedFor(executor.command.op)
  }
  if (executor.machine.settled || executor.machine.pending.size === 0) return false
  for (const { op, command } of executor.machine.pending.values())
    if ((command.kind === 'call' || command.kind === 'step') && isWorkedFor(op)) return false
  return true
}
