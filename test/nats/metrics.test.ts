// What the metrics of an application say of what comes over NATS: who takes, how much waits, and for how long nothing was taken.
import { describe, expect, test } from 'vitest'
import { memory, type Application } from '../../src/index.ts'
import { HandClock } from '../../src/testing.ts'
import { take } from '../../src/transports/nats/intake.ts'
import { Link } from '../../src/transports/nats/link.ts'
import { Standing } from '../../src/transports/nats/standing.ts'
import { openForTest, until } from '../support/applications.ts'
import { cloudEvent, untilAfter, worldOfTests } from './applications.ts'
import { Placed, Shipped, shopOf } from './ends.ts'

/** By their names without what they all begin with. */
const numbersOf = (app: Application): Readonly<Record<string, readonly unknown[]>> =>
  Object.fromEntries(
    app
      .metrics()
      .filter(({ name }) => name.startsWith('ballet_transport_'))
      .map((metric) => [
        metric.name.slice('ballet_transport_'.length),
        metric.kind === 'histogram' ? [] : metric.samples.map(({ labels, value }) => [labels['name'], value]),
      ]),
  )

describe('numbers of what comes over NATS', () => {
  const world = worldOfTests()
  const send = (id: string): Promise<number> =>
    world.send('order.placed', cloudEvent('order.placed', id, { orderId: 'one', number: 1 }))

  test('the node that takes says so, and how much it has taken, until nobody takes any more', async () => {
    const app = await openForTest(shopOf(world.transport({ takes: [Placed], sends: [Shipped] })), { store: memory() })
    for (const id of ['1', '2', '3']) await send(id)
    await untilAfter(app, 3)
    const number = ['wire', expect.any(Number) as number]
    expect(numbersOf(app)).toEqual({
      taking: [['wire', 1]],
      taken_total: [['wire', 3]],
      waiting: [['wire', 0]],
      idle_seconds: [number],
      lag_seconds: [['wire', 0]],
    })
    await app.cancel('wire:take')
    const none = { waiting: [], idle_seconds: [], lag_seconds: [] }
    await until(app, null, async () => (numbersOf(app)['waiting']?.length === 0 ? true : undefined))
    expect(numbersOf(app)).toEqual({ taking: [['wire', 0]], taken_total: [['wire', 3]], ...none })
  })

  test('an application that only sends has none of them', async () => {
    const app = await openForTest(shopOf(world.transport({ sends: [Placed] })), { store: memory() })
    expect(numbersOf(app)).toEqual({})
  })

  test('what waits behind a message that takes long is asked for, and how long nothing was taken', async () => {
    const clock = new HandClock(Date.now())
    const link = new Link(world.stream, world.nats.connect)
    const filter = `${world.prefix}.order.>`
    const standing = new Standing(clock)
    const inlet = {
      link,
      stream: world.stream,
      filter,
      keys: new Map([['order.placed', 'orderId']]),
      taking: '',
      refused: '',
      noting: '',
      clock,
    }
    const ending = new AbortController()
    const { promise: begun, resolve: begins } = Promise.withResolvers<void>()
    const here = {
      publishNamed: () => {
        begins()
        return new Promise(() => {})
      },
      startNamed: () => Promise.resolve(),
      identity: () => Promise.resolve(undefined),
      begunWith: () => Promise.resolve<unknown>(undefined),
      source: 'shop',
      own: new Set<string>(),
    }
    const read = () => ({ type: 'order.placed', data: { orderId: 'one' } })
    await send('1')
    const told = { run: 'wire:take', progress: undefined, signal: ending.signal, heard: () => {}, standing }
    const taking = take({ ...inlet, read }, here, 'all', told)
    await begun
    for (const id of ['2', '3']) await send(id)
    await world.send('other', 'nothing for us')
    while (standing.now?.waiting !== 3) {
      clock.pass('10s')
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { idleMs, lagMs } = standing.now
    expect([standing.taken, lagMs]).toEqual([0, idleMs])
    clock.pass('5m')
    expect(standing.now).toMatchObject({ idleMs: idleMs + 300_000, lagMs: idleMs + 300_000 })
    ending.abort()
    await expect(taking).rejects.toThrow('aborted')
    expect([standing.taking, standing.now]).toEqual([0, null])
    await link.close()
  })
})
