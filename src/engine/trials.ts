// One thing at a time that may end the process: before it is done, a mark in the store says which run it is done for;
// when it has passed, the mark goes, in the commit that brings the next one. So whoever was under way when a process
// died is known to the next one, at the cost of one commit each. All shards of a process wait in one line: what dies is the
// process, so that alone in a shard is not alone. Kept by Shards; suspects.ts says what is put on trial.
//
//   waiting --its turn, not before its time--> marked --durable--> under way --all passed--> over
//
// Trials whose runs have not been suspected before may be under way as a group; a death then counts for none of them, and
// the next process takes those of the group apart.
import type { Cancel, Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Writer } from './writer.ts'

/** Trials, one after the other, in which all that nobody has died of are made. */
const GROUPS = 64

/**
 * What a mark says: in what a run was under way, and how many processes died while it alone was. In the store, that of a
 * run that is not under way stands in brackets: so the next process knows whether there was anybody to die of.
 */
export interface Mark {
  readonly what: string
  readonly deaths: number
}

/** What was found of a run: nothing, that it was under way with others, or that a process died of it alone. */
export type Standing = 'unmarked' | 'grouped' | 'alone'

/** A shard of which runs are on trial. */
export interface Party {
  readonly writer: Writer
  /** Its runs at the take-over, by what was found of them: as many of the process as there are decide on the groups. */
  readonly counts: Readonly<Record<Standing, number>>
  /**
   * Whether its last process died, and somebody of it was under way then. Where nobody was, of no other shard either,
   * nothing that was found here counts.
   */
  readonly death: 'none' | 'explained' | 'unexplained'
  /** Nothing of it is put on trial any more. */
  isOver: boolean
}

/** A run that may have ended a process. */
export interface Accused {
  readonly run: number
  readonly party: Party
  /** The mark that was found of it; it stands until the same has passed. */
  found: Mark | null
  readonly standing: Standing
}

const KINDS = ['replay', 'turn', 'effect'] as const

/** Something that is done for a run under a mark. */
export interface Trial {
  readonly accused: Accused
  readonly kind: (typeof KINDS)[number]
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

interface Awaited {
  readonly writers: Set<Writer>
  readonly marked: () => void
}

export class Trials {
  readonly #clock: Clock
  readonly #parties = new Set<Party>()
  readonly #waiting: Trial[] = []
  /** Under way, and whether begun: the mark is durable. Those that have passed are taken out. */
  readonly #under = new Map<Trial, boolean>()
  /** Whose marks have been taken back, and may stand in the store yet: who dies next is not accused beside them. */
  readonly #leaving = new Set<Writer>()
  /** Groups that wait for these. */
  readonly #awaited = new Set<Awaited>()
  /** Somebody was under way when a process died: what was found of the others counts. */
  #isExplained = false
  #wake: Cancel | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Of a shard that has been taken over. */
  join(party: Party): void {
    this.#parties.add(party)
    if (party.death === 'explained') this.#isExplained = true
  }

  add(trial: Trial): void {
    // Whoever waits for it would wait for ever.
    if (trial.accused.party.isOver) return trial.failed(fault('APP_CLOSED'))
    this.#waiting.push(trial)
    this.#next()
  }

