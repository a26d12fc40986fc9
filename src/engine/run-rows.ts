// Rows of runs, read page by page. A row that cannot be read fails its whole page: then the runs of that page are read one
// by one, by their names, which are known without their payloads; in the place of those that cannot be read stands what is
// known of them. Nothing may be written there either. Used by the recovery and by the questions of operators.
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { RunName, RunRow, StoreReader } from '../core/store.ts'
import type { RunQuery } from '../core/store-queries.ts'
import type { UnreadableView } from '../core/views.ts'

const PAGE = 256

/** A run whose row the store cannot read, and why; null when it has gone since its page was read. */
export interface UnreadRun extends RunName {
  readonly unread: Error | null
}

export async function runRows(
  store: StoreReader,
  shard: number,
  query: RunQuery,
): Promise<readonly (RunRow | UnreadRun)[]> {
  const page = await orFailure(store.runs(shard, query))
  if (!(page instanceof Error)) return page
  const rows: (RunRow | UnreadRun)[] = []
  for (const { num, id } of await store.runNames(shard, query)) {
    const row = await orFailure(store.run(shard, num))
    // One that is gone has its place all the same: a page that is short is taken for the last one.
    if (row instanceof Error || row === null) rows.push({ num, id, unread: row })
    else rows.push(row)
  }
  return rows
}

/** Reads the runs that are open, oldest first. */
export async function eachOpenRow(
  { ns, shard, store }: { readonly ns: string; readonly shard: number; readonly store: StoreReader },
  use: (rows: readonly RunRow[]) => void | Promise<void>,
  skip: (run: UnreadRun) => void,
): Promise<void> {
  for (let after = 0; ;) {
    const query = { ns, status: ['running', 'stuck'] as const, limit: PAGE, after }
    const rows = await runRows(store, shard, query)
    const found: RunRow[] = []
    for (const row of rows) {
      if (isUnread(row)) skip(row)
      // One that was read alone may have ended since its page was.
      else if (row.ended === null) found.push(row)
    }
    await use(found)
    after = rows.at(-1)?.num ?? after
    if (rows.length < PAGE) return
  }
}

export function isUnread(row: RunRow | UnreadRun): row is UnreadRun {
  return 'unread' in row
}

/** A read that fails, fails alone; whatever else it failed with is thrown. */
export function orFailure<T>(read: Promise<T>): Promise<T | Error> {
  return read.catch((error: unknown) => {
    if (isBalletError(error) && error.code === 'STORE_FAILED') return error
    throw error
  })
}

/** Those of them that cannot be read. */
export function unreadable(rows: readonly (RunRow | UnreadRun)[]): readonly UnreadableView[] {
  return rows
    .filter(isUnread)
    .flatMap(({ id, unread }) => (unread === null ? [] : [{ id, error: unreadableError(id, unread) }]))
}

/** What cannot be read, as a page names it. */
export function named(found: readonly UnreadableView[]): { readonly unreadable?: readonly UnreadableView[] } {
  return found.length === 0 ? {} : { unreadable: found }
}

export function unreadableError(id: string, error: unknown): Failure {
  if (isBalletError(error) && error.code === 'RUN_UNREADABLE') return toFailure(error)
  return toFailure(fault('RUN_UNREADABLE', { run: `the run "${id}"`, problem: toFailure(error).message }))
}
