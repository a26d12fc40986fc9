// Which runs may have ended the process, and what is therefore done for them one at a time (trials.ts), until one that
// has ended three processes is left alone. Nothing here costs anything while processes end well, or die once in a while:
// all begins at the second take-over in a row from a process that neither ended well nor lived for a minute.
//
// A run that was open at such a take-over is guarded: bringing it back, its first turn after that, and the first attempt
// of each effect that was under way are on trial, each under a mark {what, deaths}. A run without a guard is not.
//
//   mark that was found     what is done for the run                               its mark while it is under way
//   none                    on trial in its turn, with others when there are many  {what, 1}, or -n beside n others
//   -n deaths               the same, with a 64th of those                         {what, 1}, or -n beside n others
//   1 or 2 deaths           on trial when 10 s or 30 s have passed, alone          {what, deaths + 1}
//   3 deaths                nothing: the run is stuck (`poisoned`), frozen         none: its row says it
//   a person retries that   on trial at once, alone                                {what, 3}
//   any, and the last process died while nobody was under way: none of them does that, and all marks go
//
// It has passed when it was brought back; when its turn is durable; when the attempt was answered, or has taken a second.
// A mark goes when what it names has passed, when the run's first turn has, or when the process has lived for a minute
// since there was nothing left to try: then all marks go, and the store counts crashes anew.
//
// What is on trial has to be durable. So after a process has died a turn that begins a run, or takes what somebody outside
// said to it, waits until that is (deliveries.ts, written-first.ts): the next process meets it again, and first of all, even
// where whoever sent it never would again. ADR 18 says why, and what it costs.
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Store, StoreInfo, SuspectRow, Tenure } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import type { Watched } from './effects.ts'
import type { LiveRun } from './live-run.ts'
import { orFailure } from './run-rows.ts'
import { isOutOfReach } from './store-faults.ts'
import { asLeft, leftFor, RETRY } from './suspicion.ts'
import type { OpenRuns } from './open-runs.ts'
import type { Pump, TurnJob } from './pump.ts'
import type { Accused, Mark, Party, Trial } from './trial.ts'
import { widthOf, type Death, type Trials } from './trials.ts'
import type { Writer } from './writer.ts'
import { WrittenFirst } from './written-first.ts'

/** Deaths of processes while it alone was under way, after which a run is left alone. */
const DEATHS = 3
/** Take-overs in a row from processes that died young, from which on every open run is suspected. */
const CAREFUL_FROM = 2
/** An attempt that takes longer has passed: a long call is neither accused nor holds up the others. */
const ATTEMPT_MS = 1000
/** Life without a suspect before it is tried again, by its deaths: whoever kills from outside strikes in it. */
const QUIET_MS = [0, 10_000, 30_000] as const
/** Life after the death of another process in which what comes from outside is durable before its turn. */
const WARY_MS = 3_600_000
/** Before it is said once more that the process did not die young, which the store has not taken. */
const NOTE_AGAIN_MS = 20_000

export interface SuspectsOptions {
  readonly clock: Clock
  readonly store: Store
  readonly tenure: Tenure
  readonly info: Pick<StoreInfo, 'shards'>
  /** Of the process. */
  readonly trials: Trials
  readonly writer: Writer
  readonly pump: Pick<Pump, 'add'>
  readonly log: Log
  readonly open: Pick<OpenRuns, 'use' | 'isParked'>
  readonly onFailure: (error: unknown) => void
}

interface Guard extends Accused {
  /** Its first turn: not yet there, on trial, or done or being done. */
  turn: 'none' | 'waits' | 'taken'
  /** Turns that wait for the first one's trial, in order. */
  readonly held: TurnJob[]
  /** Effects that wait for their trial. */
  effects: Trial | null
  trials: number
}

/** What is known of a run that is to be guarded: by default nothing, and it is tried on its own. */
interface Known extends Partial<Pick<Guard, 'width' | 'isDoubtful'>> {
  readonly mark?: Mark | undefined
}

/** The runs of a shard that are suspected. */
export class Suspects {
  readonly #options: SuspectsOptions
  readonly #guards = new Map<number, Guard>()
  readonly #party: Party
  readonly #written: WrittenFirst
  #isCareful: boolean
  /** By `elapsed` of the clock. */
  #waryUntil: number
  #stopped = false
  #noting: Cancel | null = null

  constructor(options: SuspectsOptions) {
    this.#options = options
    this.#party = { writer: options.writer, unmarked: 0, steady: () => this.#steady(), isOver: false, isBack: false }
    this.#written = new WrittenFirst(options.writer, options.pump)
    this.#isCareful = Math.abs(options.tenure.crashes) >= CAREFUL_FROM
    this.#waryUntil = options.tenure.crashes === 0 ? -Infinity : elapsedOf(options.clock) + WARY_MS
  }

