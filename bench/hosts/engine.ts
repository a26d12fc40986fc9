// The engine: orders are started in its own process, or come over HTTP to its own server.
import { createRequire } from 'node:module'
import { open } from 'ballet'
import { serve } from 'ballet/server'
import { checkout, definition } from '../checkout.ts'
import { host } from '../host.ts'

interface Settings {
  /** As for the command: `file:<path>` or `postgres://...`. */
  readonly store: string
  readonly http?: boolean
}

/** By default the server takes 1,000, and the crowd is of 1,024. */
const CONNECTIONS = 2048
const log = { info: () => {}, warn: () => {}, error: (message: string) => console.error(message) }
const { version } = createRequire(import.meta.url)('ballet/package.json') as { readonly version: string }

await host(async ({ store, http }: Settings) => {
  const app = await open(definition, { store, log })
  const serving = http === true ? await serve(app, { port: 0, connections: CONNECTIONS }) : undefined
  const durability = store.startsWith('file:')
    ? `SQLite ${process.versions.sqlite}, write-ahead log, synchronous=FULL`
    : 'PostgreSQL, its defaults'
  return {
    about: {
      system: 'ballet',
      version,
      settings: http === true ? `connections=${CONNECTIONS}` : 'defaults',
      durability,
    },
    order: async (order) => app.result((await app.start(checkout(order))).id),
    ...(serving && {
      http: { url: `${serving.url}/api/runs?wait=30s`, body: '{"call":"checkout","input":ORDER}' },
    }),
    close: async () => {
      await serving?.close()
      await app.close()
    },
  }
})
