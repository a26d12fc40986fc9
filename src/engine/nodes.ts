// The nodes of a store, and who owns it, for people and for the API. Needs a store that is open, and no running engine. A
// store without leases has one node at a time, which knows itself.
import { fault } from '../core/errors.ts'
import type { LeaseRow, NodeInfo, NodeRow } from '../core/lease.ts'
import { LEAVING } from '../core/shares.ts'
import type { Store } from '../core/store.ts'
import type { NodesView, NodeView, ShardView } from '../core/node-views.ts'
import { receiptsOf } from './aside-acts.ts'
import { asidesIn, namespacesOf, type AsideReading } from './asides.ts'
import type { Standing } from '../define/node.ts'

/** The node that asks. `began` in milliseconds since the epoch. */
type Self = NodeInfo & Pick<NodeRow, 'began'>

const SHARD = 0
/** Rows of inboxes that are counted. */
const MOST = 1000

/** Who shares a store, and what waits in it. @param self null when a command reads the store itself, and @param reading then as well. */
export async function nodesOf(store: Store, self: Self | null, reading: AsideReading | null): Promise<NodesView> {
  const view = await sharing(store, self, reading)
  const shards = view.shards.flatMap(({ shard, waiting }) => (waiting > 0 ? [shard] : []))
  return { ...view, aside: await asidesIn(store, shards, reading) }
}

/** The shards in whose inboxes, or beside them, something lies. */
export async function busyShards({ leases }: Store): Promise<readonly number[]> {
  if (leases === undefined) return [SHARD]
  return (await leases.leases()).flatMap(({ shard, waiting }) => (waiting > 0 ? [shard] : []))
}

/** Where a node is reached that has not gone, if it can be; null for any other. Who asks for this asks for nothing else of the store. */
export async function nodeAt({ leases }: Store, id: string): Promise<Standing['owner']> {
  const found = (await leases?.nodes())?.find((node) => node.id === id && node.isAlive)
  return found === undefined ? null : { id, address: found.address }
}

async function sharing(
  store: Store,
  self: Self | null,
  reading: AsideReading | null,
): Promise<Omit<NodesView, 'aside'>> {
  const { leases } = store
  if (leases === undefined) return alone(store, self, reading)
  const [nodes, owned] = await Promise.all([leases.nodes(), leases.leases()])
  return {
    leaseMs: leases.lengthMs,
    nodes: nodes.map((node) => nodeView(node, owned, self?.id)),
    shards: owned.map((lease) => shardView(lease, nodes)),
  }
}

async function alone(store: Store, self: Self | null, reading: AsideReading | null): Promise<Omit<NodesView, 'aside'>> {
  const [{ epoch, head }, waiting] = await Promise.all([store.tenure(SHARD), lyingIn(store, reading)])
  const [owner, address, since] = self === null ? [null, null, null] : [self.id, self.address, time(self.began)]
  const shards = [{ shard: SHARD, owner, address, since, until: null, epoch, head, waiting }]
  if (self === null || since === null) return { leaseMs: null, nodes: [], shards }
  const { id, app, version, ballet } = self
  const node = {
    id,
    app,
    version,
    ballet,
    address,
    state: 'owner',
    shards: 1,
    began: since,
    heard: null,
    until: null,
  } as const
  return { leaseMs: null, nodes: [{ ...node, self: true }], shards }
}

/** Of all namespaces, as where there are leases: what waits for one that is not open waits for its node as well. Receipts wait for nobody. */
async function lyingIn(store: Store, reading: AsideReading | null): Promise<number> {
  const all = await store.inboxIds(SHARD, null, MOST)
  if (all.length === 0) return 0
  let kept = 0
  for (const ns of await namespacesOf(store, reading))
    kept += (await store.inboxIds(SHARD, receiptsOf(ns), Number.MAX_SAFE_INTEGER)).length
  if (kept === 0) return all.length
  return (await store.inboxIds(SHARD, null, MOST + kept)).length - kept
}

function nodeView(row: NodeRow, owned: readonly LeaseRow[], self: string | undefined): NodeView {
  const { id, app, version, ballet, address, began, beat, until, isAlive } = row
  const shards = owned.filter(({ node }) => node === id).length
  const present = version === LEAVING ? 'leaving' : shards > 0 ? 'owner' : 'standby'
  return {
    id,
    app,
    version,
    ballet,
    address,
    state: isAlive ? present : 'gone',
    shards,
    began: known(began),
    heard: time(beat),
    until: time(until),
    self: id === self,
  }
}

function shardView({ shard, node, since, epoch, head, waiting }: LeaseRow, nodes: readonly NodeRow[]): ShardView {
  const owner = nodes.find(({ id }) => id === node)
  return {
    shard,
    owner: owner?.id ?? null,
    address: owner?.address ?? null,
    since: owner === undefined ? null : time(since),
    until: owner === undefined ? null : time(owner.until),
    epoch,
    head,
    waiting,
  }
}

const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

function known(ms: number): string {
  const text = time(ms)
  if (text === null) throw fault('INVARIANT', { problem: 'a node without a beginning' })
  return text
}
