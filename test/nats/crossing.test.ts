// Two applications that know nothing of each other but the events that cross between them, over a real server of NATS.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ballet, memory, sqlite, type EventView } from '../../src/index.ts'
import { openForTest, until } from '../support/applications.ts'
import { cloudEvent, eventsOf, untilAfter, untilThere, worldOfTests } from './applications.ts'
import { Placed, Shipped, shopOf, warehouseOf } from './ends.ts'

describe('events over NATS', () => {
  const world = worldOfTests()

  test('what one publishes the other takes, and answers', async () => {
    const shop = await openForTest(shopOf(world.transport({ sends: [Placed], takes: [Shipped] })), { store: memory() })
    await openForTest(warehouseOf(world.transport({ sends: [Shipped], takes: [Placed] })), { store: memory() })
    const { id } = await shop.publish(Placed({ orderId: '1', number: 1 }))
    const [shipped] = await untilThere(shop, 'order.shipped', 1)
    const causationid = `event:shop:${id}`
    expect(shipped).toMatchObject({
      source: 'warehouse/shipping',
      subject: '1',
      data: { orderId: '1', number: 1 },
      causationid,
    })
    const manager = await world.nats.manager()
    const sent = await manager.streams.getMessage(world.stream, { seq: 1 })
    expect(sent?.subject).toBe(`${world.prefix}.order.placed`)
    const head = { specversion: '1.0', id, source: 'shop/shop', type: 'order.placed', subject: '1' }
    expect(sent?.json()).toMatchObject({
      ...head,
      correlationid: `event:shop:${id}`,
      data: { orderId: '1', number: 1 },
    })
  })

  test('events of a key are taken in the order in which they were published', async () => {
    const shop = await openForTest(shopOf(world.transport({ sends: [Placed] })), { store: memory() })
    for (let number = 0; number < 100; number++) await shop.publish(Placed({ orderId: `${number % 3}`, number }))
    const other = await openForTest(shopOf(world.transport({ takes: [Placed], source: 'other' })), { store: memory() })
    const taken = await untilThere(other, 'order.placed', 100)
    for (const order of ['0', '1', '2']) {
      const numbers = taken
        .filter(({ subject }) => subject === order)
        .map(({ data }) => (data as { number: number }).number)
      expect(numbers).toEqual(numbers.toSorted((one, two) => one - two))
    }
  })

  test('what a type of both sides sends is not taken back by whoever sent it', async () => {
    const both = { sends: [Placed], takes: [Placed] }
    const one = await openForTest(shopOf(world.transport({ ...both, source: 'one' })), { store: memory() })
    const two = await openForTest(shopOf(world.transport({ ...both, source: 'two' })), { store: memory() })
    await one.publish(Placed({ orderId: '1', number: 1 }))
    await untilThere(two, 'order.placed', 1)
    await two.publish(Placed({ orderId: '2', number: 2 }))
    await untilThere(one, 'order.placed', 2)
    // Whoever took one has sent it on, under its id, and that came back as well.
    await world.send('order.placed', cloudEvent('order.placed', 'last', { orderId: '3', number: 3 }))
    const names = async (): Promise<readonly (readonly string[])[]> =>
      Promise.all([one, two].map(async (app) => (await untilThere(app, 'order.placed', 3)).map(({ source }) => source)))
    expect(await names()).toEqual([
      ['shop', 'two/shop', 'https://crm.example'],
      ['one/shop', 'shop', 'https://crm.example'],
    ])
  })

  test('an event of a stranger that is sent on keeps its identity, whatever colons that has', async () => {
    const both = { sends: [Placed], takes: [Placed] }
    const names = [
      ['https://crm.example:8443/a', 'order:7'],
      ['urn:crm:b', '7'],
      ['crm', 'a:b'],
    ] as const
    for (const [source, id] of names)
      await world.send('order.placed', cloudEvent('order.placed', id, { orderId: '1', number: 1 }, { source }))
    const one = await openForTest(shopOf(world.transport({ ...both, source: 'one' })), { store: memory() })
    await untilThere(one, 'order.placed', names.length)
    const manager = await world.nats.manager()
    await until(one, null, async () => (await manager.streams.info(world.stream)).state.messages === 2 * names.length)
    const sent = await Promise.all(names.map((_, at) => manager.streams.getMessage(world.stream, { seq: at + 4 })))
    expect(sent.map((message) => message?.json<EventView>()).map((event) => [event?.source, event?.id])).toEqual(names)
  })

  test('what comes twice is one event, also after the application was closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballet-crossing-'))
    const store = () => sqlite({ file: join(folder, 'app.db') })
    const definition = warehouseOf(world.transport({ takes: [Placed] }))
    const message = cloudEvent('order.placed', 'evt-1', { orderId: '1', number: 1 })
    await world.send('order.placed', message)
    const first = await openForTest(definition, { store: store() })
    await untilThere(first, 'order.shipped', 1)
    await first.close()
    await world.send('order.placed', message)
    await world.send('order.placed', cloudEvent('order.placed', 'evt-2', { orderId: '2', number: 2 }))
    const second = await openForTest(definition, { store: store() })
    const shipped = await untilThere(second, 'order.shipped', 2)
    expect(shipped.map(({ subject }) => subject)).toEqual(['1', '2'])
    await second.close()
    rmSync(folder, { recursive: true })
  })

  test('it begins with what the stream has, or with what comes from then on', async () => {
    await world.send('order.placed', cloudEvent('order.placed', 'before', { orderId: '1', number: 1 }))
    const app = await openForTest(shopOf(world.transport({ takes: [Placed], from: 'now' })), { store: memory() })
    await untilAfter(app, 1)
    expect(await app.run('wire:take:begins')).toMatchObject({ name: 'wire.note', input: { after: 1 } })
    await world.send('order.placed', cloudEvent('order.placed', 'after', { orderId: '2', number: 2 }))
    const [taken] = await untilThere(app, 'order.placed', 1)
    expect(taken).toMatchObject({ id: 'after', source: 'https://crm.example' })
  })

  test('a span of whoever sent it, and a cause, come with it', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const more = { traceparent, causationid: 'run:checkout:1' }
    await world.send('order.placed', cloudEvent('order.placed', '1', { orderId: '1', number: 1 }, more))
    const app = await openForTest(shopOf(world.transport({ takes: [Placed] })), { store: memory() })
    const [taken] = await untilThere(app, 'order.placed', 1)
    expect(taken).toMatchObject(more)
  })

  test('messages that are no CloudEvents are read by whoever knows them, and are known by their place', async () => {
    await world.send('raw.bill', 'order=7;number=12')
    await world.send('raw.other', 'nothing for us')
    await world.send('raw.bill', 'order=8;number=13')
    const transport = world.transport({
      takes: [Placed],
      filter: `${world.prefix}.raw.*`,
      read: ({ subject, data }) => {
        const [, orderId, number] = /order=(\d+);number=(\d+)/.exec(new TextDecoder().decode(data)) ?? []
        return subject.endsWith('.bill') ? { type: 'order.placed', data: { orderId, number: Number(number) } } : null
      },
    })
    const app = await openForTest(shopOf(transport), { store: memory() })
    const taken = await untilThere(app, 'order.placed', 2)
    expect(taken.map(({ data }) => data)).toEqual([
      { orderId: '7', number: 12 },
      { orderId: '8', number: 13 },
    ])
    expect(taken[1]).toMatchObject({
      source: `nats/${world.stream}`,
      id: expect.stringMatching(/^\d{4}-.*Z\.3$/) as string,
    })
  })

  test('an application with a transport is played without NATS', async () => {
    const { simulate } = await import('../../src/testing.ts')
    const away = world.transport({
      takes: [Placed],
      sends: [Shipped],
      connect: () => Promise.reject(new Error('asked')),
    })
    const report = await simulate(
      () => ({
        application: warehouseOf(away),
        clients: async (app) => app.publish(Placed({ orderId: '1', number: 1 }), { id: '1' }),
        judge: async (app) => expect((await app.events({ types: ['order.shipped'] })).items).toHaveLength(1),
      }),
      { seeds: 5 },
    )
    expect(report.found).toBeNull()
  })

  test.each([
    [{ stream: 'a b' }, 'stream must be 1 to 200 printable characters without spaces'],
    [{ stream: 'a.b' }, '"a.b" is no name of a stream'],
    [{ prefix: 'a.>' }, 'prefix must be the beginning of a subject'],
    [{ prefix: 'a.' }, 'prefix must have something between its dots'],
    [{ filter: 'a..b' }, 'filter must have something between its dots'],
    [{ from: 'then' as 'now' }, 'from must be "all" or "now"'],
    [{ sends: [{}] as never }, 'sends must be a list of event types'],
    [{ sends: [], takes: [] }, 'it has neither sends nor takes'],
    [{ connect: null as never }, 'connect'],
    [{ streams: 'A' }, 'streams'],
  ])('%j is refused', (options, problem) => {
    expect(() => world.transport({ takes: [Placed], ...options })).toThrow(problem)
  })

  test('what is no transport is refused', () => {
    const parts = { services: [], transports: [{ name: 'wire' }] as never }
    expect(() => ballet(parts)).toThrow('transports[0] is not a transport of events')
  })

  test('nothing is taken of a type that nobody asks for', async () => {
    await world.send('order.placed', cloudEvent('order.placed', '1', { orderId: '1', number: 1 }))
    await world.send('order.shipped', cloudEvent('order.shipped', '2', { orderId: '1', number: 1 }))
    const app = await openForTest(shopOf(world.transport({ takes: [Shipped] })), { store: memory() })
    await untilThere(app, 'order.shipped', 1)
    expect(await eventsOf(app, 'order.placed')).toEqual([])
  })
})
