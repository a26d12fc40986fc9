// What keeps failing is asked of every node that carries runs, and it is said when one of them has not answered.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Placement } from '../../src/core/placement.ts'
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

/** So many that no node is without one, however they fall. */
const SHARDS = 24
const place = new Placement({ slots: 16_384, shards: SHARDS })
const isIn = (id: string) => (other: string) => place.shardOf(other) === place.shardOf(id)

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
  const schema = await newPlace()
  closing.push(() => schema.drop())
  const store = schema.url(`&shards=${SHARDS}&lease=5&pool=4`)
  const [one, other] = [await node(store), await node(store)]
  const asked = async (query = '') => {
    const response = await fetch(`${one.url}/api/failing${query}`, { headers: { authorization: 'Bearer only-look' } })
    expect(response.status).toBe(200)
    return (await response.json()) as Awaited<ReturnType<typeof one.app.failing>>
  }
  // Each has a part of the shards.
  await until(async () => (await other.app.failing()).shards.known > 0)
  // One in each shard, whichever node has it.
  const ids = Array.from({ length: 500 }, (_, n) => `run-${n}`).filter((id, n, all) => all.findIndex(isIn(id)) === n)
  expect(ids).toHaveLength(SHARDS)
  for (const id of ids) await one.app.start(depot.ship(id), { id })
  const isWhole = (page: Awaited<ReturnType<typeof asked>>): boolean =>
    page.failing[0]?.calls === ids.length && page.shards.known === SHARDS
  const all = await until(async () => {
    const page = await asked()
    return isWhole(page) && page
  })
  expect(all).toMatchObject({ failing: [{ name: 'depot.ship' }], shards: { known: SHARDS, of: SHARDS } })
  const here = await asked('?here=true')
  expect(here.shards.known).toBeLessThan(SHARDS)
  await other.server.close()
  const left = await asked()
  expect(left.shards.known).toBeLessThan(SHARDS)
  expect(left.failing[0]?.calls).toBeLessThan(ids.length)
})
