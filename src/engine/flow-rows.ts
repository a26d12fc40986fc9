// What a monitor reads and writes as rows: what of an event an account takes, the event that tells of a deadline, one row for the
// flow of each key, and one without a key for a choreography, which says how far its events have been taken. Used by monitor.ts.
import { saveAccount, type FlowAccount, type FlowEvent, type FlowKnowledge } from '../core/flow-account.ts'
import type { FlowDeadline } from '../core/flow.ts'
import { eventRef } from '../core/ids.ts'
import { parseText } from '../core/json-text.ts'
import { DEFAULT_NAMESPACE, overdueType, splitKey } from '../core/names.ts'
import type { EventRow, FlowRow } from '../core/store.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'
import { overdueData } from '../define/overdue.ts'
import type { Fact } from './facts.ts'
import type { ShardContext } from './shard-context.ts'

interface Followed {
  readonly choreography: ChoreographyDefinition
  readonly key: string
  readonly account: FlowAccount
}

/** The timers of flows belong to no run. */
export const NO_RUN = 0

/** Which flow a timer is for. Those of a namespace of its own stand beside the others. */
export function opOfFlow(ns: string, { name, key }: Pick<FlowRow, 'name' | 'key'>): string {
  return `${prefixOf(ns)}${name} ${key}`
}

/** Before the names of the timers of a namespace. */
export function prefixOf(ns: string): string {
  return ns === DEFAULT_NAMESPACE ? '' : `${ns}/`
}

/** An account keeps the last event; its payload need not be kept with it. */
export function eventOf({ type, pos, at, source, id, root }: EventRow): FlowEvent {
  return { type, pos, at, source, id, root }
}

/** @param before the contract by which it stood until today's; of a flow that has ended by that it is kept. */
export function rowOf(
  ns: string,
  { choreography, key, account }: Followed,
  knowledge: FlowKnowledge,
  before: string | null = null,
): FlowRow {
  const { began, changed, last } = account
  const saved = saveAccount(choreography.flow, account, knowledge)
  const row = { ns, name: choreography.name, key, ...saved, pos: last.pos, began, changed }
  if (before === null || row.standing !== 'complete') return row
  return { ...row, detail: JSON.stringify({ ...(parseText(row.detail) as object), before }) }
}

/** The contract by which a row stands. */
export const hashOf = ({ state }: Pick<FlowRow, 'state'>): string => state.split(' ', 1)[0] ?? ''

/** The contract by which a flow stood before another one by which it has ended; null when it has ended by its own. */
export const beforeOf = ({ standing, detail }: FlowRow): string | null =>
  standing === 'complete' ? ((parseText(detail) as { readonly before?: string }).before ?? null) : null

/**
 * By the choreography of today the flow of a row has not begun: what came for its key is foreign, and the row would say
 * otherwise. Its timer stays, and finds no flow when it comes.
 */
export function forgoFlow({ log, writer }: Pick<ShardContext, 'log' | 'writer'>, row: FlowRow): void {
  const { name, key } = row
  log.warn(
    `The flow ${name} of ${key} is not followed any more: ${name} is another one now, and nothing has come that begins it.`,
  )
  writer.rows.flowsGone.push(row)
}

/** A deadline that has passed, and the last event before that. */
export interface Passed {
  readonly deadline: FlowDeadline
  readonly last: FlowEvent
}

/** The event that says so. Its id is made of the key and the deadline. */
export function overdueFact(name: string, key: string, { deadline: { by, types }, last }: Passed): Fact {
  const { field, value } = splitKey(key)
  const data = overdueData({ name, key: field }, value, types, by)
  return {
    type: overdueType(name),
    key,
    source: name,
    id: `${value}:${by}:${types.join('|')}`,
    data: JSON.stringify(data),
    root: last.root,
    cause: eventRef(last.source, last.id),
    published: true,
  }
}

/**
 * How far a choreography is followed: from behind a position on, and up to one. Behind `from` by the contract with this hash, by which
 * flows that go on may not stand yet (`isBehind`).
 */
interface Place {
  readonly since: number
  readonly pos: number
  readonly hash: string
  readonly from: number
  readonly isBehind: boolean
}

/** The row without a key: it also says which field the keys have. @param now milliseconds since the epoch. */
export function placeRow(
  ns: string,
  { name, key, flow: { hash } }: ChoreographyDefinition,
  { since, pos, from, isBehind }: Omit<Place, 'hash'>,
  now: number,
): FlowRow {
  return {
    ns,
    name,
    key: '',
    standing: 'on track',
    ending: null,
    state: '',
    detail: JSON.stringify({ field: key, since, hash, from, ...(isBehind ? { isBehind } : {}) }),
    pos,
    began: now,
    changed: now,
    due: null,
  }
}

/**
 * What the row without a key says. Before it said from where on, all events of a key counted; before it said by which contract, it may
 * have been any.
 */
export function placeOf({ detail, pos }: FlowRow): Place {
  const { since = -1, hash = '', from = pos, isBehind = false } = parseText(detail) as Partial<Place>
  return { since, pos, hash, from, isBehind }
}

/** Since when its choreography is not in the code, by the row without a key; null when that is not known. */
export function leftOf({ detail }: FlowRow): number | null {
  const { left = null } = parseText(detail) as { readonly left?: number }
  return left
}
