// The flows that a monitor followed, held against the log: at the end of a story each is what its events come to, taken one
// after the other in a process that never died, and no key with events is without one.
import { parseDetail, takeEvent, type FlowAccount } from '../../src/core/flow-account.ts'
import type { ChoreographyDefinition } from '../../src/define/definition.ts'
import type { World } from '../../src/testing/simulation/world.ts'

export function judgeFlows(world: World, { name, flow }: ChoreographyDefinition): void {
  const accounts = new Map<string, FlowAccount>()
  for (const { key, type, pos, at, source, id, root } of world.disk.events) {
    if (!flow.types.has(type)) continue
    const event = { type, pos, at, source, id, root }
    const account = takeEvent(flow, accounts.get(key) ?? null, event)
    if (account !== null) accounts.set(key, account)
  }
  const rows = new Map([...world.disk.flows.values()].filter((row) => row.name === name).map((row) => [row.key, row]))
  rows.delete('')
  for (const key of new Set([...accounts.keys(), ...rows.keys()])) {
    const [account, row] = [accounts.get(key), rows.get(key)]
    if (account === undefined || row === undefined) {
      world.blame('FLOW', `${key} has ${row === undefined ? 'no row' : 'no events'}`)
      continue
    }
    const { broken, breaks, seen } = parseDetail(row.detail)
    const found = JSON.stringify({ broken, breaks, seen, pos: row.pos, state: row.state, ending: row.ending })
    const { ending } = flow.verdict(account.state)
    const rest = { broken: account.broken, breaks: account.breaks, seen: account.seen, pos: account.last.pos }
    const wanted = JSON.stringify({ ...rest, state: flow.save(account.state), ending })
    if (found !== wanted) world.blame('FLOW', `${key} stands as ${found}, and its events come to ${wanted}`)
    // What the shop does is what it says that it does.
    if (broken !== null) world.blame('FLOW', `${key} is broken: ${JSON.stringify(broken)}, after ${seen.join(', ')}`)
    else if (ending === null) world.blame('FLOW', `${key} has not ended: ${seen.join(', ')}`)
  }
}
