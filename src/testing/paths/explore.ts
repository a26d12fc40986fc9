// Goes through a tree of paths: a path is played from its beginning as far as it goes, and wherever it could have gone
// another way that way is kept, to be played later, from the beginning too. Nothing is shared between two plays, so that
// what one leaves behind cannot help another.
import { fault } from '../../core/errors.ts'

/** One play. */
export interface Played {
  /** What came, in order. */
  readonly events: readonly string[]
  /** The ending in which it stood at last; null when it has none there. */
  readonly ending: string | null
  /** Beginnings that are to be played as well. */
  readonly branches: readonly (readonly string[])[]
  /** It could have gone on, but only by a step that it had taken often enough. */
  readonly isCut: boolean
  /** Steps of the flow that were taken, by `stepName`. */
  readonly steps: readonly string[]
  /** What was wrong; null for nothing. */
  readonly problem: string | null
}

/** What was played, and what was wrong, a few lines for each path. */
interface Explored {
  readonly played: readonly Played[]
  readonly problems: readonly string[]
}

/** Problems that are told; after as many nothing more is tried. */
const TOLD = 5

/** Plays every path, at most `limit`. @throws PATHS_TOO_MANY */
export async function explore(
  what: string,
  limit: number,
  play: (beginning: readonly string[]) => Promise<Played>,
): Promise<Explored> {
  const waiting: (readonly string[])[] = [[]]
  const played: Played[] = []
  const problems: string[] = []
  for (let beginning = waiting.pop(); beginning !== undefined && problems.length < TOLD; beginning = waiting.pop()) {
    if (played.length >= limit) throw fault('PATHS_TOO_MANY', { what, limit })
    const one = await play(beginning)
    played.push(one)
    waiting.push(...one.branches.toReversed())
    if (one.problem !== null) problems.push(`path ${played.length}: ${shownPath(one.events)}\n    ${one.problem}`)
  }
  return { played, problems }
}

/** @throws PATHS_BROKEN when there are problems. */
export function refuseBroken(what: string, tried: number, problems: readonly string[]): void {
  if (problems.length === 0) return
  const list = problems.map((problem) => `  ${problem}`).join('\n')
  throw fault('PATHS_BROKEN', { what, tried: `${tried} ${tried === 1 ? 'path was' : 'paths were'}`, list })
}

/** How a step is called: one event at one place. */
export const stepName = (place: number | string, type: string): string => `${place} ${type}`

/** A path in words. */
export const shownPath = (events: readonly string[]): string => events.join(' > ') || 'nothing'
