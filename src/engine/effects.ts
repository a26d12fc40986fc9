// Runs the bodies of operations and steps: attempt after attempt, each with its own time limit, until one answers, the
// policy is exhausted or the run is gone. An effect starts only when every earlier turn of its run is durable; the
// shard sees to that. No attempt begins while the lease of this process may be over (hold.ts). Failed attempts are notes in
// the journal, they ride along with the next commit.
//
//   waiting --due--> running --answer--> delivered
//                      |  --failure--> waiting (attempts left) | stuck | failed
//                      |  --given up--> settling --answer, failure, time limit--> delivered
//                      |  --its run froze--> resting --answer--> delivered, to be kept   --failure--> dropped
//                      '--run ended or process closing--> dropped
import { elapsedOf, type Cancel, type Clock, type Random } from '../core/clock.ts'
import { fault, isTerminal, retryAfterMsOf } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { JsonText } from '../core/json.ts'
import { LooseMap } from '../core/loose-map.ts'
import type { PlaceView } from '../core/views.ts'
import { retryDelayMs } from '../core/retry.ts'
import type { Bound, CallLimits } from './call-limits.ts'
import { HOPELESS, stopTimers, tooLong, waitingFor, type Effect, type FailedAttempt, type Running } from './effect.ts'
import type { Hold } from './hold.ts'
import { placesOfAttempt } from './places.ts'
import { StopSignal } from './stop-signal.ts'

/** Whoever lets an attempt begin is told of it. */
export interface Watched {
  /** It is made now. */
  readonly begun: () => void
  /** It was answered, or is not made. */
  readonly passed: () => void
}

const UNWATCHED: Watched = { begun: () => {}, passed: () => {} }

/** What becomes of effects. */
export interface EffectsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly hold: Hold
  /** Of the process: lets attempts begin as their services can take them. */
  readonly callLimits: CallLimits
  /** Lets the first attempt that this process makes begin, now or later. */
  readonly admit: (effect: Effect, begin: (watched?: Watched) => void) => void
  readonly answered: (effect: Effect, payload: JsonText | undefined, attempt: number, ms: number) => void
  readonly failed: (effect: Effect, error: Failure, attempt: number) => void
  readonly stuck: (effect: Effect, error: Failure) => void
  /** Something of the engine threw. */
  readonly onFailure: (error: unknown) => void
  readonly attempted: (effect: Effect, attempt: FailedAttempt) => void
}

/** What an attempt came to. */
type Made = { readonly payload: JsonText | undefined } | { readonly error: unknown }

/** The effects of a shard that are under way. */
export class Effects {
  readonly #options: EffectsOptions
  readonly #running = new LooseMap<string, Running>()
  #bodies = 0
  #closing = false
  /** Attempts under way that nobody waits for. */
  readonly #dropped = new Set<Running>()
  #closed = false
  #onQuiet: (() => void) | null = null

  constructor(options: EffectsOptions) {
    this.#options = options
  }

  /** Attempts whose bodies run, and calls and steps that are under way, between two attempts as well. */
  get bodies(): number {
    return this.#bodies
  }
  get size(): number {
    return this.#running.size
  }

