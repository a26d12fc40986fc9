// The tables of a SQL store as data: which field of a row stands in which column, and of what type the column is.
// Every table begins with the column `shard`, which the rows of the contract do not repeat. The compiler holds these
// lists against the row types, so a field that is added there cannot be forgotten here. SQL text, the flat form in
// which rows cross to a thread or a server, and the way back are all derived from this file.
import type {
  Aged,
  AgedEvent,
  Claim,
  ClaimName,
  ClaimUntil,
  EventRow,
  FlowGone,
  FlowName,
  FlowRow,
  InboxItem,
  InboxRow,
  JournalBefore,
  JournalRow,
  RunChange,
  RunContinued,
  RunCount,
  RunName,
  RunRow,
  SuspectRow,
  TimerRow,
} from '../../core/store.ts'

/** What a column can hold. Payload columns keep text as text and bytes as bytes. */
export type Value = null | number | string | Uint8Array

export type ColumnType = 'integer' | 'text' | 'flag' | 'payload'

export interface Column {
  /** In the row of the contract. */
  readonly field: string
  /** In SQL. */
  readonly name: string
  readonly type: ColumnType
}

export interface Table<Row> {
  readonly name: string
  /** Without `shard`, which comes first in every table. */
  readonly columns: readonly Column[]
  /** Where payloads stand among the values of a row, the shard first; undefined for a table without any. */
  readonly payloads: readonly number[] | undefined
  /** Only carries the type of its rows; never set. */
  readonly row?: Row
}

function table<Row>(name: string, fields: Readonly<Record<keyof Row & string, ColumnType>>): Table<Row> {
  const columns = Object.entries<ColumnType>(fields).map(([field, type]) => ({ field, name: columnName(field), type }))
  const payloads = columns.flatMap((column, index) => (column.type === 'payload' ? [index + 1] : []))
  return { name, columns, payloads: payloads.length === 0 ? undefined : payloads }
}

const columnName = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

export const runsTable: Table<RunRow> = table<RunRow>('runs', {
  num: 'integer',
  ns: 'text',
  id: 'text',
  kind: 'text',
  name: 'text',
  call: 'text',
  version: 'text',
  key: 'text',
  status: 'text',
  phase: 'text',
  reason: 'text',
  root: 'text',
  cause: 'text',
  parent: 'integer',
  parentOp: 'text',
  generation: 'integer',
  input: 'payload',
  output: 'payload',
  error: 'payload',
  created: 'integer',
  ended: 'integer',
  since: 'integer',
  deadline: 'integer',
  at: 'integer',
})

/** What an update of a run sets; `num` comes last, because it stands in the condition. */
export const changesTable: Table<RunChange> = table<RunChange>('runs', {
  status: 'text',
  phase: 'text',
  reason: 'text',
  output: 'payload',
  error: 'payload',
  ended: 'integer',
  num: 'integer',
})

/** What a new generation sets of a run; `num` comes last here too. */
export const continuedTable: Table<RunContinued> = table<RunContinued>('runs', {
  generation: 'integer',
  since: 'integer',
  input: 'payload',
  num: 'integer',
})

const flowName = { ns: 'text', name: 'text', key: 'text' } as const

export const flowNamesTable: Table<Pick<FlowRow, 'name'>> = table<Pick<FlowRow, 'name'>>('flows', { name: 'text' })

export const flowsTable: Table<FlowRow> = table<FlowRow>('flows', {
  ...flowName,
  standing: 'text',
  ending: 'text',
  state: 'text',
  detail: 'text',
  pos: 'integer',
  began: 'integer',
  changed: 'integer',
  due: 'integer',
})

export const flowNames: Table<FlowName> = table<FlowName>('flows', flowName)

export const flowsGoneTable: Table<FlowGone> = table<FlowGone>('flows', { ...flowName, pos: 'integer' })

export const runNamesTable: Table<RunName> = table<RunName>('runs', { num: 'integer', id: 'text' })

export const runCountsTable: Table<RunCount> = table<RunCount>('runs', {
  kind: 'text',
  name: 'text',
  phase: 'text',
  reason: 'text',
  runs: 'integer',
})

export const agedTable: Table<Aged> = table<Aged>('runs', {
  num: 'integer',
  ns: 'text',
  id: 'text',
  kind: 'text',
  key: 'text',
  status: 'text',
  root: 'text',
  generation: 'integer',
  ended: 'integer',
  since: 'integer',
})

export const claimsTable: Table<Claim> = table<Claim>('claims', {
  ns: 'text',
  space: 'text',
  id: 'text',
  num: 'integer',
  hash: 'text',
  until: 'integer',
})

export const claimNames: Table<ClaimName> = table<ClaimName>('claims', { ns: 'text', space: 'text', id: 'text' })

/** `until` comes last: the name stands in the condition as it does in that of `claimNames`. */
export const claimsUntil: Table<ClaimUntil> = table<ClaimUntil>('claims', {
  ns: 'text',
  space: 'text',
  id: 'text',
  until: 'integer',
})

export const suspectsTable: Table<SuspectRow> = table<SuspectRow>('suspects', {
  run: 'integer',
  what: 'text',
  deaths: 'integer',
})

export const journalTable: Table<JournalRow> = table<JournalRow>('journal', {
  pos: 'integer',
  run: 'integer',
  seq: 'integer',
  kind: 'text',
  at: 'integer',
  data: 'payload',
})

export const journalBefore: Table<JournalBefore> = table<JournalBefore>('journal', {
  run: 'integer',
  before: 'integer',
})

export const eventsTable: Table<EventRow> = table<EventRow>('events', {
  pos: 'integer',
  ns: 'text',
  type: 'text',
  key: 'text',
  source: 'text',
  id: 'text',
  data: 'payload',
  root: 'text',
  cause: 'text',
  published: 'flag',
  at: 'integer',
})

export const agedEventsTable: Table<AgedEvent> = table<AgedEvent>('events', {
  pos: 'integer',
  ns: 'text',
  key: 'text',
  source: 'text',
  id: 'text',
  at: 'integer',
})

export const timersTable: Table<TimerRow> = table<TimerRow>('timers', { due: 'integer', run: 'integer', op: 'text' })

/** What is put into the inbox; the store gives the id. */
export const inboxItems: Table<InboxItem> = table<InboxItem>('inbox', {
  ns: 'text',
  slot: 'integer',
  kind: 'text',
  target: 'text',
  data: 'payload',
  at: 'integer',
})

export const inboxIdsTable: Table<Pick<InboxRow, 'id'>> = table<Pick<InboxRow, 'id'>>('inbox', { id: 'integer' })

export const inboxTable: Table<InboxRow> = table<InboxRow>('inbox', {
  id: 'integer',
  ns: 'text',
  slot: 'integer',
  kind: 'text',
  target: 'text',
  data: 'payload',
  at: 'integer',
})
