// The rows of the runs that are open, read page by page. A row that cannot be read fails its whole page: then the runs of
// that page are read one by one, by the numbers that are known without their payloads, and those that cannot be are told
// of and left out. Nothing may be written there either. Used by the recovery.
import { isBalletError } from '../core/errors.ts'
import type { Aged, RunRow, StoreReader } from '../core/store.ts'

const PAGE = 256

/** Where they are. */
interface Place {
  readonly ns: string
  readonly shard: number
  readonly store: StoreReader
}

/** Reads them all, oldest first. */
export async function eachOpenRow(
  place: Place,
  use: (rows: readonly RunRow[]) => void | Promise<void>,
  unread: (run: Aged, error: Error) => void,
): Promise<void> {
  const { ns, shard, store } = place
  for (let after = 0; ;) {
    const query = { ns, status: ['running', 'stuck'] as const, limit: PAGE, after }
    const rows = await orFailure(store.runs(shard, query))
    if (rows instanceof Error) {
      const page = await store.aged(shard, ns, after, PAGE)
      await use(await oneByOne(place, page, unread))
      after = page.at(-1)?.num ?? after
      if (page.length < PAGE) return
    } else {
      await use(rows)
      after = rows.at(-1)?.num ?? after
      if (rows.length < PAGE) return
    }
  }
}

async function oneByOne(
  { shard, store }: Place,
  page: readonly Aged[],
  unread: (run: Aged, error: Error) => void,
): Promise<readonly RunRow[]> {
  const rows: RunRow[] = []
  for (const run of page) {
    if (run.ended !== null) continue
    const row = await orFailure(store.run(shard, run.num))
    if (row instanceof Error) unread(run, row)
    else if (row !== null && row.ended === null) rows.push(row)
  }
  return rows
}

/** A read that fails, fails alone; whatever else it failed with is thrown. */
export function orFailure<T>(read: Promise<T>): Promise<T | Error> {
  return read.catch((error: unknown) => {
    if (isBalletError(error) && error.code === 'STORE_FAILED') return error
    throw error
  })
}
