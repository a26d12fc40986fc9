// Large payloads, kept beside the rows: a payload of more than 128 KiB stands once in `blob_data`, however many rows
// hold it, and a row has the number of the blob in its place. A payload is text or bytes and never a whole number, so a
// reference cannot be taken for a payload, whatever a codec makes. `blobs` counts the rows that refer to each: whatever
// removes or replaces a row counts down in the same transaction, and the last one takes the blob with it.
import type { Table } from './tables.ts'

/** Bytes, in UTF-8 for text. More go into a blob. */
export const INLINE_BYTES: number = 128 * 1024

export const blobTexts = {
  any: 'SELECT 1 FROM blobs LIMIT 1',
  /** One more row refers to it: answers with its number and how many do. */
  refer: `INSERT INTO blobs (shard, sha, refs) VALUES (?1, ?2, 1)
    ON CONFLICT (shard, sha) DO UPDATE SET refs = refs + 1 RETURNING num, refs`,
  /** The first one brings it. */
  keep: 'INSERT INTO blob_data (num, data) VALUES (?1, ?2)',
} as const

/**
 * Counts down what the rows of a table that meet a condition refer to. Run before they go, and only when there are blobs:
 * as triggers these would cost each change of a run a tenth more.
 */
export function releaseText<Row>({ name, columns }: Table<Row>, condition: string): string {
  const payloads = columns.filter((column) => column.type === 'payload')
  const held = payloads.map((column) => `SELECT ${column.name} AS num FROM ${name} WHERE ${condition}`)
  return `UPDATE blobs SET refs = refs - gone.times FROM (
    SELECT num, count(*) AS times FROM (${held.join(' UNION ALL ')}) AS held WHERE typeof(num) = 'integer' GROUP BY num
  ) AS gone WHERE blobs.num = gone.num`
}

/** A text in which `payload(table.column)` is the payload itself, from wherever it stands. */
export function withBlobs(sql: string): string {
  return sql.replaceAll(/\bpayload\((\w+\.\w+)\)/g, (_, column: string) => {
    const blob = `(SELECT blob_data.data FROM blob_data WHERE blob_data.num = ${column})`
    return `CASE WHEN typeof(${column}) = 'integer' THEN ${blob} ELSE ${column} END`
  })
}

/** Whether a payload is kept as a blob. */
export function isLarge(payload: unknown): payload is string | Uint8Array {
  if (typeof payload === 'string')
    // A character has 3 bytes at most: only the few in between must be counted.
    return payload.length * 3 > INLINE_BYTES && (payload.length > INLINE_BYTES || utf8Bytes(payload) > INLINE_BYTES)
  return payload instanceof Uint8Array && payload.byteLength > INLINE_BYTES
}

const encoder = new TextEncoder()
const utf8Bytes = (text: string): number => encoder.encode(text).byteLength
