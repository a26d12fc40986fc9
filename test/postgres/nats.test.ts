// Two nodes of one application on a stream: one of them takes what comes, and when it leaves the other goes on at once, where it was.
import { describe, expect, test } from 'vitest'
import type { Application } from '../../src/index.ts'
import { cloudEvent, eventsOf, untilThere, worldOfTests } from '../nats/applications.ts'
import { Placed, Shipped, warehouseOf } from '../nats/ends.ts'
import { openForTest } from '../support/applications.ts'
import { placeForTest } from './two-versions.ts'

describe('nodes on a stream of NATS', () => {
  const world = worldOfTests()

  test('the node that takes leaves, and another goes on', async () => {
    const store = (await placeForTest()).url('&shards=8&lease=2&pool=4')
    const open = (): Promise<Application> =>
      openForTest(warehouseOf(world.transport({ takes: [Placed], sends: [Shipped] })), { store, graceMs: 600_000 })
    const send = async (from: number, to: number): Promise<void> => {
      for (let number = from; number < to; number++)
        await world.send('order.placed', cloudEvent('order.placed', `evt-${number}`, { orderId: `${number}`, number }))
    }
    const nodes = [await open(), await open()]
    await send(0, 20)
    await untilThere(nodes[0] as Application, 'order.shipped', 20)
    // Whoever has it names nobody else.
    const [taker, other] = nodes.toSorted(
      (one, two) => Number(two.carrierOf('wire:take') === null) - Number(one.carrierOf('wire:take') === null),
    ) as [Application, Application]
    await send(20, 30)
    await taker.close()
    await send(30, 40)
    const shipped = await untilThere(other, 'order.shipped', 40)
    expect(shipped.map(({ subject }) => Number(subject)).toSorted((one, two) => one - two)).toEqual(
      Array.from({ length: 40 }, (_, number) => number),
    )
    expect(await eventsOf(other, 'order.placed')).toHaveLength(40)
  })
})
