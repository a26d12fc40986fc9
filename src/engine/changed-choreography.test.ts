// A choreography that is another one when the application is opened anew, with flows going on.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { HandClock } from '../../test/support/clocks.ts'
import { live } from '../../test/support/sweeps.ts'
import { ballet, choreography, event, seq } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Created = event('order.created', Order, byOrder)
const Declined = event('order.declined', Order, byOrder)
const Paid = event('payment.approved', Order, byOrder)
const Shipped = event('order.shipped', Order, byOrder)

test('a flow that has not begun by a changed choreography is none: its row goes, and its deadline tells nothing', async () => {
  const data = new MemoryData()
  const clock = new HandClock()
  const log = keptLog()
  const options = () => ({ store: memory(data), clock, log }) as const
  const begins = (first: 'order.created' | 'order.declined') =>
    ballet({
      services: [],
      choreographies: [
        choreography(
          'delivery',
          byOrder,
          seq(first === 'order.created' ? Created : Declined, Paid.within('200s'), Shipped),
        ),
      ],
      events: [Created, Declined, Paid, Shipped],
    })
  const first = await openForTest(begins('order.created'), options())
  for (const orderId of ['a', 'b']) await first.publish(Created({ orderId }))
  expect(await first.flow('delivery', 'a')).toMatchObject({ state: 'on track' })
  await first.close()
  expect(data.timers.size).toBe(2)
  const app = await openForTest(begins('order.declined'), options())
  await app.publish(Paid({ orderId: 'a' }))
  await app.publish(Declined({ orderId: 'b' }))
  expect(await app.flow('delivery', 'a')).toBeNull()
  expect(await app.flow('delivery', 'b')).toMatchObject({ state: 'on track', awaited: [{ event: Paid.type }] })
  await live(clock, 210)
  expect(await app.flow('delivery', 'a')).toBeNull()
  expect(await app.flow('delivery', 'b')).toMatchObject({ state: 'overdue' })
  expect([data.timers.size, data.events.filter(({ type }) => type === 'delivery.overdue')]).toMatchObject([
    0,
    [{ key: 'orderId:b' }],
  ])
  expect(log.lines.join('\n')).toContain('The flow delivery of orderId:a is not followed any more')
})
