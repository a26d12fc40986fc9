// One thing at a time that may end the process: before it is done, a mark in the store says which run it is done for;
// when it has passed, the mark goes, in the commit that brings the next one. So whoever was under way when a process
// died is known to the next one, at the cost of one commit each. All shards of a process wait in one line: what dies is the
// process, so that alone in a shard is not alone. Kept by Shards; suspects.ts says what is put on trial.
//
//   waiting --its turn, not before its time--> marked --durable--> under way --all passed--> over
//
// Trials of many runs may be under way as a group; a death then counts for none of them, and the next process takes those of
// the group apart. When nothing has been left to try for a minute, the process did not die young.
import type { Cancel, Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { elapsedOf } from './hold.ts'
import { asLeft } from './suspicion.ts'
import type { Writer } from './writer.ts'

/** Trials, one after the other, in which all that nobody has died of are made; and those of a group that somebody has. */
const GROUPS = 64
/** Life after which a process did not die young, from when there was nothing left to try. */
const STEADY_MS = 60_000

/**
 * What a mark says: in what a run was under way, and how many processes died while it alone was; below 0, how many others
 * were under way beside it when one died. In the store, that of a run that is not under way stands in brackets: so the next
 * process knows whether there was anybody to die of.
 */
export interface Mark {
  readonly what: string
  readonly deaths: number
}

/** A shard of which runs are on trial. */
export interface Party {
  readonly writer: Writer
  /** Its runs of which nothing was found at the take-over: as many of the process as there are decide on the groups. */
  unmarked: number
  /** The process did not die young. Nothing waits or is under way. */
  readonly steady: () => void
  /** Nothing of it is put on trial any more. */
  isOver: boolean
  /** Its runs are there, and what waited for them has been taken up. */
  isBack: boolean
}

/** Whether the last process of a shard died, and somebody of the shard was under way then. */
export type Death = 'none' | 'explained' | 'unexplained'

/** A run that may have ended a process. */
export interface Accused {
  readonly run: number
  readonly party: Party
  /** The mark that was found of it; it stands until the same has passed. */
  found: Mark | null
  /** With how many runs, itself included, it may be under way. Null: nothing was found of it. */
  readonly width: number | null
  /** Nobody of its shard was under way when the last process died: what was found counts if somebody of another shard was. */
  readonly isDoubtful: boolean
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
  /** Nothing else was to be tried for so long: whoever kills from outside strikes in it. */
  readonly quietMs: number
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
  #waiting: Trial[] = []
  /** Under way, and whether begun: the mark is durable. Those that have passed are taken out. */
  readonly #under = new Map<Trial, boolean>()
  /** Whose marks have been taken back, and may stand in the store yet: who dies next is not accused beside them. */
  readonly #leaving = new Set<Writer>()
  /** Groups that wait for these. */
  readonly #awaited = new Set<Awaited>()
  /** Somebody was under way when a process died: what was found of the others counts. */
  #isExplained = false
  #wake: Cancel | null = null
  /** Shards that have not lived for a minute without trials. */
  readonly #young = new Set<Party>()
  #minute: Cancel | null = null
  #isMinuteOver = false
  /** Since when nobody has been under way, nor has a shard come; null while somebody is. */
  #quietSince: number | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Of a shard that has been taken over. @param isYoung whether deaths of processes count, which a minute of life forgets. */
  join(party: Party, death: Death, isYoung: boolean): void {
    this.#parties.add(party)
    this.#quietSince = null
    if (death === 'explained') this.#isExplained = true
    if (isYoung) this.#isYoung(party)
    this.#next()
  }

  /** A shard has taken up its runs. */
  back(party: Party): void {
    party.isBack = true
    this.#next()
  }

  add(trial: Trial): void {
    // Whoever waits for it would wait for ever.
    if (trial.accused.party.isOver) return trial.failed(fault('APP_CLOSED'))
    this.#waiting.push(trial)
    // The rest of a run's trials comes as it gets there, perhaps much later: the minute does not begin anew for that.
    if (trial.kind === 'replay') this.#isYoung(trial.accused.party)
    this.#next()
  }

  /** Begins nothing more of a shard. What is under way is left as it was found; answers with what has not begun. */
  stop(party: Party): readonly Trial[] {
    party.isOver = true
    this.#parties.delete(party)
    this.#young.delete(party)
    if (this.#young.size === 0) this.#endMinute()
    const left: Trial[] = []
    for (const [trial, isBegun] of this.#under) {
      if (trial.accused.party !== party) continue
      this.#under.delete(trial)
      this.leave(trial.accused)
      if (!isBegun) left.push(trial)
    }
    left.push(...this.#waiting.filter(({ accused }) => accused.party === party))
    this.#waiting = this.#waiting.filter(({ accused }) => accused.party !== party)
    if (this.#waiting.length === 0) this.#wake?.()
    for (const awaited of this.#awaited) this.#told(awaited, party.writer)
    this.#leaving.delete(party.writer)
    // Whoever kills the process in its grace must not find a mark of what was taken back.
    party.writer.flush()
    this.#next()
    return left
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
    party.writer.rows.suspects.push({ run, what: asLeft(found.what), deaths: found.deaths })
  }

  /** What goes is taken before what is marked, in one batch: a mark that is not sealed yet must not outlive its end. */
  #unwrite({ run, party }: Accused): void {
    const { suspects } = party.writer.rows
    const index = suspects.findIndex((one) => one.run === run)
    if (index >= 0) suspects.splice(index, 1)
  }

  #next(): void {
    if (this.#under.size > 0) return
    const now = elapsedOf(this.#clock)
    this.#quietSince ??= now
    if (this.#waiting.length === 0) return this.#idle()
    const quietMs = now - this.#quietSince
    const group = this.#takeGroup(quietMs)
    if (group.length === 0) return this.#wait(quietMs)
    this.#quietSince = null
    for (const trial of group) {
      this.#under.set(trial, false)
      const { accused, what } = trial
      if (accused.isDoubtful && !this.#isExplained) accused.found = null
      const deaths = group.length > 1 ? 1 - group.length : Math.max(0, accused.found?.deaths ?? 0) + 1
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
   * The first that may go, and with it others like it: what was brought back need not wait for an effect. Whoever asks for less
   * quiet goes before; then replays before turns, and those before effects: who opens a shard waits for the first.
   */
  #takeGroup(quietMs: number): readonly Trial[] {
    const least = this.#leastQuiet()
    if (least > quietMs) return []
    const ready = this.#waiting.filter((trial) => trial.quietMs === least)
    const kind = KINDS.find((one) => ready.some((trial) => trial.kind === one))
    const alike = ready.filter((trial) => trial.kind === kind)
    const width = alike[0]?.accused.width ?? null
    const most = width ?? widthOf([...this.#parties].reduce((sum, { unmarked }) => sum + unmarked, 0))
    const group = new Map<Accused, Trial>()
    for (const trial of alike) {
      if (group.size >= most) break
      const { accused } = trial
      if (accused.width === width && !group.has(accused)) group.set(accused, trial)
    }
    this.#waiting = this.#waiting.filter((trial) => group.get(trial.accused) !== trial)
    return [...group.values()]
  }

  #leastQuiet(): number {
    return this.#waiting.reduce((least, { quietMs }) => Math.min(least, quietMs), Infinity)
  }

  /** There is nothing left to try: a minute from then, and the first moment behind it in which that is so again. */
  #idle(): void {
    // What a shard that is not back yet will do is still to be tried.
    if (this.#young.size === 0 || [...this.#parties].some(({ isBack }) => !isBack)) return
    if (!this.#isMinuteOver) {
      this.#minute ??= this.#clock.after(STEADY_MS, () => {
        this.#isMinuteOver = true
        this.#next()
      })
      return
    }
    const young = [...this.#young]
    this.#young.clear()
    this.#endMinute()
    this.#isExplained = false
    for (const party of young) {
      party.unmarked = 0
      party.steady()
    }
  }

  #isYoung(party: Party): void {
    this.#young.add(party)
    this.#endMinute()
  }

  #endMinute(): void {
    this.#minute?.()
    this.#minute = null
    this.#isMinuteOver = false
  }

  #wait(quietMs: number): void {
    this.#wake?.()
    this.#wake = this.#clock.after(this.#leastQuiet() - quietMs, () => this.#next())
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

/** With how many runs each of these may be under way, itself included. */
export function widthOf(count: number): number {
  return Math.max(1, Math.ceil(count / GROUPS))
}
