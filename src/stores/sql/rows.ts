// Rows of the contract to and from the flat form: one array of primitives for all rows of a table, in the order of
// its columns. Copying such an array to another thread costs a fraction of copying one object a row. Writing puts the
// shard before every row; reading gets the columns of the table alone.
import { invariant } from '../../core/errors.ts'
import type { Column, Table, Value } from './tables.ts'

/** Appends nothing, returns the rows one after the other, each with `shard` in front. */
export function toValues<Row extends object>(table: Table<Row>, shard: number, rows: readonly Row[]): Value[] {
  const { columns } = table
  const values = blank(rows.length * (columns.length + 1))
  let at = 0
  for (const row of rows) {
    values[at++] = shard
    for (const column of columns) values[at++] = toValue((row as Record<string, unknown>)[column.field], column)
  }
  return values
}

const NOTHING: null[] = []
/** Longer arrays than this are made without it. */
const NOTHING_MOST = 65_536

/**
 * As many nulls, to be written over. An array that grows by `push` is copied again and again (three times as much garbage as
 * array), and one that is made with its length has holes, which cross to another thread by their names.
 */
export function blank(length: number): Value[] {
  if (length > NOTHING_MOST) return Array.from({ length }, () => null)
  while (NOTHING.length < length) NOTHING.push(null)
  return NOTHING.slice(0, length)
}

/** The rows of a table from what a query over its columns answered. */
export function fromValues<Row extends object>(table: Table<Row>, values: readonly Value[]): Row[] {
  const { columns } = table
  invariant(values.length % columns.length === 0, `${values.length} values do not make rows of ${table.name}`)
  const rows: Row[] = []
  for (let offset = 0; offset < values.length; offset += columns.length) {
    const row: Record<string, unknown> = {}
    columns.forEach((column, index) => {
      const value = values[offset + index]
      row[column.field] = column.type === 'flag' ? value !== 0 : value
    })
    // The columns are the fields of Row (the compiler holds them against each other in tables.ts), and the tables
    // are strict about types.
    rows.push(row as Row)
  }
  return rows
}

function toValue(value: unknown, column: Column): Value {
  if (typeof value === 'string' || typeof value === 'number' || value === null) return value
  if (typeof value === 'boolean') return value ? 1 : 0
  invariant(value instanceof Uint8Array, `the column ${column.name} cannot hold ${typeof value}`)
  // A view would drag the whole buffer behind it to the other thread.
  return value.byteLength === value.buffer.byteLength ? value : new Uint8Array(value)
}
