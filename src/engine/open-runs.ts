// The runs of a shard that have not ended: in memory as a live run, or parked on disk. Parked ones are replayed when
// something comes for them. The one used least recently is parked first, when there are more than memory should hold.
import type { LiveRun } from './live-run.ts'

/** The open runs of a shard. */
export class OpenRuns {
  readonly #live = new Map<number, LiveRun>()
  readonly #parked = new Map<number, string>()
  readonly #nums = new Map<string, number>()
  readonly #limit: number
  /** Who waits for the end of a run: by the run's id, the runs and their operations. */
  readonly #joins = new Map<string, { readonly run: number; readonly op: string }[]>()

  /** @param limit live runs to hold; more are parked when they are idle. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get liveCount(): number {
    return this.#live.size
  }

  /** Live and parked. */
  get count(): number {
    return this.#live.size + this.#parked.size
  }

  add(run: LiveRun): void {
    this.#live.set(run.row.num, run)
    this.#parked.delete(run.row.num)
    this.#nums.set(run.row.id, run.row.num)
  }

  /** A run that is open, and still on disk. */
  know(num: number, id: string): void {
    this.#parked.set(num, id)
    this.#nums.set(id, num)
  }

  /** The live run, which becomes the one used last. */
  use(num: number): LiveRun | undefined {
    const run = this.#live.get(num)
    if (run !== undefined && this.#live.size > this.#limit / 2) {
      this.#live.delete(num)
      this.#live.set(num, run)
    }
    return run
  }

  /** A live run that is to be brought back anew: what its old body still does concerns nobody any more. */
  shelve(num: number, id: string): void {
    const run = this.#live.get(num)
    if (run !== undefined) run.executor = { kind: 'frozen', seen: new Set() }
    this.#live.delete(num)
    this.#parked.set(num, id)
  }

  isParked(num: number): boolean {
    return this.#parked.has(num)
  }

  /** The number of an open run. */
  numOf(id: string): number | undefined {
    return this.#nums.get(id)
  }

  remove(num: number): void {
    const id = this.#live.get(num)?.row.id ?? this.#parked.get(num)
    this.#live.delete(num)
    this.#parked.delete(num)
    if (id !== undefined && this.#nums.get(id) === num) this.#nums.delete(id)
  }

  /** Parks idle runs past the limit, least recently used first. */
  park(isIdle: (run: LiveRun) => boolean): void {
    if (this.#live.size <= this.#limit) return
    let looked = 0
    for (const [num, run] of this.#live) {
      if (this.#live.size <= this.#limit || ++looked > 64) return
      this.#live.delete(num)
      if (isIdle(run)) {
        this.#parked.set(num, run.row.id)
        // What its old body still does outside its turns concerns nobody any more.
        run.executor = { kind: 'frozen', seen: new Set() }
      }
      // One that cannot be parked (it is stuck, perhaps for long) goes to the end, or it would hide the others.
      else this.#live.set(num, run)
    }
  }

  live(): IterableIterator<LiveRun> {
    return this.#live.values()
  }

  /** Run `run` waits with `op` for the end of the run `id`. */
  join(id: string, run: number, op: string): void {
    const known = this.#joins.get(id) ?? []
    if (!known.some((one) => one.run === run && one.op === op)) this.#joins.set(id, [...known, { run, op }])
  }

  /** Those that waited for the run `id`, which has ended. */
  takeJoins(id: string): readonly { readonly run: number; readonly op: string }[] {
    const known = this.#joins.get(id) ?? []
    this.#joins.delete(id)
    return known
  }
}
