// Whose turn is next: a line of turns for each workflow, served in deficit round robin, so that a flood of one workflow
// does not keep the turns of another waiting. A run belongs to one workflow, and a line keeps its order. A visit is paid
// for afterwards, by what the turns have written; a line that overdraws is passed over until it has earned that back.
// Used by the pump (pump.ts) alone.
import { invariant } from '../core/errors.ts'
import { LooseMap } from '../core/loose-map.ts'

/** Earned by a line whenever the round comes to it. A turn costs 1, and 1 for each command that it issued. */
export const QUANTUM = 8
/** A turn costs no more, whatever it wrote: a line that overdrew is served again after so many rounds at the latest. */
const COST_MOST = 64 * QUANTUM
/** Taken turns that an array holds on to before it is cut. */
const TAKEN_KEPT = 8192

interface Line<Job> {
  readonly name: string
  jobs: Job[]
  /** When each was added. */
  times: number[]
  next: number
  /** What it may still spend in this visit; below zero, what it has overdrawn. */
  credit: number
}

/** The turns that wait, by workflow. */
export class TurnQueue<Job extends object> {
  /** Lines with turns, and those that owe. */
  readonly #lines = new LooseMap<string, Line<Job>>()
  /** Lines with turns, in the order of the round. */
  readonly #round: Line<Job>[] = []
  #at = 0
  /** Whether the line at `#at` has earned what this visit is worth. */
  #hasEarned = false
  #paying: Line<Job> | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Workflows with turns that wait. */
  get lines(): number {
    return this.#round.length
  }

  /** @param now milliseconds. */
  add(name: string, job: Job, now: number): void {
    let line = this.#lines.get(name)
    if (line === undefined) {
      line = { name, jobs: [], times: [], next: 0, credit: 0 }
      this.#lines.set(name, line)
    }
    if (line.jobs.length === line.next) this.#round.push(line)
    line.jobs.push(job)
    line.times.push(now)
    this.#size += 1
  }

  /** Takes the next turn; `pay` follows. */
  take(): Job {
    const line = this.#lineInTurn()
    const job = line.jobs[line.next++]
    invariant(job !== undefined, 'a line in the round has a turn')
    this.#paying = line
    line.jobs[line.next - 1] = undefined as never
    this.#size -= 1
    if (line.next === line.jobs.length) {
      line.jobs = []
      line.times = []
      line.next = 0
      this.#round.splice(this.#at, 1)
      this.#hasEarned = false
    } else if (line.next > TAKEN_KEPT) {
      line.jobs = line.jobs.slice(line.next)
      line.times = line.times.slice(line.next)
      line.next = 0
    }
    return job
  }

  /** What the turn taken last has cost. */
  pay(cost: number): void {
    const line = this.#paying
    if (line === null) return
    this.#paying = null
    line.credit -= Math.min(cost, COST_MOST)
    const isEmpty = line.jobs.length === line.next
    // Nothing is saved up while there is nothing to do; what was overdrawn stays owed.
    if (isEmpty && line.credit >= 0) this.#lines.delete(line.name)
  }

  /** When the turn that has waited longest was added, of one workflow or of all; null when none waits. */
  oldest(name: string | null): number | null {
    if (name !== null) return oldestOf(this.#lines.get(name))
    let oldest: number | null = null
    for (const line of this.#round) {
      const time = oldestOf(line)
      if (time !== null && (oldest === null || time < oldest)) oldest = time
    }
    return oldest
  }

  /** Turns of one workflow that wait. */
  sizeOf(name: string): number {
    const line = this.#lines.get(name)
    return line === undefined ? 0 : line.jobs.length - line.next
  }

  #lineInTurn(): Line<Job> {
    for (;;) {
      if (this.#at >= this.#round.length) this.#at = 0
      const line = this.#round[this.#at]
      invariant(line !== undefined, 'a turn is taken only when one waits')
      if (!this.#hasEarned) line.credit = Math.min(line.credit + QUANTUM, QUANTUM)
      this.#hasEarned = line.credit > 0
      if (this.#hasEarned) return line
      this.#at += 1
    }
  }
}

function oldestOf(line: Line<object> | undefined): number | null {
  return line?.times[line.next] ?? null
}
