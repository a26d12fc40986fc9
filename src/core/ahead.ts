// What a store may be given of a batch before that is whole (Store.takeAhead), and what of the batch is left then: rows that need
// no order among their kinds, and no others of their batch. Used by the engine, which gives it, and by stores that take it.

const KINDS = ['runs', 'changes', 'claims', 'journal', 'events'] as const
/** The kinds of rows of a batch that may come ahead, by their fields. */
export type AheadKind = (typeof KINDS)[number]

type RowsOf = Readonly<Record<AheadKind, readonly unknown[]>>
type Counts = Readonly<Record<AheadKind, number>>

/** Of each kind none. */
export const NO_ROWS: Readonly<Record<AheadKind, readonly never[]>> = {
  runs: [],
  changes: [],
  claims: [],
  journal: [],
  events: [],
}

/** What was given of a batch: the first rows of each kind, in so many parts. */
export interface Ahead {
  /** Its number, which no other batch of this process has. */
  readonly batch: number
  readonly parts: number
  readonly rows: Counts
}

/** Which part of which batch, from 0. */
export type AheadPart = Readonly<Record<'batch' | 'part', number>>

/** How many rows of each kind. */
export function countsOf({ runs, changes, claims, journal, events }: RowsOf): Counts {
  return {
    runs: runs.length,
    changes: changes.length,
    claims: claims.length,
    journal: journal.length,
    events: events.length,
  }
}

/** Rows of all kinds. */
export function sumOf(counts: Counts): number {
  return KINDS.reduce((sum, kind) => sum + counts[kind], 0)
}

/** The rows behind the first ones of each kind. */
export function rowsBehind<Rows extends RowsOf>(rows: Rows, given: Counts): Pick<Rows, AheadKind> {
  const behind = KINDS.map((kind) => [kind, rows[kind].slice(given[kind])] as const)
  return Object.fromEntries(behind) as unknown as Pick<Rows, AheadKind>
}