  /** Begins nothing more of a shard. What is under way is left as it was found; answers with what has not begun. */
  stop(party: Party): readonly Trial[] {
    party.isOver = true
    this.#parties.delete(party)
    const left: Trial[] = []
    for (const [trial, isBegun] of this.#under) {
      if (trial.accused.party !== party) continue
      this.#under.delete(trial)
      this.leave(trial.accused)
      if (!isBegun) left.push(trial)
    }
    for (const trial of this.#waiting.splice(0))
      if (trial.accused.party === party) left.push(trial)
      else this.#waiting.push(trial)
    if (this.#waiting.length === 0) this.#wake?.()
    for (const awaited of this.#awaited) this.#told(awaited, party.writer)
    this.#leaving.delete(party.writer)
    this.#next()
    return left
  }

  /** Ends the trials of a shard: what waits goes without a mark. */
  release(party: Party): void {
    for (const trial of this.stop(party)) begin(trial, () => void trial.over())
  }

  /** The mark of a run goes with the next commit of its shard. */
  clear(accused: Accused): void {
    accused.found = null
    this.#unwrite(accused)
    accused.party.writer.rows.suspectsGone.push(accused.run)
  }

  /** What was found of a run stands, and it is not under way. */
  leave(accused: Accused): void {
    const { run, found, party } = accused
    if (found === null) return this.clear(accused)
    this.#unwrite(accused)
    party.writer.rows.suspects.push({ run, what: `(${found.what})`, deaths: found.deaths })
  }

  /** What goes is taken before what is marked, in one batch: a mark that is not sealed yet must not outlive its end. */
  #unwrite({ run, party }: Accused): void {
    const { suspects } = party.writer.rows
    const index = suspects.findIndex((one) => one.run === run)
    if (index >= 0) suspects.splice(index, 1)
  }

  #next(): void {
    if (this.#under.size > 0 || this.#waiting.length === 0) return
    const group = this.#takeGroup()
    if (group.length === 0) return this.#wait()
    for (const trial of group) {
      this.#under.set(trial, false)
      const { accused, what } = trial
      if (accused.party.death === 'unexplained' && !this.#isExplained) accused.found = null
      const deaths = (accused.found?.deaths ?? 0) + (group.length === 1 ? 1 : 0)
      this.#unwrite(accused)
      accused.party.writer.rows.suspects.push({ run: accused.run, what, deaths })
    }
    this.#whenMarked(group, () => {
      for (const trial of group) {
        if (!this.#under.has(trial)) continue
        this.#under.set(trial, true)
        begin(trial, () => this.#passed(trial))
      }
    })
  }

  /** Calls back when the marks of a group are durable, and those of the one before are gone. A shard that fails is not waited for. */
  #whenMarked(group: readonly Trial[], marked: () => void): void {
    const writers = new Set([...this.#leaving, ...group.map(({ accused }) => accused.party.writer)])
    const awaited: Awaited = { writers, marked }
    this.#awaited.add(awaited)
    for (const writer of writers) {
      const failed = (error: Error): void => {
        for (const party of this.#parties)
          if (party.writer === writer) for (const trial of this.stop(party)) trial.failed(error)
        this.#told(awaited, writer)
      }
      const durable = (): void => {
        this.#leaving.delete(writer)
        this.#told(awaited, writer)
      }
      writer.acknowledgement(durable, failed)
    }
  }

  /** What a shard has to write for a group is durable, or it never will be. */
  #told(awaited: Awaited, writer: Writer): void {
    if (!awaited.writers.delete(writer) || awaited.writers.size > 0) return
    this.#awaited.delete(awaited)
    awaited.marked()
  }

  /**
   * The first that may go, and with it others like it: what was brought back need not wait for an effect. Replays go before
   * turns, and those before effects: whoever opens a shard waits for the first.
   */
  #takeGroup(): readonly Trial[] {
    const now = this.#clock.now()
    const ready = this.#waiting.filter(({ notBefore }) => notBefore <= now)
    const kind = KINDS.find((one) => ready.some((trial) => trial.kind === one))
    const alike = ready.filter((trial) => trial.kind === kind)
    const standing = alike[0]?.accused.standing ?? 'alone'
    const width = this.#widthOf(standing)
    const group = new Map<Accused, Trial>()
    for (const trial of alike) {
      if (group.size === width) break
      const { accused } = trial
      if (accused.standing === standing && !group.has(accused)) group.set(accused, trial)
    }
    for (const trial of group.values()) this.#waiting.splice(this.#waiting.indexOf(trial), 1)
    return [...group.values()]
  }

  /** With how many others a run may be under way, itself included. */
  #widthOf(standing: Standing): number {
    if (standing === 'alone') return 1
    let count = 0
    for (const { counts } of this.#parties) count += counts[standing]
    return Math.max(1, Math.ceil(count / GROUPS))
  }

  #wait(): void {
    const soonest = Math.min(...this.#waiting.map(({ notBefore }) => notBefore))
    this.#wake?.()
    this.#wake = this.#clock.after(soonest - this.#clock.now(), () => this.#next())
  }

  #passed(trial: Trial): void {
    if (!this.#under.delete(trial)) return
    const { accused, what } = trial
    const { writer } = accused.party
    const isCleared = trial.over()
    if (isCleared || accused.found === null || accused.found.what === what) this.clear(accused)
    else this.leave(accused)
    this.#leaving.add(writer)
    this.#next()
    writer.flush()
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
