// What keeps failing is asked of every node that carries runs, and it is said when one of them has not answered.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, open, operation, service } from '../../src/index.ts'
import { serve } from '../../src/server/serve.ts'
import { keptLog } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const SECRET = 'a secret of the nodes of this test'
const TOKEN = 'open-sesame'
const depot = service('depot', {
  ship: operation({
    input: z.string(),
    output: z.null(),
    retry: { attempts: 100_000, backoff: '20ms', limit: '20ms' },
    run: () => {
      throw new Error('connect ECONNREFUSED')
    },
  }),
})
const definition = ballet({ name: 'shop', services: [depot] })

async function node(store: string) {
  const ready = Promise.withResolvers<Awaited<ReturnType<typeof open>>>()
  const server = await serve(ready.promise, { port: 0, nodeSecret: SECRET, token: TOKEN, readToken: 'only-look' })
  const app = await open(definition, { store, address: server.url, log: keptLog(), graceMs: 0 })
  ready.resolve(app)
  const close = async (): Promise<void> => {
    await server.close()
    await app.close()
  }
  closing.push(close)
  return { app, url: server.url, server }
}

async function until<T>(look: () => Promise<T | false>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== false) return found
    // What is asked of memory gives way to nothing by itself.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('what keeps failing at any node is told by each, also to who only reads, and what a node that is away carries is said to be unknown', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = place.url('&shards=8&lease=5&pool=4')
  const [one, other] = [await node(store), await node(store)]
  const asked = async (query = '') => {
    const response = await fetch(`${one.url}/api/failing${query}`, { headers: { authorization: 'Bearer only-look' } })
    expect(response.status).toBe(200)
    return (await response.json()) as Awaited<ReturnType<typeof one.app.failing>>
  }
  await until(async () => (await other.app.failing()).shards.known === 4)
  const ids = Array.from({ length: 12 }, (_, n) => `run-${n}`)
  for (const id of ids) await one.app.start(depot.ship(id), { id })
  const all = await until(async () => {
    const page = await asked()
    return page.failing[0]?.calls === ids.length && page
  })
  expect(all).toMatchObject({ failing: [{ name: 'depot.ship' }], shards: { known: 8, of: 8 } })
  const here = await asked('?here=true')
  expect(here.shards).toEqual({ known: 4, of: 8 })
  expect(here.failing[0]?.calls).toBeLessThan(ids.length)
  await other.server.close()
  expect(await asked()).toMatchObject({ failing: [{ calls: here.failing[0]?.calls }], shards: { known: 4, of: 8 } })
})
