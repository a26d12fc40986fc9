// One thing at a time that may end the process: before it is done, a mark in the store says which run it is done for;
// when it has passed, the mark goes, in the commit that brings the next one. So whoever was under way when a process
// died is known to the next one, at the cost of one commit each. All shards of a process wait in one line: what dies is the
// process, so that alone in a shard is not alone. Kept by Shards; suspects.ts says what is put on trial.
//
//   waiting --its turn, not before its time--> marked --durable--> under way --all passed--> over
//
// Trials of many runs may be under way as a group; a death then counts for none of them, and the next process takes those of
// the group apart. When nothing has been left to try for a minute, the process did not die young.
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { asLeft } from './suspicion.ts'
import { TrialLines } from './trial-lines.ts'
import type { Accused, Party, Trial } from './trial.ts'
import type { Writer } from './writer.ts'

/** Trials, one after the other, in which all that nobody has died of are made; and those of a group that somebody has. */
const GROUPS = 64
/** Life after which a process did not die young, from when there was nothing left to try. */
const STEADY_MS = 60_000

/** Whether the last process of a shard died, and somebody of the shard was under way then. */
export type Death = 'none' | 'explained' | 'unexplained'

interface Awaited {
  readonly writers: Set<Writer>
  readonly marked: () => void
}

export class Trials {
  readonly #clock: Clock
  readonly #parties = new Set<Party>()
  readonly #waiting = new TrialLines()
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
    this.#waiting.add(trial)
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
    left.push(...this.#waiting.drop(party))
    if (this.#waiting.isEmpty) this.#wake?.()
    for (const awaited of this.#awaited) this.#told(awaited, party.writer)
    this.#leaving.delete(party.writer)
    // Whoever kills the process in its grace must not find a mark of what was taken back.
    party.writer.flush()
    this.#next()
    return left
  }

  /** The mark of a run goes with the next commit of its shard. */
  clear(accused: Accused): void {
    const { run, party } = accused
    accused.found = null
    // What goes is taken before what is marked, in one batch: a mark that is not sealed yet must not outlive its end.
    party.writer.rows.marks.delete(run)
    party.writer.rows.suspectsGone.push(run)
  }

  /** What was found of a run stands, and it is not under way. */
  leave(accused: Accused): void {
    const { run, found, party } = accused
    if (found === null) return this.clear(accused)
    party.writer.rows.marks.set(run, { run, what: asLeft(found.what), deaths: found.deaths })
  }

  #next(): void {
    if (this.#under.size > 0) return
    const now = elapsedOf(this.#clock)
    this.#quietSince ??= now
    if (this.#waiting.isEmpty) return this.#idle()
    const quietMs = now - this.#quietSince
    const unmarked = [...this.#parties].reduce((sum, party) => sum + party.unmarked, 0)
    const group = this.#waiting.take(quietMs, widthOf(unmarked))
    if (group.length === 0) return this.#wait(quietMs)
    this.#quietSince = null
    for (const trial of group) {
      this.#under.set(trial, false)
      const { accused, what } = trial
      const { run, party } = accused
      if (accused.isDoubtful && !this.#isExplained) accused.found = null
      const deaths = group.length > 1 ? 1 - group.length : Math.max(0, accused.found?.deaths ?? 0) + 1
      party.writer.rows.marks.set(run, { run, what, deaths })
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
    this.#wake = this.#clock.after(this.#waiting.leastQuietMs - quietMs, () => this.#next())
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
