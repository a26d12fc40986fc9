// What an application takes on at most. Every limit refuses before anything is acknowledged, or parks the one run that
// passes it; the defaults are far from what a healthy application needs. Given to open(...); read by the engine.
import { refuse, refuseUnknownOptions } from './refusal.ts'

/** What an application takes on at most: `open(definition, { limits: { openRuns: 10_000 } })`. */
export interface Limits {
  /**
   * Turns of one generation of a run of a workflow; past it the run is stuck until it is cancelled, or continued by its code.
   * A run that conducts is not stopped: its journal has a row for each event and each call of its flow.
   */
  readonly turns: number
  /** Bytes of these turns. What is noted of attempts that failed is not counted: `retry` says how many there may be. */
  readonly journalBytes: number
  /** Things that a run may wait for at once, and that it may start without waiting, emit and send in one turn. */
  readonly fanOut: number
  /** Signals that a run holds without having received them; past it they are refused. */
  readonly signals: number
  /**
   * Runs that have not ended; past it starts and events from outside are refused. What a run starts or emits itself is counted,
   * and not refused. Nodes that share a store have each their part of it.
   */
  readonly openRuns: number
  /** Milliseconds that the turns of a workflow may wait for their place; past it starts of that workflow are refused. */
  readonly queueMs: number
  /** Milliseconds that a commit may wait and take; past it starts and events are refused. */
  readonly commitMs: number
  /** Starts and events that may wait for their acknowledgement at a node at once; past it they are refused. */
  readonly arrivals: number
  /** Bytes of input and journal of the runs in memory; past it idle ones wait on disk. */
  readonly liveBytes: number
  /** Milliseconds after which an idle run leaves memory and waits on disk. */
  readonly idleMs: number
}

/** The defaults of `open(definition, { limits })`. */
export const LIMITS: Limits = {
  turns: 50_000,
  journalBytes: 50 * 1024 * 1024,
  fanOut: 10_000,
  signals: 10_000,
  openRuns: 1_000_000,
  queueMs: 1000,
  commitMs: 5000,
  arrivals: 10_000,
  liveBytes: 256 * 1024 * 1024,
  idleMs: 600_000,
}

/** Turns at which the log says that a run should continue as a new generation. */
export const TURNS_TOLD = 4000

/** The limits that an author's words make over the defaults. @throws DEFINITION_INVALID */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  refuseUnknownOptions(given, Object.keys(LIMITS), 'limits')
  for (const [name, value] of Object.entries(given)) {
    if (!(Number.isSafeInteger(value) && value >= 1))
      refuse('limits', `${name} must be a whole number from 1, not ${String(value)}`)
  }
  return { ...LIMITS, ...given }
}