  /** Those of which so many attempts have failed, and another is made by itself; the one that was begun first before others. */
  failing(fewest: number): readonly Running[] {
    return [...this.#running.values()].filter(({ next, givenUp }) => next > fewest && !givenUp)
  }

  /** Whether any effect of a run is under way. */
  has(run: number, op: string): boolean {
    return this.#running.has(`${run} ${op}`)
  }

  start(effect: Effect): void {
    const name = `${effect.run} ${effect.op}`
    const known = this.#running.get(name)
    // Its run goes on before the attempt has come out.
    if (known?.resting === true) Object.assign(known, { effect, resting: false })
    if (this.#closing || known !== undefined) return
    const running = this.#waitingFor(effect, name)
    this.#running.set(name, running)
    // By a clock that was set back meanwhile it would be due later than it ever is.
    const longest = retryDelayMs(effect.policy, effect.failed, 1, effect.askedMs)
    const wait = Math.min(effect.dueAt - this.#options.clock.now(), longest)
    if (wait > 0) running.cancel = this.#options.clock.after(wait, () => this.#first(running))
    else this.#first(running)
  }

  /** Drops an effect whose run has ended: its body is told to stop, its answer is not delivered. */
  drop(run: number, op: string): void {
    const running = this.#running.get(`${run} ${op}`)
    if (running === undefined) return
    this.#running.delete(`${run} ${op}`)
    running.cancel?.()
    running.effect.heart?.over()
    // What does not stop has its place until its time is over, and no longer.
    if (running.stop === null) running.place?.leave()
    else this.#dropped.add(running)
    running.stop?.abort(fault('CALL_ABORTED', { call: running.effect.name }))
  }

  /** Makes no further attempt for now. The one that is under way goes on, and how it comes out is told. */
  rest(run: number, op: string): void {
    const running = this.#running.get(`${run} ${op}`)
    if (running?.stop == null) this.drop(run, op)
    else running.resting = true
  }

  /** Whether its body runs, or it waits for its next attempt; `absent` when it is not under way here. */
  state(run: number, op: string): 'absent' | 'waiting' | 'running' {
    const running = this.#running.get(`${run} ${op}`)
    if (running === undefined) return 'absent'
    return running.stop === null ? 'waiting' : 'running'
  }

  /** For what its next attempt waits at a limited service; undefined when it does not. */
  placeOf(run: number, op: string): PlaceView | undefined {
    return this.#running.get(`${run} ${op}`)?.place?.view
  }

  /**
   * Makes no further attempt and tells the body to stop. Returns whether an attempt is under way: how it comes out is
   * delivered, at the latest when its time is over. Otherwise nothing more comes of it.
   * @param until by time that passes. Its failure says nothing before then: an attempt of an earlier life may be under way as well.
   */
  giveUp(run: number, op: string, until = 0): boolean {
    const running = this.#running.get(`${run} ${op}`)
    if (running?.stop == null) {
      this.drop(run, op)
      return false
    }
    running.givenUp = true
    running.until = until
    running.stop.abort(fault('CALL_ABORTED', { call: running.effect.name }))
    return true
  }

  /** An attempt of an earlier life may still be under way: when its time is over, at `until` (by time that passes), it has failed. */
  outwait(effect: Effect, until: number): void {
    const name = `${effect.run} ${effect.op}`
    if (this.#closing || this.#running.has(name)) return
    const running = { ...this.#waitingFor(effect, name), givenUp: true, until }
    this.#running.set(name, running)
    this.#outwait(running, toFailure(fault('CALL_ABORTED', { call: effect.name })), effect.failed)
  }

  #waitingFor(effect: Effect, name: string): Running {
    return waitingFor(effect, name, effect.bounds === null ? 0 : this.#options.callLimits.age())
  }

  #outwait(running: Running, failure: Failure, attempt: number): void {
    const { clock, failed } = this.#options
    running.stop = null
    running.cancel = clock.after(running.until - elapsedOf(clock), () => {
      if (this.#finish(running)) failed(running.effect, failure, attempt)
    })
  }

  /** Makes the next attempt now. False when none is waited for. */
  hurry(run: number, op: string): boolean {
    const running = this.#running.get(`${run} ${op}`)
    if (running === undefined || running.stop !== null || running.givenUp) return false
    // It is in the line already.
    if (running.place !== null) return true
    running.cancel?.()
    if (running.next > running.effect.failed + 1) this.#again(running, running.next)
    else if (!running.admitting) this.#first(running)
    return true
  }

  /** Starts nothing more, waits up to `graceMs` for bodies that are running, then tells the rest to stop. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    for (const running of this.#running.values()) {
      running.cancel?.()
      if (running.stop === null) running.place?.leave()
      if (running.effect.isEndless) running.stop?.abort(fault('APP_CLOSED'))
    }
    // The places of its shard are another's when it is free: what is under way elsewhere in this process has to do without them.
    const { fit } = this.#options.callLimits
    if (this.#bodies > 0 || fit !== null) {
      let cancel: Cancel = () => {}
      const stopped = this.#bodies === 0 ? null : new Promise<void>((resolve) => (this.#onQuiet = resolve))
      const quiet = Promise.all([stopped, fit])
      const late = new Promise<void>((resolve) => (cancel = this.#options.clock.after(graceMs, resolve)))
      await Promise.race([quiet, late])
      cancel()
    }
    this.#closed = true
    for (const running of [...this.#running.values(), ...this.#dropped]) {
      stopTimers(running)
      running.stop?.abort(fault('APP_CLOSED'))
      // What does not stop must not keep it from others, of whom one may begin at once.
      running.place?.leave()
    }
    this.#running.clear()
  }

  #first(running: Running): void {
    running.admitting = true
    running.cancel = null
    if (running.effect.bounds === null) this.#admit(running)
    else this.#enter(running, running.effect.bounds, () => this.#admit(running))
  }

  #admit(running: Running): void {
    this.#options.admit(running.effect, (watched) => this.#begin(running, running.next, watched))
  }

  #again(running: Running, attempt: number): void {
    if (running.effect.bounds === null) this.#begin(running, attempt)
    else this.#enter(running, running.effect.bounds, () => this.#begin(running, attempt))
  }

  /** Goes on once the service may be asked: before a trial, which nobody is to hold up. */
  #enter(running: Running, bounds: readonly Bound[], go: () => void): void {
    const given = (): void => {
      try {
        go()
      } catch (error) {
        // It may come about in the middle of another shard.
        this.#options.onFailure(error)
      }
    }
    const { mustSucceed: isUndo } = running.effect
    running.place = this.#options.callLimits.place({ bounds, isUndo, age: running.age, given })
    running.place.enter()
  }

  /** Makes an attempt as soon as this process is sure to be the owner, unless it was made or dropped meanwhile. */
  #begin(running: Running, attempt: number, { begun, passed } = UNWATCHED): void {
    this.#options.hold.whenSure(() => {
      running.admitting = false
      const isWanted = running.stop === null && running.next === attempt && !running.givenUp
      if (!isWanted || !this.#isCurrent(running) || this.#closing) return passed()
      begun()
      const stop = new StopSignal()
      running.place?.begun(stop)
      this.#attempt(running, attempt, stop, passed)
    })
  }

  /** Makes an attempt. `passed` is told when it has answered or failed, or its time is over. */
  #attempt(running: Running, attempt: number, stop: StopSignal, passed: () => void): void {
    const { effect, place } = running
    running.stop = stop
    running.cancel = null
    this.#bodies += 1
    const { clock } = this.#options
    const began = elapsedOf(clock)
    let isOver = false
    const over = (made: Made): void => {
      isOver = true
      running.limit?.()
      this.#dropped.delete(running)
      effect.heart?.over()
      this.#bodies -= 1
      place?.leave()
      running.place = null
      const ms = elapsedOf(clock) - began
      effect.counts.seconds.add(ms / 1000)
      this.#made(running, attempt, made, Math.round(ms))
      if (this.#bodies === 0) this.#onQuiet?.()
      passed()
    }
    const look = (): void => {
      if (isOver) return
      const leftMs = this.#leftMs(running, effect, began)
      if (leftMs > 0) return void (running.limit = clock.after(leftMs, look))
      const error = tooLong(effect, elapsedOf(clock) - began)
      stop.abort(error)
      over({ error })
    }
    running.limit = clock.after(Math.min(effect.timeoutMs, effect.heart?.heartbeatMs ?? Infinity), look)
    effect.attempt(attempt, stop).then(
      (payload) => (isOver ? this.#late(effect, attempt, payload) : over({ payload })),
      (error: unknown) => {
        if (!isOver) over({ error })
      },
    )
  }

  /** Milliseconds that an attempt still has, where it says that it lives; its timer has come where it is not asked to. */
  #leftMs(running: Running, { heart, timeoutMs }: Effect, began: number): number {
    if (heart === null) return 0
    // Nobody listens to one that was dropped.
    const beatMs = this.#isCurrent(running) ? heart.leftMs() : Infinity
    return Math.ceil(Math.min(began + timeoutMs - elapsedOf(this.#options.clock), beatMs))
  }

  /** What the engine makes of an answer is no failure of the attempt: it stops the shard, as any fault of the engine. */
  #made(running: Running, attempt: number, made: Made, ms: number): void {
    const { effect } = running
    // It was told to end, and is made again by whoever has the shard next.
    if (this.#closing && effect.isEndless) return
    try {
      if ('error' in made) {
        if (this.#isCurrent(running)) this.#failedAttempt(running, attempt, made.error, ms)
      } else if (this.#finish(running)) this.#options.answered(effect, made.payload, attempt, ms)
      else this.#late(effect, attempt, made.payload)
    } catch (error) {
      this.#options.onFailure(error)
    }
  }

  #late(effect: Effect, attempt: number, payload: JsonText | undefined): void {
    // What comes while others are waited for is kept, and done when the application is opened again.
    if (this.#closed) return
    try {
      const kept = effect.late(attempt, payload)
      if (kept !== undefined) void this.#hold(kept)
    } catch (error) {
      this.#options.onFailure(error)
    }
  }

  /** Whoever closes waits for it, as for a body. */
  async #hold(work: Promise<void>): Promise<void> {
    this.#bodies += 1
    await work
    this.#bodies -= 1
    if (this.#bodies === 0) this.#onQuiet?.()
  }

  #failedAttempt(running: Running, attempt: number, error: unknown, ms: number): void {
    const { effect } = running
    const { clock, random } = this.#options
    const failure = toFailure(error)
    const terminal = isTerminal(error)
    const hopeless = terminal || HOPELESS.has(failure.code)
    const left = !hopeless && !running.givenUp && attempt < effect.policy.attempts
    const askedMs = left ? retryAfterMsOf(error) : 0
    // The next process makes it as soon as it can, unless the service asked to be left alone.
    const isTimed = left && (askedMs > 0 || !this.#closing)
    const isSpread = isTimed && !running.resting
    const delay = isSpread ? retryDelayMs(effect.policy, attempt, random.seed() / 2 ** 32, askedMs) : askedMs
    const next = isTimed ? clock.now() + delay : null
    effect.counts.failed += 1
    if (left && !this.#closing) effect.counts.retried += 1
    const at = placesOfAttempt(error)
    // Its run is told of the failure alone.
    const told = at.length === 0 ? failure : { ...failure, details: { at } }
    this.#options.attempted(effect, { attempt, error: told, ms, next, ...(askedMs > 0 ? { askedMs } : {}) })
    // It is made again when its run goes on; only what can never be answered otherwise is told.
    if (running.resting && !running.givenUp && (!terminal || effect.mustSucceed)) return void this.#finish(running)
    if (this.#closing && left) return
    if (next !== null) {
      running.stop = null
      running.next = attempt + 1
      running.cancel = clock.after(delay, () => this.#again(running, attempt + 1))
      return
    }
    if (running.until > elapsedOf(clock)) return this.#outwait(running, failure, attempt)
    this.#finish(running)
    const fails = terminal || (effect.policy.exhausted === 'fail' && !HOPELESS.has(failure.code))
    if (running.givenUp || (fails && !effect.mustSucceed)) this.#options.failed(effect, failure, attempt)
    else this.#options.stuck(effect, failure)
  }

  /** False when the run has ended or the process is closing: then the answer is not wanted any more. */
  #finish(running: Running): boolean {
    const wanted = this.#isCurrent(running)
    if (wanted) this.#running.delete(running.name)
    return wanted
  }

  #isCurrent(running: Running): boolean {
    return this.#running.get(running.name) === running
  }
}
