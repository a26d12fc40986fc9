// How rows of a store are read in pages: where the next page goes on, what of a row is large, and in which order those of
// several shards come, whose positions say nothing of each other. Used by queries.ts.
import type { Payload } from '../core/codec.ts'
import type { EventRow, JournalRow, RunRow } from '../core/store.ts'
import type { RowSource } from './pages.ts'
import { isUnread, type UnreadRun } from './run-rows.ts'

export const ofRun = {
  place: (row: RunRow | UnreadRun): number => row.num,
  payloads: (row: RunRow | UnreadRun): readonly (Payload | null)[] =>
    isUnread(row) ? [] : [row.input, row.output, row.error],
}
/** Runs that are read newest first; in a shard that has none all that come are newer. */
export const ofNewest: Omit<RowSource<RunRow | UnreadRun>, 'read'> = {
  ...ofRun,
  beginning: (newest: RunRow | UnreadRun | undefined): number => (newest === undefined ? 0 : newest.num + 1),
}
export const ofTurn = {
  place: (row: JournalRow): number => row.seq,
  payloads: (row: JournalRow): readonly Payload[] => [row.data],
}
export const ofEvent = {
  place: (row: EventRow): number => row.pos,
  payloads: (row: EventRow): readonly Payload[] => [row.data],
}

/** Of one that cannot be read nobody knows when it began: it must not hide those behind it. */
const createdOf = (row: RunRow | UnreadRun, unknown: number): number => (isUnread(row) ? unknown : row.created)

export const newestFirst = (a: RunRow | UnreadRun, b: RunRow | UnreadRun): number =>
  createdOf(b, Number.MAX_SAFE_INTEGER) - createdOf(a, Number.MAX_SAFE_INTEGER)
export const oldestFirst = (a: RunRow | UnreadRun, b: RunRow | UnreadRun): number => createdOf(a, 0) - createdOf(b, 0)
export const oldestEvent = (a: EventRow, b: EventRow): number => a.at - b.at
