// What the mark of a run that may have ended a process (suspects.ts) says to a person. Used by queries.ts.
import type { SuspectRow } from '../core/store.ts'
import type { SuspectView } from '../core/views.ts'

/** What a run is marked with that a person tries again after it was left alone. */
export const RETRY = 'a retry by hand'

/**
 * What a suspected run is suspected of. A mark in parentheses is one that an earlier process has left; another one counts the
 * death that has not happened: nothing is said of a run that is tried for the first time, or beside others, or by a person.
 */
export function suspectOf({ what: mark, deaths }: SuspectRow): SuspectView | undefined {
  const [, left] = /^[(](.*)[)]$/s.exec(mark) ?? []
  const what = (left ?? mark).replace(/^effect /, '')
  if (what === RETRY || (left === undefined && deaths <= 1)) return undefined
  return { what, deaths: Math.max(0, left === undefined ? deaths - 1 : deaths) }
}
