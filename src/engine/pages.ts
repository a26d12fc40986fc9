// Pages of rows: as many as were asked for, or fewer when they are large. An answer is made and written in one piece while
// everybody else waits, and rows have payloads of up to 32 MiB; so a page ends with the row that brings it past its bytes,
// and rows are read a few at a time, so that not even the store's answer is larger by much. Used by queries.ts.
import type { Payload } from '../core/codec.ts'

/** Characters or bytes of payloads after which a page ends. */
const PAGE_SIZE = 1_048_576
/** Rows that are read at first, and at most, in one go. */
const [FIRST, MOST] = [16, 256]

export interface RowPage<Row> {
  readonly rows: readonly Row[]
  /** Where the next page goes on; undefined at the end. */
  readonly next: number | undefined
}

export interface RowSource<Row> {
  /** At most `count` rows behind `from`, in order; from the beginning when it is undefined. */
  readonly read: (from: number | undefined, count: number) => Promise<readonly Row[]>
  readonly place: (row: Row) => number
  readonly payloads: (row: Row) => readonly (Payload | null)[]
}

/** A page of at most `limit` rows. One row is always on it, however large it is. */
export async function readPage<Row>(
  source: RowSource<Row>,
  from: number | undefined,
  limit: number,
  size: number = PAGE_SIZE,
): Promise<RowPage<Row>> {
  const { read, place, payloads } = source
  const rows: Row[] = []
  let left = size
  for (let [at, step] = [from, FIRST]; ; step = Math.min(step * 2, MOST)) {
    const count = Math.min(step, limit - rows.length + 1)
    const some = await read(at, count)
    for (const row of some) {
      const isFull = rows.length === limit || (rows.length > 0 && left <= 0)
      if (isFull) return { rows, next: at }
      rows.push(row)
      at = place(row)
      left -= payloads(row).reduce((sum, payload) => sum + (payload?.length ?? 0), 0)
    }
    if (some.length < count) return { rows, next: undefined }
  }
}
