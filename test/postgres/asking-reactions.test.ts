// A reaction asks another shard for its workflow and waits for the answer: when it is cancelled meanwhile, it ends as cancelled
// only if nothing begins; and of several askings the answer to the last one counts.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Codec } from '../../src/core/codec.ts'
import { Placement } from '../../src/core/placement.ts'
import { SLOT_COUNT } from '../../src/core/store.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, event, service, workflow, type Application } from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { openForTest, until } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const SHARDS = 8
const place = new Placement({ slots: SLOT_COUNT, shards: SHARDS })
const customerId = [...Array(100).keys()]
  .map(String)
  .find((id) => place.shardOf(`customerId:${id}`) !== place.shardOf('orderId:1'))
const told = { orderId: '1', customerId: customerId ?? '' }
const account = `account:${told.customerId}`
const reaction = 'customers:placed:1'

const Placed = event('placed', z.object({ orderId: z.string(), customerId: z.string() }), { key: 'orderId' })
const opened = workflow(
  'account',
  { input: z.object({ customerId: z.string() }), output: z.json(), key: 'customerId' },
  async () => 'open',
)
const customers = service('customers', {})
customers.on(Placed, ({ customerId: id }) => opened({ customerId: id }))
const definition = ballet({ name: 'shop', services: [customers], workflows: [opened] })

/** An application whose reaction has asked for a workflow in a shard that cannot read it, as long as `isAway`. */
async function asking(): Promise<{
  readonly app: Application
  readonly store: string
  readonly key: { isAway: boolean }
  readonly codec: Codec
}> {
  const found = await newPlace()
  closing.push(() => found.drop())
  const store = found.url(`&shards=${SHARDS}`)
  const key = { isAway: true }
  const codec: Codec = {
    encode: (text) => text,
    decode: (payload, { row, id }) => {
      if (key.isAway && row === 'turn' && id === account) throw new Error('the key is away')
      return String(payload)
    },
  }
  const app = await openForTest(definition, { store, codec })
  await app.publish(Placed(told), { id: '1' })
  await until(app, null, async () => (await app.nodes()).shards.some(({ waiting }) => waiting > 0))
  return { app, store, key, codec }
}

test('a reaction that is cancelled after it has asked for its workflow ends as cancelled, and nothing begins', async () => {
  const { app, store, key, codec } = await asking()
  expect(await app.cancel(reaction, { by: 'ann', why: 'no' })).toMatchObject({ changed: true })
  // What became of the workflow is not known yet.
  expect(await app.run(reaction)).toMatchObject({ status: 'running', phase: 'cancelling' })
  expect(await app.cancel(reaction)).toMatchObject({ changed: false })
  await app.close()
  key.isAway = false
  const next = await openForTest(definition, { store, codec })
  await expect(next.result(reaction)).rejects.toMatchObject({
    code: 'RUN_CANCELLED',
    details: { by: 'ann', why: 'no' },
  })
  await next.close()
  const last = await openForTest(definition, { store, codec })
  expect(await last.run(account)).toBeNull()
  expect(await last.run(reaction)).toMatchObject({ status: 'cancelled' })
})

test('a reaction that is cancelled when its workflow has begun ends with that', async () => {
  const { app, store, key, codec } = await asking()
  // Somebody else has begun it meanwhile.
  await app.start(opened({ customerId: told.customerId }))
  await app.cancel(reaction, { by: 'ann' })
  await app.close()
  key.isAway = false
  const next = await openForTest(definition, { store, codec })
  expect(await next.result(reaction)).toEqual({ run: account })
  expect(await next.run(reaction)).toMatchObject({ status: 'completed' })
})

test('a refusal of an earlier asking does not park a reaction that has asked again', async () => {
  const { app, store, key, codec } = await asking()
  const error = { code: 'RUN_CONFLICT', message: 'there is another' }
  const refused = { run: reaction, id: account, ask: 'an earlier one', refused: { reason: 'conflict', error } }
  const outside = postgres({ url: store, clock: systemClock })
  await outside.open()
  const tag = { ns: 'default', slot: place.slotOf(reaction), kind: 'begun', target: reaction } as const
  await outside.post(place.shardOf(reaction), [{ ...tag, data: JSON.stringify(refused), at: 0 }])
  await outside.close()
  // A negative answer waits for the inbox of that shard.
  expect(await app.run('other:1')).toBeNull()
  expect(await app.run(reaction)).toMatchObject({ status: 'running' })
  await app.close()
  key.isAway = false
  const next = await openForTest(definition, { store, codec })
  expect(await next.result(reaction)).toEqual({ run: account })
})

test('a workflow in another shard begins with what its schema made of a Date, which is none any more there', async () => {
  const found = await newPlace()
  closing.push(() => found.drop())
  const input = z.object({ customerId: z.string(), at: z.date().transform((at) => at.toISOString()) })
  const dated = workflow('dated', { input, output: z.json(), key: 'customerId' }, async (_run, { at }) => at)
  const desk = service('desk', {})
  desk.on(Placed, ({ customerId: id }) => dated({ customerId: id, at: new Date(0) }))
  const app = await openForTest(ballet({ name: 'shop', services: [desk], workflows: [dated] }), {
    store: found.url(`&shards=${SHARDS}`),
  })
  await app.publish(Placed(told), { id: '1' })
  const id = `dated:${told.customerId}`
  expect(await app.result('desk:placed:1')).toEqual({ run: id })
  expect(await app.result(id)).toBe(new Date(0).toISOString())
})
