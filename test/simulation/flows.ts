// The flows that a monitor followed, held against the log: at the end of a story each is what its events come to, taken one
// after the other in a process that never died, and no key with events is without one.
import { parseDetail } from '../../src/core/flow-account.ts'
import type { ChoreographyDefinition } from '../../src/define/definition.ts'
import type { World } from '../../src/testing/simulation/world.ts'
import { flowsByLog } from '../support/flows-by-log.ts'

export function judgeFlows(world: World, choreography: ChoreographyDefinition): void {
  const found = world.disks.flatMap(({ events, flows }) => [...flowsByLog(choreography, events, flows.values())])
  for (const { key, row, problem } of found) {
    if (problem !== null) world.blame('FLOW', `${key} ${problem}`)
    if (row === undefined) continue
    const { broken, seen } = parseDetail(row.detail)
    // What the shop does is what it says that it does.
    if (broken !== null) world.blame('FLOW', `${key} is broken: ${JSON.stringify(broken)}, after ${seen.join(', ')}`)
    else if (row.ending === null) world.blame('FLOW', `${key} has not ended: ${seen.join(', ')}`)
  }
}
