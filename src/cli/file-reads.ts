// Reads a store's file without a process: the same answers as from a running application, read-only, also beside a
// process that writes. What runs and waits there is as the last commit left it.
import { splitKey } from '../core/names.ts'
import type { Reads } from './reads.ts'

/** How many of the runs and events tell which fields keys have: no definition says it here. */
const SAMPLE = 1000

/** Opens the file for reading. @throws STORE_MISSING, STORE_FOREIGN, STORE_NEWER, STORE_FAILED */
export async function readFile(path: string): Promise<Reads> {
  const [{ sqlite }, { Queries }] = await Promise.all([
    import('../stores/sqlite/sqlite-store.ts'),
    import('../engine/queries.ts'),
  ])
  const store = sqlite({ file: path, readOnly: true })
  await store.open()
  const queries = new Queries({ reader: store })
  return {
    run: async (id) => queries.run(id),
    runs: async (request) => queries.runs(request),
    journal: async (run, request) => queries.journal(run, request),
    events: async (request) => queries.events(request),
    key: async (field, value) => queries.key(field, value),
    flows: async (name, request) => queries.flows(name, request),
    graph: async (root) => queries.graph(root),
    async fields() {
      const some = { ns: 'default', limit: SAMPLE }
      const [runs, events] = await Promise.all([store.runs(0, some), store.events(0, some)])
      return [...new Set([...runs, ...events].flatMap(({ key }) => (key === null ? [] : [splitKey(key).field])))]
    },
    close: async () => store.close(),
  }
}
