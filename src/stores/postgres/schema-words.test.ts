// A store in a schema that is called by a word of SQL: a shop may well call it `order`. Which words a server takes for a name
// without quotes differs between its versions.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { connection, serverUrl } from '../../../test/postgres/subject.ts'
import { openForTest, until } from '../../../test/support/applications.ts'
import { libraries } from '../../../test/postgres/libraries.ts'
import { ballet, event, operation, service, workflow } from '../../index.ts'
import { systemClock } from '../../engine/clock.ts'
import { SCHEMA_VERSION } from '../../core/store.ts'
import { postgres } from './postgres-store.ts'
import { probe } from './probe.ts'

// Schemas are of a database, and in one of its own all names are free.
const database = `d_${randomUUID().replaceAll('-', '')}`
beforeAll(async () => {
  await (await connection()).unsafe(`CREATE DATABASE ${database}`)
})
afterAll(async () => {
  await (await connection()).unsafe(`DROP DATABASE ${database} WITH (FORCE)`)
})

/** A store of it, with one shard. */
async function urlOf(schema: string, more = ''): Promise<string> {
  const server = new URL(await serverUrl())
  server.pathname = `/${database}`
  return `${server.href}?schema=${schema}&shards=1${more}`
}

const Order = z.object({ orderId: z.string() })
const Ordered = event('ordered', Order, { key: 'orderId' })
const desk = service('desk', {
  greet: operation({ input: Order, output: z.string(), run: ({ orderId }) => `hello ${orderId}` }),
})
desk.on(Ordered, (order) => desk.greet(order))
const checkout = workflow('checkout', { input: Order, key: 'orderId', output: z.string() }, async (run, order) =>
  run.call(desk.greet(order)),
)
const definition = ballet({ name: 'shop', services: [desk], workflows: [checkout] })

test.each([
  ['order', ''],
  ['user', ''],
  ['order', '&prepare=false'],
])('an application carries its runs in the schema %s%s, and goes on after a restart', async (schema, more) => {
  const url = await urlOf(schema, more)
  const [one, two] = [randomUUID(), randomUUID()]
  const first = await openForTest(definition, { store: url })
  await first.start(checkout({ orderId: one }))
  expect(await first.result(`checkout:${one}`)).toBe(`hello ${one}`)
  await first.close()
  const second = await openForTest(definition, { store: url })
  expect(await second.result(`checkout:${one}`)).toBe(`hello ${one}`)
  await second.publish(Ordered({ orderId: two }))
  await until(second, null, async () =>
    (await second.runs({ kind: 'reaction' })).items.some(({ output }) => output === `hello ${two}`),
  )
  expect(await probe(url, systemClock)).toMatchObject({ layout: SCHEMA_VERSION })
  await second.close()
})

test.each(libraries)('%s: a transaction of the application writes into the schema table', async (_name, open) => {
  const app = await openForTest(definition, { store: await urlOf('table') })
  const library = await open(undefined, database)
  try {
    const id = randomUUID()
    await library.within((tx) => app.start(checkout({ orderId: id }), { tx }))
    await until(app, null, async () => (await app.run(`checkout:${id}`)) ?? undefined)
    expect(await app.result(`checkout:${id}`)).toBe(`hello ${id}`)
  } finally {
    await library.close()
    await app.close()
  }
})

const words = ['all', 'analyze', 'authorization', 'check', 'default', 'join', 'null', 'select', 'to', 'with']

test('so are words of every kind that this server keeps for itself', async () => {
  const sql = await connection()
  const kept = await sql`SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T') AND word = ANY (${words})`
  expect(kept).toHaveLength(words.length)
  for (const word of words) {
    const store = postgres({ url: await urlOf(word), clock: systemClock })
    const opened = await store.open()
    await store.close()
    expect({ word, schema: opened.schema }).toEqual({ word, schema: SCHEMA_VERSION })
  }
})

test('a name that the server does not give away is refused before it is asked, to be corrected and not to be tried again', async () => {
  const url = await urlOf('pg_orders')
  const opening = openForTest(definition, { store: url })
  await expect(opening).rejects.toMatchObject({ code: 'STORE_UNKNOWN', family: 'fix' })
  await expect(opening).rejects.toThrow('PostgreSQL keeps names that begin with pg_ for itself; choose another')
})
