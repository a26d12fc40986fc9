// The words of the marks of runs that may have ended a process (suspects.ts), and what they say to a person (queries.ts).
import type { SuspectRow } from '../core/store.ts'
import type { SuspectView } from '../core/views.ts'

/** What a run is marked with that a person tries again after it was left alone. */
export const RETRY = 'a retry by hand'

/** The words of a mark that an earlier process has left: its run is not under way. */
export const asLeft = (what: string): string => `(${what})`

/** What such a mark was left for; undefined of one whose run is under way. */
export const leftFor = (mark: string): string | undefined => /^[(](.*)[)]$/s.exec(mark)?.[1]

/**
 * What a suspected run is suspected of. One that an earlier process has left counts what has been; another one counts the
 * death that has not happened: nothing is said of a run that is tried for the first time, or beside others, or by a person.
 */
export function suspectOf({ what: mark, deaths }: SuspectRow): SuspectView | undefined {
  const left = leftFor(mark)
  const what = (left ?? mark).replace(/^effect /, '')
  if (what === RETRY || (left === undefined && deaths <= 1)) return undefined
  return { what, deaths: Math.max(0, left === undefined ? deaths - 1 : deaths) }
}
