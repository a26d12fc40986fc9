// A node whose service fetches its calls, with its server: in the process of a test, or, run by itself, in one that a test can kill. That one
// has its store in STORE, says where it is served, and ends with its parent.
import { z } from 'zod'
import { fetched } from '../../src/http.ts'
import { ballet, open, operation, service, workflow, type Application } from '../../src/index.ts'
import { serve, type Serving } from '../../src/server.ts'
import { secret } from '../remote/asking.ts'

export const nodeSecret = 'a secret of the nodes of this test'
export const HEARTBEAT_MS = 60_000

const quiet = { info: (): void => {}, warn: (): void => {}, error: (): void => {} }

/** A run of `flow` makes one call, which says that it lives. */
export function fetchingDefinition() {
  const table = service('table', {
    export: operation({
      input: z.null(),
      output: z.json(),
      timeout: '1h',
      heartbeat: `${HEARTBEAT_MS}ms`,
      retry: { attempts: 9, backoff: '1ms' },
    }),
  })
  const there = fetched(table, { secrets: [secret] })
  const flow = workflow('flow', { input: z.null(), output: z.object({ told: z.json() }) }, async (run) => ({
    told: await run.call(there.export(null)),
  }))
  return ballet({ name: 'tables', services: [there], workflows: [flow] })
}

/** @param opening opens the application, which is reached at this address. */
export async function fetchingNode(
  opening: (address: string) => Promise<Application>,
): Promise<{ readonly app: Application; readonly serving: Serving }> {
  const { promise, resolve } = Promise.withResolvers<Application>()
  const serving = await serve(promise, { port: 0, token: 'open-sesame', nodeSecret, log: quiet })
  const app = await opening(serving.url)
  resolve(app)
  return { app, serving }
}

if (import.meta.main) {
  const { STORE: store = '' } = process.env
  const opening = (address: string): Promise<Application> => open(fetchingDefinition(), { store, address, log: quiet })
  const { serving } = await fetchingNode(opening)
  process.once('disconnect', () => process.exit())
  process.send?.(serving.url)
}
