// Operations and steps that do not answer any more, in the log: once when none of their attempts has been answered for a while, and
// once when one is. That calls wait and are made again stands in their journals, and is said nowhere else before they are stuck. Of a
// process, so that the shards of it say it once. Nothing here decides about an attempt.
import { elapsedOf, type Clock } from '../core/clock.ts'
import { showMs } from '../core/duration.ts'
import type { Failure } from '../core/failure.ts'
import type { Log } from '../define/definition.ts'

/** For how long none is answered before it is said: a few attempts of one call. */
const SAID_AFTER_MS = 10_000
const FEWEST = 3
/** Characters of the cause. */
const SHOWN = 500
/** Names of steps may be made of anything. */
const KEPT = 1000

interface Outage {
  /** By time that passes. */
  readonly since: number
  attempts: number
  isSaid: boolean
}

export class Outages {
  readonly #clock: Clock
  readonly #log: Log
  readonly #silent = new Map<string, Outage>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** An attempt has failed, and is to be made again. */
  failed(name: string, error: Failure): void {
    const now = elapsedOf(this.#clock)
    const outage = this.#silent.get(name) ?? { since: now, attempts: 0, isSaid: false }
    if (this.#silent.size < KEPT) this.#silent.set(name, outage)
    outage.attempts += 1
    if (outage.isSaid || outage.attempts < FEWEST || now - outage.since < SAID_AFTER_MS) return
    outage.isSaid = true
    const length = showMs(Math.round(now - outage.since))
    // A message of our own is a sentence already.
    const last = `${error.code}: ${error.message.slice(0, SHOWN).replace(/\.$/, '')}`
    const message = `${name} has not answered for ${length}: ${outage.attempts} attempts failed, the last with ${last}. They are made again`
    this.#log.warn(message, { name, attempts: outage.attempts }, { code: error.code })
  }

  answered(name: string): void {
    const outage = this.#silent.get(name)
    if (outage === undefined) return
    this.#silent.delete(name)
    if (!outage.isSaid) return
    const ms = Math.round(elapsedOf(this.#clock) - outage.since)
    const message = `${name} answers again, after ${showMs(ms)} in which ${outage.attempts} attempts failed`
    this.#log.info(message, { name, attempts: outage.attempts, ms })
  }
}
