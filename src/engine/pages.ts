// Pages of rows: as many as were asked for, or fewer when they are large. An answer is made and written in one piece while
// everybody else waits, and rows have payloads of up to 32 MiB; so a page ends with the row that brings it past its bytes,
// and rows are read a few at a time, so that not even the store's answer is larger by much. Used by queries.ts.
import type { Payload } from '../core/codec.ts'
import type { Places } from './cursors.ts'

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
  /**
   * Of rows that are read newest first: the place before all that is there now, by the newest of them. A page that has nothing of
   * a shard goes on from there, or what begins there meanwhile would come on a later page, in the midst of what is older.
   */
  readonly beginning?: (newest: Row | undefined) => number
}

/** A page of at most `limit` rows. One row is always on it, however large it is. */
export async function readPage<Row>(
  source: RowSource<Row>,
  from: number | undefined,
  limit: number,
  size: number = PAGE_SIZE,
): Promise<RowPage<Row>> {
  const { read, place } = source
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
      left -= sizeOf(source, row)
    }
    if (some.length < count) return { rows, next: undefined }
  }
}

export interface RowsOfAll<Row> {
  readonly rows: readonly Row[]
  /** Where the next page goes on in each shard; undefined at the end. */
  readonly next: Places | undefined
}

export interface PagesOptions<Row> {
  readonly limit: number
  readonly size?: number
  /** Which of two rows of different shards comes first. */
  readonly order: (a: Row, b: Row) => number
}

/** A page over several shards, each of which is in its own order. Rows that are read and not on it are read again. */
export async function readPages<Row>(
  sources: readonly RowSource<Row>[],
  from: Places,
  { limit, size = PAGE_SIZE, order }: PagesOptions<Row>,
): Promise<RowsOfAll<Row>> {
  const [only] = sources
  if (only !== undefined && sources.length === 1) {
    const { rows, next } = await readPage(only, from[0], limit, size)
    return { rows, next: next === undefined ? undefined : [next] }
  }
  const ahead = sources.map((source, index) => new Ahead(source, from[index]))
  const rows: Row[] = []
  let left = size
  for (;;) {
    const empty = ahead.filter((one) => one.isEmpty)
    if (empty.length > 0) await Promise.all(empty.map((one) => one.fill()))
    const first = firstOf(ahead, order)
    if (first === undefined) return { rows, next: undefined }
    if (rows.length === limit || (rows.length > 0 && left <= 0)) return { rows, next: ahead.map(({ at }) => at) }
    const row = first.take()
    rows.push(row)
    left -= sizeOf(first.source, row)
  }
}

function firstOf<Row>(ahead: readonly Ahead<Row>[], order: (a: Row, b: Row) => number): Ahead<Row> | undefined {
  let first: Ahead<Row> | undefined
  for (const one of ahead) {
    if (one.head === undefined) continue
    if (first?.head === undefined || order(one.head, first.head) < 0) first = one
  }
  return first
}

function sizeOf<Row>({ payloads }: RowSource<Row>, row: Row): number {
  return payloads(row).reduce((sum, payload) => sum + (payload?.length ?? 0), 0)
}

/** The rows of one shard, a few ahead. */
class Ahead<Row> {
  readonly source: RowSource<Row>
  /** The place of the last row that was taken. */
  at: number | undefined
  #rows: readonly Row[] = []
  #taken = 0
  #step = 2
  #isOver = false

  constructor(source: RowSource<Row>, at: number | undefined) {
    this.source = source
    this.at = at
  }

  get head(): Row | undefined {
    return this.#rows[this.#taken]
  }

  /** Whether there may be more, and it has to be read first. */
  get isEmpty(): boolean {
    return !this.#isOver && this.#taken >= this.#rows.length
  }

  async fill(): Promise<void> {
    this.#step = Math.min(this.#step * 2, MOST)
    this.#rows = await this.source.read(this.at, this.#step)
    this.#taken = 0
    this.#isOver = this.#rows.length < this.#step
    this.at ??= this.source.beginning?.(this.#rows[0])
  }

  take(): Row {
    const row = this.#rows[this.#taken++] as Row
    this.at = this.source.place(row)
    return row
  }
}
