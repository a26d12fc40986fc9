// Turns that wait until what they are given is durable, each run's in order. So while processes die: whatever a turn does to
// this one, the next has what brought it about, and can be careful with that. Used by suspects.ts.
import { LooseMap } from '../core/loose-map.ts'
import type { Pump, TurnJob } from './pump.ts'
import type { Writer } from './writer.ts'

export class WrittenFirst {
  readonly #writer: Pick<Writer, 'onDurable' | 'flush'>
  readonly #pump: Pick<Pump, 'add'>
  readonly #held = new LooseMap<number, TurnJob[]>()

  constructor(writer: Pick<Writer, 'onDurable' | 'flush'>, pump: Pick<Pump, 'add'>) {
    this.#writer = writer
    this.#pump = pump
  }

  /** Whether turns of a run wait: others stay behind them. */
  has(run: number): boolean {
    return this.#held.has(run)
  }

  /** Queues a turn once everything written so far is durable, behind those of its run that wait. */
  add(run: number, job: TurnJob): void {
    const held = this.#held.get(run)
    if (held !== undefined) return void held.push(job)
    const mine = [job]
    this.#held.set(run, mine)
    this.#wait(run, mine)
  }

  /** What waits is queued at once. */
  release(): void {
    const all = [...this.#held.values()].flat()
    this.#held.clear()
    for (const job of all) this.#pump.add(job)
  }

  #wait(run: number, held: TurnJob[]): void {
    // What has come meanwhile may be in a later batch.
    const { length } = held
    this.#writer.onDurable(() => {
      if (this.#held.get(run) !== held) return
      for (const job of held.splice(0, length)) this.#pump.add(job)
      if (held.length > 0) this.#wait(run, held)
      else this.#held.delete(run)
    })
    this.#writer.flush()
  }
}
