// The runs of a shard that have not ended: in memory as a live run, or parked on disk. Parked ones are replayed when
// something comes for them. The one used least recently is parked first: when there are more than memory should hold, when
// their journals are larger than it should hold, and when it was idle for long. eviction.ts says when, and which may be.
import type { Clock } from '../core/clock.ts'
import { LooseMap } from '../core/loose-map.ts'
import type { RunRow } from '../core/store.ts'
import { machineOfRun, type LiveRun } from './live-run.ts'
import { StandingCounts, type StandingRow, type Standings } from './standings.ts'

/** Live runs that are looked at in one go. */
export const LOOKS = 64
/** Of how many looks one is made, where all live runs have been looked at and none can be parked; and how many runs are looked at as ever for each that can. */
const [RARELY, WORTH] = [32, 4 * LOOKS] as const

export interface OpenRunsOptions {
  readonly clock: Pick<Clock, 'now'>
  /** Live runs to hold; more are parked when they are idle. */
  readonly liveRuns: number
  /** Bytes of input and journal of live runs to hold. */
  readonly liveBytes: number
  /** Milliseconds after which an idle run is parked. */
  readonly idleMs: number
}

interface Parked {
  readonly id: string
  /** What it was in memory, as long as an attempt holds on to that whose late answer may have to be taken back. */
  readonly former: WeakRef<LiveRun> | null
  readonly stands: Standings
}

class Live {
  readonly run: LiveRun
  /** When it was put at the end of the row, which it is not at every use. */
  usedAt: number
  bytes: number
  stands: Standings

  constructor(run: LiveRun, usedAt: number, stands: Standings) {
    this.run = run
    this.usedAt = usedAt
    this.bytes = sizeOf(run)
    this.stands = stands
  }
}

/** The open runs of a shard. */
export class OpenRuns {
  readonly #options: OpenRunsOptions
  /** In the order of their last use. */
  readonly #live = new LooseMap<number, Live>()
  readonly #parked = new LooseMap<number, Parked>()
  readonly #nums = new LooseMap<string, number>()
  #bytes = 0
  /** Live runs that were looked at and cannot be parked, since there were some that can; and looks that were not made for it. */
  #barren = 0
  #skipped = 0
  readonly #standings = new StandingCounts()
  /** Who waits for the end of a run: by the run's id, the runs and their operations. */
  readonly #joins = new LooseMap<string, { readonly run: number; readonly op: string }[]>()

  constructor(options: OpenRunsOptions) {
    this.#options = options
  }

  get liveCount(): number {
    return this.#live.size
  }

  /** Of input and journal of the live runs. */
  get liveBytes(): number {
    return this.#bytes
  }

  /** Live and parked. */
  get count(): number {
    return this.#live.size + this.#parked.size
  }

  /** How the open runs stand. */
  get standings(): readonly Standings[] {
    return this.#standings.all
  }

  /** The id of an open run. */
  idOf(num: number): string | undefined {
    return this.#live.get(num)?.run.row.id ?? this.#parked.get(num)?.id
  }

