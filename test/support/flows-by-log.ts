// What the rows of the flows of a choreography should say: what their events come to, taken one after the other from the log;
// and that of every deadline that has passed it is told once.
import { parseDetail, passDeadlines, takeEvent, type FlowAccount } from '../../src/core/flow-account.ts'
import type { EventRow, FlowRow } from '../../src/core/store.ts'
import type { ChoreographyDefinition } from '../../src/define/definition.ts'
import { eventOf, overdueFact } from '../../src/engine/flow-rows.ts'

export interface JudgedFlow {
  readonly key: string
  /** Undefined when it has none. */
  readonly row: FlowRow | undefined
  /** Where it differs from what its events come to; null when it does not. */
  readonly problem: string | null
}

/**
 * Every flow that has a row, or should have one.
 * @param from up to this position another contract was followed: of what was late by this one until then nothing need tell.
 */
export function flowsByLog(
  choreography: ChoreographyDefinition,
  events: Iterable<EventRow>,
  flows: Iterable<FlowRow>,
  from = -1,
): readonly JudgedFlow[] {
  const { name, flow } = choreography
  const accounts = new Map<string, FlowAccount>()
  const told = new Map<string, string[]>()
  for (const event of events) {
    const { type, key, id, at } = event
    if (type === `${name}.overdue`) told.set(key, [...(told.get(key) ?? []), id])
    if (!flow.types.has(type)) continue
    const before = accounts.get(key) ?? null
    // What came behind a deadline came late, whether or not its timer was there.
    const late = before === null || event.pos <= from ? before : passDeadlines(flow, before, at - 1).account
    const account = takeEvent(flow, late, eventOf(event))
    if (account !== null) accounts.set(key, account)
  }
  const rows = new Map([...flows].filter((row) => row.name === name).map((row) => [row.key, row]))
  rows.delete('')
  return [...new Set([...accounts.keys(), ...rows.keys()])].map((key) => {
    const [account, row] = [accounts.get(key), rows.get(key)]
    if (account === undefined || row === undefined)
      return { key, row, problem: `has ${row === undefined ? 'no row' : 'no events'}` }
    const { broken, breaks, seen } = parseDetail(row.detail)
    const found = JSON.stringify({ broken, breaks, seen, pos: row.pos, state: row.state, ending: row.ending })
    const { ending } = flow.verdict(account.state)
    const rest = { broken: account.broken, breaks: account.breaks, seen: account.seen, pos: account.last.pos }
    const wanted = JSON.stringify({ ...rest, state: flow.save(account.state), ending })
    const problem = found === wanted ? null : `stands as ${found}, and its events come to ${wanted}`
    return { key, row, problem: problem ?? judgeTold(choreography, account, row, told.get(key) ?? []) }
  })
}

/** Whether every deadline that passed before an event came was told, each once and no more than the row counts. */
function judgeTold(
  { name, onDeadline }: ChoreographyDefinition,
  { told, last }: FlowAccount,
  { key, detail }: FlowRow,
  ids: readonly string[],
): string | null {
  if (onDeadline === 'record') return null
  const { overdues } = parseDetail(detail)
  if (new Set(ids).size < ids.length || ids.length !== overdues)
    return `was overdue ${overdues} times, and of it is told by ${ids.join(', ') || 'nothing'}`
  const missing = told
    .map((deadline) => overdueFact(name, key, { deadline, last }).id)
    .filter((id) => !ids.includes(id))
  return missing.length === 0 ? null : `was overdue, and nothing tells of ${missing.join(', ')}`
}
