// Reads a store without a process: the same answers as from a running application, read-only, also beside a process that
// writes. What runs and waits there is as the last commit left it.
import { existsSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { splitKey, DEFAULT_NAMESPACE } from '../core/names.ts'
import type { EventRow, RunRow, Store } from '../core/store.ts'
import type { StorePlace } from '../server/store-place.ts'
import type { Reads } from './reads.ts'

/** How many of the runs and events tell which fields keys have, and which names there are: no definition says it here. */
const SAMPLE = 1000

/** The store of a place, open for reading; null for one in memory, which nobody else can read. @throws STORE_MISSING and others */
export async function readerOf(place: StorePlace, clock: Clock): Promise<Store | null> {
  if (place.kind === 'memory') return null
  const store = await storeOf(place, clock)
  await store.open()
  return store
}

async function storeOf(place: StorePlace, clock: Clock): Promise<Store> {
  if (place.kind !== 'file') {
    const { postgres } = await import('../stores/postgres/postgres-store.ts')
    return postgres({ url: place.open, clock, readOnly: true })
  }
  if (!existsSync(place.path)) throw fault('STORE_MISSING', { path: place.path })
  const { sqlite } = await import('../stores/sqlite/sqlite-store.ts')
  return sqlite({ file: place.path, readOnly: true })
}

/** What the queries of an application answer, from a store that is open. */
export async function readsOf(store: Store): Promise<Reads> {
  const [{ Queries }, { nodesOf }, { AsideAnswers }] = await Promise.all([
    import('../engine/queries.ts'),
    import('../engine/nodes.ts'),
    import('../engine/aside-answers.ts'),
  ])
  const queries = new Queries({ reader: store })
  const asides = new AsideAnswers({ store, reading: null, open: null })
  return {
    run: async (id) => queries.run(id),
    runs: async (request) => queries.runs(request),
    counts: async () => queries.counts(),
    journal: async (run, request) => queries.journal(run, request),
    events: async (request) => queries.events(request),
    key: async (field, value, cursor) => queries.key(field, value, cursor),
    flows: async (name, request) => queries.flows(name, request),
    nodes: async () => nodesOf(store, null, null),
    asides: async (request) => asides.list(request),
    aside: async (item) => asides.show(item),
    graph: async (root, cursor) => queries.graph(root, cursor),
    async fields() {
      const { runs, events } = await someOf(store)
      return unique([...runs, ...events].flatMap(({ key }) => (key === null ? [] : [splitKey(key).field])))
    },
    async known() {
      const { runs, events } = await someOf(store)
      const [names, types] = [runs.map(({ name }) => name), events.map(({ type }) => type)]
      return { runs: unique(names), events: unique(types), signals: [], of: 'store' }
    },
    close: async () => store.close(),
  }
}

/** Some of the runs and events of each shard. */
async function someOf(
  store: Store,
): Promise<{ readonly runs: readonly RunRow[]; readonly events: readonly EventRow[] }> {
  const { shards } = await store.info()
  const some = { ns: DEFAULT_NAMESPACE, limit: Math.ceil(SAMPLE / shards) }
  const each = Array.from({ length: shards }, (_, shard) => shard)
  const [runs, events] = await Promise.all([
    Promise.all(each.map(async (shard) => store.runs(shard, some))),
    Promise.all(each.map(async (shard) => store.events(shard, some))),
  ])
  return { runs: runs.flat(), events: events.flat() }
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)]
