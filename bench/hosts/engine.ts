// The engine: orders are started in its own process, or come over HTTP to its own server. Nodes that share a store have a
// server too, over which they reach each other.
import { createRequire } from 'node:module'
import { open, type Application } from 'ballet'
import { serve } from 'ballet/server'
import { checkout, definition, keyedCheckout } from '../checkout.ts'
import { host } from '../host.ts'

interface Settings {
  /** As for the command: `file:<path>` or `postgres://...`. */
  readonly store: string
  readonly http?: boolean
  /** Of all nodes of the store, where there are several. */
  readonly nodeSecret?: string
  /** Each order has a key, and is where that is, whichever node it is asked for at. */
  readonly keyed?: boolean
}

/** By default the server takes 1,000, and the crowd is of 1,024. */
const CONNECTIONS = 2048
const log = { info: () => {}, warn: () => {}, error: (message: string) => console.error(message) }
const { version } = createRequire(import.meta.url)('ballet/package.json') as { readonly version: string }

await host(async ({ store, http = false, nodeSecret, keyed = false }: Settings) => {
  // The address has to be known before the application is open.
  const opened = Promise.withResolvers<Application>()
  const serves = http || nodeSecret !== undefined
  const serving = serves ? await serve(opened.promise, { port: 0, connections: CONNECTIONS, nodeSecret }) : undefined
  const app = await open(definition, { store, log, ...(nodeSecret !== undefined && { address: serving?.url }) })
  opened.resolve(app)
  const durability = store.startsWith('file:')
    ? `SQLite ${process.versions.sqlite}, write-ahead log, synchronous=FULL`
    : 'PostgreSQL, its defaults'
  return {
    about: {
      system: 'ballet',
      version,
      settings: http ? `connections=${CONNECTIONS}` : 'defaults',
      durability,
    },
    order: async (order) => app.result((await app.start((keyed ? keyedCheckout : checkout)(order))).id),
    ...(serving &&
      http && {
        http: { url: `${serving.url}/api/runs?wait=30s`, body: '{"call":"checkout","input":ORDER}' },
      }),
    close: async () => {
      await serving?.close()
      await app.close()
    },
  }
})