  /** Whether what comes from outside is to be durable before its turn: it may be what processes die of. */
  get isWary(): boolean {
    return this.#isCareful || elapsedOf(this.#options.clock) < this.#waryUntil
  }

  /**
   * Decides about all open runs at a take-over, in their order. Returns those that are left alone from now on, with what
   * they did, and those that are to be brought back on trial; the rest is brought back as ever.
   */
  async takeOver(open: readonly number[]): Promise<{
    readonly poisoned: ReadonlyMap<number, SuspectRow>
    readonly tried: readonly number[]
  }> {
    const { log, trials } = this.#options
    const crashes = Math.abs(this.#options.tenure.crashes)
    const known = new Set(open)
    const { found, death } = await this.#findMarks(known)
    // Nothing is brought back where it would wait for ever.
    if (this.#stopped) throw fault('APP_CLOSED')
    const poisoned = new Map([...found].filter(([, { deaths }]) => deaths >= DEATHS))
    this.#party.unmarked = this.#isCareful ? open.length - found.size : 0
    trials.join(this.#party, death, crashes > 0)
    const isDoubtful = death === 'unexplained'
    const tried = open.filter((run) => !poisoned.has(run) && (this.#isCareful || found.has(run)))
    for (const run of tried) {
      const mark = found.get(run)
      const guard = this.#guard(run, { mark, width: mark === undefined ? null : widthAfter(mark), isDoubtful })
      if (mark !== undefined) trials.leave(guard)
    }
    if (tried.length > 0)
      log.warn(
        `${deathsWords(crashes)}: ${tried.length} open runs are taken up one after the other, to find out which does that`,
      )
    // Those that are suspected least go first, so that most of the runs go on whatever the others do.
    const order = (run: number): number => found.get(run)?.deaths ?? -Infinity
    return { poisoned, tried: tried.toSorted((a, b) => order(a) - order(b) || 0) }
  }

  /**
   * Brings a run back on trial, at once if it `isRetried`.
   * @returns null for one that is tried after a time only: nobody waits for that.
   */
  bringBack(run: number, work: () => Promise<void>, isRetried: boolean): Promise<void> | null {
    const guard = this.#guards.get(run) ?? this.#guard(run)
    const quietMs = isRetried ? 0 : (QUIET_MS[guard.found?.deaths ?? 0] ?? 0)
    const back = new Promise<void>((resolve, reject) => {
      this.#try(guard, 'replay', 'its replay', {
        works: [
          (passed) => {
            work().then(() => {
              passed()
              resolve()
            }, reject)
          },
        ],
        quietMs,
        failed: reject,
      })
    })
    if (quietMs === 0) return back
    back.catch(() => {})
    return null
  }

  /** A person tries a poisoned run again: one more death, and it is left alone as before. */
  retry(run: number): void {
    this.#guards.delete(run)
    this.#guard(run, { mark: { what: RETRY, deaths: DEATHS - 1 } })
  }

  /**
   * Queues a turn of a run; the first one of a guarded run waits for its trial, and others behind it.
   * @param isFresh what it is given was written just now, and is to be durable before.
   */
  turn(run: LiveRun, job: TurnJob, isFresh = false): void {
    const { num } = run.row
    const guard = this.#guards.get(num)
    if (guard === undefined || guard.turn === 'taken') {
      if (isFresh || this.#written.has(num)) return this.#written.add(num, job)
      return this.#options.pump.add(job)
    }
    guard.held.push(job)
    if (guard.turn === 'waits') return
    guard.turn = 'waits'
    this.#try(guard, 'turn', `turn ${run.turns}`, { works: [(passed) => this.#release(guard, passed)] })
  }

  /** Begins the first attempt of an effect; one of a guarded run waits for its trial. */
  effect(run: number, op: string, begin: (watched?: Watched) => void): void {
    const guard = this.#guards.get(run)
    if (guard === undefined) return begin()
    const work = (passed: () => void): void => {
      guard.effects = null
      let cancel: Cancel = () => {}
      begin({
        // It may have to wait for a lease.
        begun: () => (cancel = this.#options.clock.after(ATTEMPT_MS, passed)),
        passed: () => {
          cancel()
          passed()
        },
      })
    }
    if (guard.effects === null) this.#try(guard, 'effect', `effect ${op}`, { works: [work] })
    else guard.effects.works.push(work)
  }

  /** All runs are back. */
  recovered(): void {
    this.#options.trials.back(this.#party)
  }

  /**
   * Nothing more is put on trial; turns that wait for one are made, because what was taken is delivered.
   * @returns the deaths that count on for the next owner of the shard: nobody has found out what did them.
   */
  close(): number {
    const crashes = this.#isCareful ? Math.abs(this.#options.tenure.crashes) : 0
    this.#stopped = true
    this.#noting?.()
    this.#isCareful = false
    this.#waryUntil = -Infinity
    for (const trial of this.#options.trials.stop(this.#party)) trial.failed(fault('APP_CLOSED'))
    const guards = [...this.#guards.values()]
    this.#guards.clear()
    for (const guard of guards) if (guard.held.length > 0) this.#release(guard, () => {})
    this.#written.release()
    return crashes
  }

  #guard(run: number, known: Known = {}): Guard {
    const { mark, width = 1, isDoubtful = false } = known
    const found = mark === undefined ? null : { what: mark.what, deaths: mark.deaths }
    const accused = { run, party: this.#party, found, width, isDoubtful }
    const guard: Guard = { ...accused, turn: 'none', held: [], effects: null, trials: 0 }
    this.#guards.set(run, guard)
    return guard
  }

  #try(guard: Guard, kind: Trial['kind'], what: string, part: Pick<Trial, 'works'> & Partial<Trial>): void {
    guard.trials += 1
    const trial: Trial = {
      accused: guard,
      kind,
      what,
      quietMs: 0,
      over: () => {
        guard.trials -= 1
        if (kind === 'turn') guard.turn = 'taken'
        const isFree = guard.turn === 'taken' && guard.trials === 0
        if (isFree && this.#guards.get(guard.run) === guard) this.#guards.delete(guard.run)
        return isFree || !this.#isOpen(guard.run)
      },
      failed: () => {},
      ...part,
    }
    if (kind === 'effect') guard.effects = trial
    this.#options.trials.add(trial)
  }

  #isOpen(run: number): boolean {
    const { open } = this.#options
    return open.use(run) !== undefined || open.isParked(run)
  }

  /** Queues what waited, the first turn before something that tells when that has been closed. */
  #release(guard: Guard, passed: () => void): void {
    const { pump } = this.#options
    const [first, ...others] = guard.held.splice(0)
    guard.turn = 'taken'
    if (first !== undefined) pump.add(first)
    pump.add({ workflow: first?.workflow ?? '', begin: () => {}, end: passed })
    for (const job of others) pump.add(job)
  }

  /** The marks of these runs, as far as they stand. One of another namespace is not ours. */
  async #findMarks(open: ReadonlySet<number>): Promise<{
    readonly found: ReadonlyMap<number, SuspectRow>
    readonly death: Death
  }> {
    const { store, info, tenure, writer } = this.#options
    const found = new Map<number, SuspectRow>()
    let death: Death = tenure.crashes <= 0 ? 'none' : 'unexplained'
    for (const mark of await store.suspects(tenure.shard)) {
      const what = leftFor(mark.what)
      if (what === undefined) death = 'explained'
      if (open.has(mark.run)) found.set(mark.run, { ...mark, what: what ?? mark.what })
      else if (await this.#isOver(mark.run)) writer.rows.suspectsGone.push(mark.run)
      // It has explained this death, and is not to explain others.
      else if (what === undefined) writer.rows.marks.set(mark.run, { ...mark, what: asLeft(mark.what) })
    }
    // Somebody of another shard may have been under way: that is known when all of them have been taken over.
    if (death !== 'unexplained' || info.shards > 1) return { found, death }
    writer.rows.suspectsGone.push(...found.keys())
    return { found: new Map(), death }
  }

  /** Whether a run has ended, was forgotten, or is left alone: then a mark means nothing any more. */
  async #isOver(run: number): Promise<boolean> {
    const { store, tenure } = this.#options
    const row = await orFailure(store.run(tenure.shard, run))
    // Of one that cannot be read nobody knows.
    if (row instanceof Error) return false
    return row === null || row.ended !== null || row.reason === 'poisoned'
  }

  /** The process did not die young: nobody is suspected any more. */
  #steady(): void {
    const { trials, writer } = this.#options
    const guards = [...this.#guards.values()]
    this.#isCareful = false
    this.#guards.clear()
    for (const guard of guards) trials.clear(guard)
    writer.flush()
    this.#note()
  }

  /** Nothing waits for it: while the store takes no writes, as where a synchronous standby is away, it is said again and again. */
  #note(): void {
    const { store, tenure, clock, onFailure } = this.#options
    store.steady(tenure.shard, tenure.epoch).catch((error: unknown) => {
      if (this.#stopped) return
      if (!isOutOfReach(error)) return onFailure(error)
      this.#noting = clock.after(NOTE_AGAIN_MS, () => this.#note())
    })
  }
}

function deathsWords(crashes: number): string {
  return crashes >= CAREFUL_FROM
    ? `${crashes} processes died one after the other`
    : 'A process died in the middle of something'
}

/** With how many runs one of which this was found may be under way, itself included. */
function widthAfter({ deaths }: Mark): number {
  return deaths < 0 ? widthOf(1 - deaths) : 1
}
