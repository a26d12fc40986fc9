// One thing at a time that may end the process: before it is done, a mark in the store says which run it is done for;
// when it has passed, the mark goes, in the commit that brings the next one. So whoever was under way when a process
// died is known to the next one, at the cost of one commit each. Owned by suspects.ts, which says what is put on trial.
//
//   waiting --its turn, not before its time--> marked --durable--> under way --all passed--> over
//
// Trials whose runs have not been suspected before may be under way as a group (`width`); a death then counts for none
// of them, and the next process takes those of the group apart.
import type { Cancel, Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Writer } from './writer.ts'

/**
 * What a mark says: in what a run was under way, and how many processes died while it alone was. In the store, that of a
 * run that is not under way stands in brackets: so the next process knows whether there was anybody to die of.
 */
export interface Mark {
  readonly what: string
  readonly deaths: number
}

/** A run that may have ended a process. */
export interface Accused {
  readonly run: number
  /** The mark that was found of it; it stands until the same has passed. */
  found: Mark | null
  /** With how many others it may be under way, itself included. */
  readonly width: number
}

/** Something that is done for a run under a mark. */
export interface Trial {
  readonly accused: Accused
  readonly kind: 'replay' | 'turn' | 'effect'
  /** In words, for the mark. */
  readonly what: string
  /** Each is begun when the mark is durable, and tells when it has passed. */
  readonly works: ((passed: () => void) => void)[]
  readonly notBefore: number
  /** All of it has passed. Returns whether nothing of what was found stands any longer. */
  readonly over: () => boolean
  /** It will not be begun: the shard has failed. */
  readonly failed: (error: Error) => void
}

export class Trials {
  readonly #clock: Clock
  readonly #writer: Writer
  readonly #waiting: Trial[] = []
  /** Under way, and whether begun: the mark is durable. Those that have passed are taken out. */
  readonly #under = new Map<Trial, boolean>()
  #wake: Cancel | null = null
  #stopped = false

  constructor(clock: Clock, writer: Writer) {
    this.#clock = clock
    this.#writer = writer
  }

  add(trial: Trial): void {
    // Whoever waits for it would wait for ever.
    if (this.#stopped) return trial.failed(fault('APP_CLOSED'))
    this.#waiting.push(trial)
    this.#next()
  }

  /** Begins nothing more. What is under way is left as it was found; answers with what has not begun. */
  stop(): readonly Trial[] {
    this.#stopped = true
    this.#wake?.()
    const under = [...this.#under]
    this.#under.clear()
    for (const [{ accused }] of under) this.leave(accused)
    const marked = under.flatMap(([trial, isBegun]) => (isBegun ? [] : [trial]))
    return [...marked, ...this.#waiting.splice(0)]
  }

  /** Ends all trials: what waits goes without a mark. */
  release(): void {
    for (const trial of this.stop()) begin(trial, () => void trial.over())
  }

  /** The mark of a run goes with the next commit. */
  clear(accused: Accused): void {
    accused.found = null
    this.#unwrite(accused)
    this.#writer.rows.suspectsGone.push(accused.run)
  }

  /** What was found of a run stands, and it is not under way. */
  leave(accused: Accused): void {
    const { run, found } = accused
    if (found === null) return this.clear(accused)
    this.#unwrite(accused)
    this.#writer.rows.suspects.push({ run, what: `(${found.what})`, deaths: found.deaths })
  }

  /** What goes is taken before what is marked, in one batch: a mark that is not sealed yet must not outlive its end. */
  #unwrite({ run }: Accused): void {
    const { suspects } = this.#writer.rows
    const index = suspects.findIndex((one) => one.run === run)
    if (index >= 0) suspects.splice(index, 1)
  }

  #next(): void {
    if (this.#stopped || this.#under.size > 0 || this.#waiting.length === 0) return
    const group = this.#takeGroup()
    if (group.length === 0) return this.#wait()
    for (const trial of group) {
      this.#under.set(trial, false)
      const { accused, what } = trial
      const deaths = (accused.found?.deaths ?? 0) + (group.length === 1 ? 1 : 0)
      this.#unwrite(accused)
      this.#writer.rows.suspects.push({ run: accused.run, what, deaths })
    }
    const go = (): void => {
      for (const trial of group) {
        if (!this.#under.has(trial)) continue
        this.#under.set(trial, true)
        begin(trial, () => this.#passed(trial))
      }
    }
    const failed = (error: Error): void => {
      for (const trial of this.stop()) trial.failed(error)
    }
    this.#writer.acknowledgement(go, failed)
  }

  /** The first that may go, and with it others like it: what was brought back need not wait for an effect. */
  #takeGroup(): readonly Trial[] {
    const now = this.#clock.now()
    const ready = this.#waiting.filter(({ notBefore }) => notBefore <= now)
    const [first] = ready
    const group: Trial[] = []
    for (const trial of ready) {
      if (group.length === first?.accused.width) break
      const isAlike = trial.accused.width === first?.accused.width && trial.kind === first.kind
      if (isAlike && !group.some(({ accused }) => accused === trial.accused)) group.push(trial)
    }
    for (const trial of group) this.#waiting.splice(this.#waiting.indexOf(trial), 1)
    return group
  }

  #wait(): void {
    const soonest = Math.min(...this.#waiting.map(({ notBefore }) => notBefore))
    this.#wake?.()
    this.#wake = this.#clock.after(soonest - this.#clock.now(), () => this.#next())
  }

  #passed(trial: Trial): void {
    if (!this.#under.delete(trial)) return
    const { accused, what } = trial
    const isCleared = trial.over()
    if (isCleared || accused.found === null || accused.found.what === what) this.clear(accused)
    else this.leave(accused)
    this.#next()
    this.#writer.flush()
  }
}

function begin({ works }: Trial, passed: () => void): void {
  let left = works.length
  for (const work of works) {
    let isOver = false
    work(() => {
      if (isOver) return
      isOver = true
      left -= 1
      if (left === 0) passed()
    })
  }
}