  add(run: LiveRun): void {
    const { num, id } = run.row
    this.#dropLive(num)
    const stands = this.#standings.enter(run.row)
    const live = new Live(run, this.#options.clock.now(), stands)
    this.#live.set(num, live)
    this.#bytes += live.bytes
    const former = this.#parked.get(num)?.former?.deref()
    if (former !== undefined) former.heir = run
    this.#dropParked(num)
    this.#nums.set(id, num)
  }

  /** A run that is open, and still on disk. */
  know(row: StandingRow & Pick<RunRow, 'num' | 'id'>): void {
    const { num, id } = row
    this.#park(num, id, null, this.#standings.enter(row))
    this.#nums.set(id, num)
  }

  /** Its row says now that it stands otherwise. */
  stands({ row }: LiveRun): void {
    const live = this.#live.get(row.num)
    if (live === undefined) return
    this.#standings.leave(live.stands)
    live.stands = this.#standings.enter(row)
  }

  /** The live run, which becomes the one used last. */
  use(num: number): LiveRun | undefined {
    const live = this.#live.get(num)
    if (live === undefined) return undefined
    const { liveRuns, liveBytes, idleMs, clock } = this.#options
    const now = clock.now()
    // Where there is room for all of them, their order need not be exact.
    if (this.#live.size > liveRuns / 2 || this.#bytes > liveBytes / 2 || now - live.usedAt > idleMs / 16)
      this.#toEnd(num, live, now)
    return live.run
  }

  /** The live run, for what is no use of it. */
  peek(num: number): LiveRun | undefined {
    return this.#live.get(num)?.run
  }

  /** A turn of it was written. */
  weigh(run: LiveRun): void {
    const live = this.#live.get(run.row.num)
    if (live === undefined) return
    const bytes = sizeOf(run)
    this.#bytes += bytes - live.bytes
    live.bytes = bytes
  }

  /** A live run that is to be brought back anew: what its old body still does concerns nobody any more. */
  shelve(row: StandingRow & Pick<RunRow, 'num' | 'id'>): void {
    const { num, id } = row
    const live = this.#live.get(num)
    const run = live?.run
    const machine = run && machineOfRun(run)
    if (run !== undefined) run.executor = { kind: 'frozen', seen: new Map(), machine }
    this.#dropLive(num)
    const isAskedFor = run !== undefined && machine?.undos.isEmpty === false
    this.#park(num, id, isAskedFor ? new WeakRef(run) : null, this.#standings.enter(row))
  }

  isParked(num: number): boolean {
    return this.#parked.has(num)
  }

  /** The number of an open run. */
  numOf(id: string): number | undefined {
    return this.#nums.get(id)
  }

  remove(num: number): void {
    const id = this.#live.get(num)?.run.row.id ?? this.#parked.get(num)?.id
    this.#dropLive(num)
    this.#dropParked(num)
    if (id !== undefined && this.#nums.get(id) === num) this.#nums.delete(id)
  }

  /**
   * Parks idle runs that memory should not hold, least recently used first, and looks at a few of them only.
   * @returns whether there may be more.
   */
  park(isIdle: (run: LiveRun) => boolean): boolean {
    const { clock, idleMs } = this.#options
    // Calls that wait for a service keep their runs here, perhaps many for long: to look at them again and again costs all others.
    if (this.#barren >= this.#live.size && this.#isCrowded() && ++this.#skipped % RARELY !== 0) return false
    const now = clock.now()
    let looked = 0
    for (const [num, live] of this.#live) {
      if (!this.#isCrowded() && now - live.usedAt < idleMs) return false
      if (++looked > LOOKS) return true
      if (isIdle(live.run)) {
        this.#barren = Math.max(0, Math.min(this.#barren, this.#live.size) - WORTH)
        this.shelve(live.run.row)
      } else {
        // One that cannot be parked (it is stuck, perhaps for long) goes to the end, or it would hide the others.
        this.#barren += 1
        this.#toEnd(num, live, now)
      }
    }
    return false
  }

  /** Parks those of these that are idle, as long as memory holds too much: they have just come, and nobody has used them. */
  parkNew(nums: readonly number[], isIdle: (run: LiveRun) => boolean): void {
    for (const num of nums) {
      if (!this.#isCrowded()) return
      const run = this.#live.get(num)?.run
      if (run !== undefined && isIdle(run)) this.shelve(run.row)
    }
  }

  #isCrowded(): boolean {
    return this.#live.size > this.#options.liveRuns || this.#bytes > this.#options.liveBytes
  }

  #toEnd(num: number, live: Live, now: number): void {
    this.#live.delete(num)
    this.#live.set(num, live)
    live.usedAt = now
  }

  #dropLive(num: number): void {
    const live = this.#live.get(num)
    if (live === undefined) return
    this.#bytes -= live.bytes
    this.#standings.leave(live.stands)
    this.#live.delete(num)
  }

  #park(num: number, id: string, former: Parked['former'], stands: Standings): void {
    this.#standings.leave(this.#parked.get(num)?.stands)
    this.#parked.set(num, { id, former, stands })
  }

  #dropParked(num: number): void {
    this.#standings.leave(this.#parked.get(num)?.stands)
    this.#parked.delete(num)
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

function sizeOf({ row, bytes }: LiveRun): number {
  return row.input.length + bytes
}
