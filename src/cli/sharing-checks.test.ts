// What `ballet doctor` says of nodes, of clocks, and of a process that takes no work.
import { expect, test } from 'vitest'
import type { NodesView, NodeView } from '../core/node-views.ts'
import { systemClock } from '../engine/clock.ts'
import { silentLog } from '../engine/log.ts'
import { serve } from '../server/serve.ts'
import { takesWork } from './client.ts'
import { clockCheck } from './database-checks.ts'
import { sharingChecks } from './sharing-checks.ts'

const time = '2026-11-30T03:00:00.000Z'

/** Three shards: of a node that lives, of one that may have gone, and of one that nobody knows any more or owns. */
function view(second: NodeView['state'], third: string | null): NodesView {
  const node = (id: string, state: NodeView['state']): NodeView => {
    const own = {
      app: 'shop',
      version: '1',
      ballet: '0',
      address: null,
      shards: 1,
      began: time,
      heard: time,
      until: time,
    }
    return { id, state, self: false, ...own }
  }
  const shards = ['a', 'b', third].map((owner, shard) => {
    return { shard, owner, address: null, since: time, until: time, epoch: 1, head: 0, waiting: 0 }
  })
  return { leaseMs: 15_000, nodes: [node('a', 'owner'), node('b', second)], shards, aside: [] }
}

test.each([
  [view('owner', 'b'), 'ok', '2 nodes are there, and every shard has its owner'],
  [view('gone', 'a'), 'warn', '1 node is there; 1 of 3 shards have no owner that lives: their runs stand still'],
  [view('gone', null), 'warn', '1 node is there; 2 of 3 shards have no owner that lives: their runs stand still'],
])('shards without a node that lives are told: %#', (nodes, verdict, found) => {
  const [check, aside] = sharingChecks(nodes)
  expect(check).toMatchObject({ name: 'nodes', verdict, found })
  expect(check?.todo?.includes('the lease of 15s') ?? false).toBe(verdict === 'warn')
  expect(aside).toMatchObject({ name: 'aside', verdict: 'ok' })
})

test('a store that one process at a time can have says nothing of nodes', () => {
  expect(sharingChecks({ ...view('owner', null), leaseMs: null }).map(({ name }) => name)).toEqual(['aside'])
})

test.each([
  [400, 'ok', 'goes as that of the server'],
  [65_000, 'warn', 'this machine is 1.08m ahead of the server'],
  [-65_000, 'warn', 'this machine is 1.08m behind the server'],
])('a clock that is %d ms ahead: %s', (aheadMs, verdict, found) => {
  expect(clockCheck(aheadMs)).toMatchObject({ name: 'clock', verdict, found })
})

test('why a process takes no work is what it says itself', async () => {
  await using server = await serve(new Promise<never>(() => {}), { port: 0, log: silentLog })
  expect(await takesWork(server.url, systemClock)).toMatchObject({ detail: 'The application is still recovering.' })
  expect(await takesWork('http://127.0.0.1:1', systemClock)).toMatchObject({
    detail: '',
    hint: expect.stringContaining('log') as string,
  })
})
