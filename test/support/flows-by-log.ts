// What the rows of the flows of a choreography should say: what their events come to, taken one after the other from the log.
import { parseDetail, takeEvent, type FlowAccount } from '../../src/core/flow-account.ts'
import type { EventRow, FlowRow } from '../../src/core/store.ts'
import type { ChoreographyDefinition } from '../../src/define/definition.ts'
import { eventOf } from '../../src/engine/flow-rows.ts'

export interface JudgedFlow {
  readonly key: string
  /** Undefined when it has none. */
  readonly row: FlowRow | undefined
  /** Where it differs from what its events come to; null when it does not. */
  readonly problem: string | null
}

/** Every flow that has a row, or should have one. */
export function flowsByLog(
  { name, flow }: ChoreographyDefinition,
  events: Iterable<EventRow>,
  flows: Iterable<FlowRow>,
): readonly JudgedFlow[] {
  const accounts = new Map<string, FlowAccount>()
  for (const event of events) {
    if (!flow.types.has(event.type)) continue
    const account = takeEvent(flow, accounts.get(event.key) ?? null, eventOf(event))
    if (account !== null) accounts.set(event.key, account)
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
    return { key, row, problem: found === wanted ? null : `stands as ${found}, and its events come to ${wanted}` }
  })
}
