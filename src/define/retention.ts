// How long an application keeps what has ended. Given to open(...), read by the engine.
import { toMs, type Duration } from '../core/duration.ts'
import { refuse, refuseUnknownOptions } from './refusal.ts'

/** How long what has ended is kept. Without it everything is kept for ever. */
export interface Retention {
  /**
   * Since a run has ended: then its row, its journal and its payloads go. As long are kept, since they happened, events
   * that no open run may still read, the journals of generations that are over, and flows of choreographies that wait for
   * nothing, since their last event.
   */
  readonly runs: Duration
  /**
   * Since a run has ended, or an event happened: as long the same id with the same input is the same run or event, and
   * with another input a conflict. Then the name is free, unless something that followed from it is still there. At least
   * `runs`; default for ever.
   */
  readonly dedupe?: Duration | undefined
}

/** A retention in milliseconds; `dedupeMs` is null for ever. */
export interface RetentionMs {
  readonly runsMs: number
  readonly dedupeMs: number | null
}

/** What an author's words mean; null keeps everything. @throws DEFINITION_INVALID, DURATION_INVALID */
export function retentionOf(given: Retention | undefined): RetentionMs | null {
  if (given === undefined) return null
  refuseUnknownOptions(given, ['runs', 'dedupe'], 'retention')
  if (typeof given.runs !== 'string') refuse('retention', 'runs must be a duration, for example "30d"')
  const runsMs = toMs(given.runs, 'retention: runs')
  const dedupeMs = given.dedupe === undefined ? null : toMs(given.dedupe, 'retention: dedupe')
  if (runsMs < 1000) refuse('retention', 'runs must be 1s or longer')
  if (dedupeMs !== null && dedupeMs < runsMs)
    refuse('retention', 'dedupe must be at least as long as runs: a name that is free while its run is there means two')
  return { runsMs, dedupeMs }
}
