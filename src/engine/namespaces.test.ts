// Namespaces that share a store, one after the other: what is due in one of them while another is open is not lost.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { fastClock } from '../../test/support/clocks.ts'
import {
  ballet,
  choreography,
  event,
  memory,
  operation,
  seq,
  service,
  signal,
  TerminalError,
  workflow,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const Order = z.object({ orderId: z.string() })
const Go = signal('go', z.null())
const Placed = event('placed', Order, { key: 'orderId' })
const Sent = event('sent', Order, { key: 'orderId' })

const waits = workflow('waits', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
  await run.receive(Go)
  return null
})
const definition = ballet({
  services: [],
  workflows: [waits],
  events: [Placed, Sent],
  choreographies: [choreography('orders', { key: 'orderId' }, seq(Placed, Sent.within('1m')))],
})

test('what is due in a namespace while another is open comes when its own is', async () => {
  const data = new MemoryData()
  const clock = fastClock(100)
  const tenant = (namespace: string) => openForTest(definition, { store: memory(data), namespace, clock })

  const first = await tenant('first')
  await first.start(waits(null), { id: 'later', at: new Date(clock.now() + 60_000) })
  await first.start(waits(null), { id: 'limited', deadline: new Date(clock.now() + 60_000) })
  await first.publish(Placed({ orderId: '1' }))
  await until(first, null, async () => (await first.flow('orders', '1'))?.state === 'on track')
  await first.close()

  const second = await tenant('second')
  // The same key: its flow has a timer of its own at the same time.
  await second.publish(Placed({ orderId: '1' }))
  await until(second, null, async () => (await second.flow('orders', '1'))?.state === 'on track')
  await until(second, null, async () => (await second.flow('orders', '1'))?.state === 'overdue')
  await second.start(waits(null), { id: 'last', at: new Date(clock.now() + 5000) })
  await until(second, null, async () => (await second.run('last'))?.phase !== 'scheduled')
  await second.close()

  const again = await tenant('first')
  await until(again, null, async () => (await again.run('limited'))?.status === 'cancelled')
  await until(again, null, async () => (await again.run('later'))?.phase !== 'scheduled')
  await until(again, null, async () => (await again.flow('orders', '1'))?.state === 'overdue')
  expect((await again.events({ types: ['orders.overdue'] })).items).toHaveLength(1)
})

test('calls of two namespaces have two keys, and undos name them; those of the default one have none in theirs', async () => {
  const keys: (string | null)[] = []
  const bank = service('bank', {
    charge: operation({
      input: z.null(),
      output: z.null(),
      run: (_input, { idempotencyKey }) => (keys.push(idempotencyKey), null),
    }),
    refund: operation({ input: z.null(), undoes: 'charge', run: (_input, { undoes }) => void keys.push(undoes) }),
  })
  const order = workflow('order', { input: z.null(), output: z.null() }, async (run) => {
    await run.call(bank.charge(null), { undo: () => bank.refund(null) })
    throw new TerminalError('nobody wants it')
  })
  const shop = ballet({ services: [bank], workflows: [order] })
  const data = new MemoryData('a-store')
  for (const namespace of ['first', 'second', 'default']) {
    const app = await openForTest(shop, { store: memory(data), namespace })
    await app.start(order(null), { id: 'order-1' })
    expect(await app.settled('order-1', 60_000)).toMatchObject({ status: 'failed' })
    await app.close()
  }
  const keyOf = (space: string): string => `${space}:order-1:0:bank.charge#0`
  const expected = ['a-store/first', 'a-store/second', 'a-store'].map(keyOf)
  expect(keys).toEqual(expected.flatMap((key) => [key, key]))
})
