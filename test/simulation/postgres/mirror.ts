// What a store in PostgreSQL holds, as content of stores in memory: read in one moment, by somebody who has nothing to do with the
// engine. The judges of the simulator read these.
import type { Sql } from 'postgres'
import type { InboxItem } from '../../../src/core/store.ts'
import { claimKey, flowKey, MemoryData } from '../../../src/stores/memory/memory-data.ts'
import { readPayload } from '../../../src/stores/postgres/literals.ts'
import {
  claimsTable,
  eventsTable,
  flowsTable,
  inboxTable,
  journalTable,
  runsTable,
  suspectsTable,
  timersTable,
  type Table,
} from '../../../src/stores/sql/tables.ts'

type Raw = Readonly<Record<string, unknown>>

/** The tables, each with its order. */
const READ = [
  [runsTable, 'num'],
  [journalTable, 'run, seq'],
  [eventsTable, 'pos'],
  [claimsTable, 'id'],
  [timersTable, 'due'],
  [inboxTable, 'id'],
  [suspectsTable, 'run'],
  [flowsTable, 'key'],
] as const

/** A copy of one shard. */
export class Mirror extends MemoryData {
  node: string | null = null
  /** When its owner began, milliseconds since the epoch. */
  since: number | null = null
  readonly #send: (item: InboxItem) => void

  /** @param send puts an item into the store itself. */
  constructor(id: string, send: (item: InboxItem) => void) {
    super(id)
    this.#send = send
  }

  /** What somebody puts in here goes to the store, and is seen when that is read again. */
  override post(_shard: number, items: readonly InboxItem[]): void {
    for (const item of items) this.#send(item)
  }

  /** Nothing is kept of what it was. */
  empty(): void {
    for (const part of [this.runs, this.journal, this.claims, this.timers, this.inbox, this.suspects, this.flows])
      part.clear()
    this.runOrder.length = 0
    this.events.length = 0
  }
}

/** Makes the copies what the schema holds now. */
export async function readInto(mirrors: readonly Mirror[], sql: Sql, schema: string): Promise<void> {
  const selects = READ.map(([table, order]) => {
    const names = table.columns.map(({ name }) => name)
    return `SELECT shard, ${names.join(', ')} FROM ${schema}.${table.name} ORDER BY shard, ${order}`
  })
  const shards = `SELECT id, epoch, head, owner, crashes, since, node FROM ${schema}.shards`
  const texts = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', shards, ...selects, 'COMMIT']
  const [, owners, ...read] = (await sql.unsafe(texts.join('; ')).simple()) as unknown as readonly (readonly Raw[])[]
  for (const mirror of mirrors) mirror.empty()
  for (const { id, epoch, head, owner, crashes, since, node } of owners ?? []) {
    const mirror = mirrors[Number(id)] as Mirror
    const standing = { epoch: Number(epoch), head: Number(head), crashes: Number(crashes) }
    Object.assign(mirror, { ...standing, owner, node, since: since === null ? null : Number(since) })
  }
  fill(mirrors, read)
}

function fill(mirrors: readonly Mirror[], read: readonly (readonly Raw[])[]): void {
  const [runs, journal, events, claims, timers, inbox, suspects, flows] = read
  const each = <Row>(table: Table<Row>, rows: readonly Raw[] = [], take: (mirror: Mirror, row: Row) => void): void => {
    for (const raw of rows) take(mirrors[Number(raw['shard'])] as Mirror, rowOf(table, raw))
  }
  each(runsTable, runs, (mirror, row) => {
    mirror.runs.set(row.num, row)
    mirror.runOrder.push(row.num)
  })
  each(journalTable, journal, (mirror, row) => {
    const known = mirror.journal.get(row.run)
    if (known === undefined) mirror.journal.set(row.run, [row])
    else known.push(row)
  })
  each(eventsTable, events, (mirror, row) => void mirror.events.push(row))
  each(claimsTable, claims, (mirror, row) => void mirror.claims.set(claimKey(row), row))
  each(timersTable, timers, (mirror, row) => void mirror.timers.set(`${row.due} ${row.run} ${row.op}`, row))
  // Answers to a node that is gone lie for a minute, and hold nobody up.
  const waiting = inbox?.filter(({ kind }) => kind !== 'acted')
  each(inboxTable, waiting, (mirror, row) => void mirror.inbox.set(row.id, row))
  each(suspectsTable, suspects, (mirror, row) => void mirror.suspects.set(row.run, row))
  each(flowsTable, flows, (mirror, row) => void mirror.flows.set(flowKey(row), row))
}

function rowOf<Row>({ columns }: Table<Row>, raw: Raw): Row {
  const entries = columns.map(({ field, name, type }) => {
    const value = raw[name]
    if (value === null) return [field, null]
    if (type === 'integer') return [field, Number(value)]
    if (type === 'flag') return [field, Number(value) !== 0]
    return [field, type === 'payload' ? readPayload(`\\x${(value as Buffer).toString('hex')}`) : value]
  })
  // The columns are the fields of the row.
  return Object.fromEntries(entries) as Row
}
