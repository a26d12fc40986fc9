// What `ballet doctor` says of who shares a store and of what lies aside in it, as the store tells both. Read from the store, whoever
// has it. Called by doctor.ts.
import { showMs } from '../core/duration.ts'
import type { NodesView } from '../core/node-views.ts'
import type { Check } from './store-checks.ts'
import { shownTime } from './times.ts'

export function sharingChecks(view: NodesView): readonly Check[] {
  return [...(view.leaseMs === null ? [] : [nodesCheck(view, view.leaseMs)]), asideCheck(view)]
}

/** Whether every shard has a node that lives. */
function nodesCheck({ nodes, shards }: NodesView, leaseMs: number): Check {
  const name = 'nodes'
  const alive = new Set(nodes.filter(({ state }) => state !== 'gone').map(({ id }) => id))
  const there = alive.size === 1 ? '1 node is there' : `${alive.size} nodes are there`
  const left = shards.filter(({ owner }) => owner === null || !alive.has(owner)).length
  if (left === 0) return { name, verdict: 'ok', found: `${there}, and every shard has its owner` }
  const found = `${there}; ${left} of ${shards.length} shards have no owner that lives: their runs stand still`
  if (alive.size === 0) return { name, verdict: 'warn', found, todo: 'Start one: ballet serve <app.ts> --store <url>' }
  const todo = `They are taken over within the lease of ${showMs(leaseMs)}. If they are not, the logs of the nodes say why.`
  return { name, verdict: 'warn', found, todo }
}

/** What was acknowledged and cannot be taken now. */
function asideCheck({ aside }: NodesView): Check {
  const rows = aside.reduce((sum, one) => sum + one.rows, 0)
  const [first] = aside
  if (first === undefined) return { name: 'aside', verdict: 'ok', found: 'nothing lies aside' }
  const found = `${rows} that were acknowledged cannot be taken now, since ${shownTime(first.since)}`
  return { name: 'aside', verdict: 'warn', found, todo: 'ballet aside says which, and why; ballet nodes what to do.' }
}
