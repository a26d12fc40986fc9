// Messages that would stop everything, streams that went back, connections that are cut or never made: what concerns one message
// holds up no other, nothing waits for what does not come, and whoever closes is let go.
import { createServer, connect as dial, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { RetentionPolicy } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { ballet, event, memory, type Application } from '../../src/index.ts'
import type { NatsConnection, TakenEvent } from '../../src/nats.ts'
import { fault } from '../../src/core/errors.ts'
import { take } from '../../src/transports/nats/intake.ts'
import { Link } from '../../src/transports/nats/link.ts'
import { Standing } from '../../src/transports/nats/standing.ts'
import { openForTest, until } from '../support/applications.ts'
import { cloudEvent, stuckIn, untilThere, worldOfTests } from './applications.ts'
import { hurried, takeBare } from './bare.ts'
import { Placed, shopOf } from './ends.ts'

const proxies: (() => void)[] = []
afterEach(() => {
  for (const close of proxies.splice(0)) close()
})

/** A way to a server on which what comes from there can be lost, and which can be cut. */
async function wayTo(url: string) {
  const sockets = new Set<Socket>()
  let isLossy = false
  const server = createServer((near) => {
    const far = dial(Number(new URL(url).port), '127.0.0.1')
    sockets.add(near)
    near.on('data', (data) => far.write(data))
    far.on('data', (data) => {
      if (!isLossy) near.write(data)
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = (): void => {
    for (const one of sockets) one.destroy()
    sockets.clear()
  }
  proxies.push(() => {
    cut()
    server.close()
  })
  const servers = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    connect: () => connect({ servers, reconnectTimeWait: 50 }),
    lose: () => void (isLossy = true),
    cut: () => {
      isLossy = false
      cut()
    },
  }
}

/** What the last attempt at the call of a run has failed with. */
const problemOf = (app: Application, run: string): Promise<string> =>
  until(app, null, async () => (await app.run(run))?.waits[0]?.attempt?.error.message)

describe('what would stop everything', () => {
  const world = worldOfTests()
  const order = (id: string): Promise<number> =>
    world.send('order.placed', cloudEvent('order.placed', id, { orderId: id, number: 1 }))
  const untilStuck = (app: Application) =>
    until(app, null, async () => {
      const found = await stuckIn(app)
      return found.length > 0 ? found : undefined
    })

  test('of many that wait none waits for what comes later', async () => {
    for (let number = 0; number < 200; number++) await order(`${number}`)
    const app = await openForTest(shopOf(world.transport({ takes: [Placed] })), { store: memory() })
    expect(await untilThere(app, 'order.placed', 200)).toHaveLength(200)
  })

  const Odd = event(
    'order.placed',
    z.object({ orderId: z.string(), number: z.unknown().transform((one) => (one as string).toUpperCase()) }),
    { key: 'orderId' },
  )
  test.each([
    ['a key of which no text can be made', Placed, { orderId: { toString: null, valueOf: null }, number: 1 }],
    ['data at which its schema throws', Odd, { orderId: '1', number: 1 }],
  ])('%s is stuck, and what comes behind it is taken', async (_, type, data) => {
    await world.send('order.placed', cloudEvent('order.placed', '1', data))
    await world.send(
      'order.placed',
      cloudEvent('order.placed', 'next', { orderId: '8', number: type === Odd ? 'a' : 1 }),
    )
    const transport = world.transport({ takes: [type] })
    const app = await openForTest(ballet({ name: 'shop', services: [], transports: [transport] }), { store: memory() })
    expect(await untilThere(app, 'order.placed', 1)).toMatchObject([{ id: 'next' }])
    expect(await untilStuck(app)).toMatchObject([[expect.stringMatching(/^wire\.takeOne:/), expect.any(String)]])
  })

  test.each([
    ['a promise', async () => ({ type: 'order.placed', data: { orderId: '1', number: 1 } })],
    ['a promise that fails', () => Promise.reject(new Error('odd'))],
    ['nothing', () => undefined],
    ['no type', () => ({ data: {} })],
  ])('a message of which read gives %s is stuck', async (_, read) => {
    await order('1')
    const app = await openForTest(shopOf(world.transport({ takes: [Placed], read: read as never })), {
      store: memory(),
    })
    const [[, why] = []] = await untilStuck(app)
    expect(why).toContain('read must give an event')
  })

  test('a message that can be neither taken nor kept is told, and what comes behind it goes on', async () => {
    await world.send('order.placed', 'one')
    await world.send('order.placed', 'two')
    const told: unknown[] = []
    const { untilHeard } = takeBare(world, undefined, (input) => {
      if (input !== null && typeof input === 'object' && 'missed' in input) told.push(input.missed)
      else throw fault('PAYLOAD_TOO_LARGE', { what: 'The input', size: 2, limit: 1 })
    })
    await untilHeard((place) => place?.after === 2)
    expect(told).toEqual([
      expect.stringMatching(/^the message \S+\.1 can be neither taken nor kept here: .*more than 1/),
      expect.stringMatching(/^the message \S+\.2 can be neither/),
    ])
  })

  test('what was removed is gone by as soon as it is told, so that it is told once and in the same words', async () => {
    for (const id of ['1', '2', '3', '4']) await order(id)
    await (await world.nats.manager()).streams.purge(world.stream, { seq: 4 })
    const told: unknown[] = []
    const places: number[] = []
    const { untilHeard } = takeBare(world, { after: 1 }, (input) => told.push(input))
    await untilHeard((place) => places.push(place?.after ?? -1) === 1)
    expect(told).toMatchObject([{ missed: expect.stringContaining('from message 2 to 3') as string }])
    expect(places).toEqual([3])
  })

  test.each([
    ['all', []],
    [1, [{ missed: expect.stringContaining('from message 2 to 3') as string }]],
  ] as const)('what is not there when it begins with %s is missed by whoever asked for it', async (from, missed) => {
    for (const id of ['1', '2', '3', '4']) await order(id)
    await (await world.nats.manager()).streams.purge(world.stream, { seq: 4 })
    const told: unknown[] = []
    const { inlet, untilHeard } = takeBare(world, undefined, (input) => told.push(input))
    inlet.read = () => null
    await untilHeard((place) => place?.after === 4, from)
    expect(told).toEqual(missed)
  })

  test('each message that was taken says that the attempt lives: those of one key may take long', async () => {
    for (const id of ['1', '2', '3']) await order(id)
    const { inlet, untilHeard } = takeBare(world, undefined, () => {})
    inlet.read = ({ subject }) => ({ type: 'order.placed', id: subject, data: { orderId: '1' } })
    const heard: unknown[] = []
    await untilHeard((place) => {
      heard.push(place)
      return place?.after === 3
    })
    expect(heard.filter((place) => place === undefined)).toHaveLength(3)
  })

  test('a message for which an application that is overloaded has no room waits for it, and no other does', async () => {
    for (const id of ['1', '2', '3']) await order(id)
    const { inlet, here, untilHeard } = takeBare(world, undefined, () => {})
    inlet.clock = hurried()
    inlet.read = ({ data }) => JSON.parse(new TextDecoder().decode(data)) as TakenEvent
    const asked: string[] = []
    here.publishNamed = ({ id = '' }) => {
      asked.push(id)
      const isFull = id === '2' && asked.length < 20
      return isFull ? Promise.reject(fault('OVERLOADED', { problem: 'full' })) : Promise.resolve()
    }
    await untilHeard((place) => place?.after === 3)
    expect(asked.filter((id) => id !== '2')).toEqual(['1', '3'])
    expect(asked).toHaveLength(20)
  })

  test('a stream that has lost what was taken gives its numbers once more, and they are taken', async () => {
    for (const id of ['1', '2']) await order(id)
    const told: unknown[] = []
    const { inlet, published, untilHeard } = takeBare(world, { after: 9 }, (input) => told.push(input))
    inlet.read = ({ subject }) => ({ type: 'order.placed', id: subject, data: {} })
    await untilHeard((place) => {
      if (place?.after === 2) void order('3')
      return place?.after === 3
    })
    expect(told).toMatchObject([
      { missed: expect.stringContaining('from message 3 to 9, and gives those numbers') as string },
    ])
    expect(published).toEqual([`${world.prefix}.order.placed`])
  })

  test('a stream that removes what was not taken here is refused', async () => {
    const name = `${world.stream}-interest`
    await world.nats.makeStream({ name, subjects: ['interest.>'], retention: RetentionPolicy.Interest })
    const { inlet, here } = takeBare(world, undefined, () => {})
    const link = new Link(name, world.nats.connect)
    const { signal } = new AbortController()
    const told = { run: 'wire:take', progress: undefined, signal, heard: () => {}, standing: new Standing(hurried()) }
    const taking = take({ ...inlet, link, stream: name, clock: hurried() }, here, 'all', told)
    await expect(taking).rejects.toThrow('its retention is "interest"')
    await link.close()
  })

  test('what the server had sent when the connection was cut is asked for anew', async () => {
    const way = await wayTo(world.nats.url)
    const app = await openForTest(shopOf(world.transport({ takes: [Placed], connect: way.connect })), {
      store: memory(),
    })
    await order('1')
    await untilThere(app, 'order.placed', 1)
    way.lose()
    for (const id of ['2', '3']) await order(id)
    const manager = await world.nats.manager()
    // The server takes them for delivered.
    let pending = 1
    while (pending > 0) for await (const one of manager.consumers.list(world.stream)) pending = one.num_pending
    way.cut()
    const taken = await untilThere(app, 'order.placed', 3)
    expect(taken.map(({ id }) => id)).toEqual(['1', '2', '3'])
  })

  test('an attempt whose connection is cut before it is acknowledged has failed then, and the next one sends', async () => {
    const way = await wayTo(world.nats.url)
    const app = await openForTest(shopOf(world.transport({ sends: [Placed], connect: way.connect })), {
      store: memory(),
    })
    const first = await app.publish(Placed({ orderId: '1', number: 1 }))
    await app.result(`wire:order.placed:${first.id}`)
    way.lose()
    const { id } = await app.publish(Placed({ orderId: '2', number: 2 }))
    const manager = await world.nats.manager()
    while ((await manager.streams.info(world.stream)).state.messages < 2);
    way.cut()
    const run = `wire:order.placed:${id}`
    const failed = await until(app, null, async () => (await app.run(run))?.waits[0]?.attempt?.error.message)
    expect(failed).toContain('the connection was cut before it was acknowledged')
    await app.result(run)
    expect((await manager.streams.info(world.stream)).state.messages).toBe(2)
  })

  test('a connection that is never made does not hold up an application that closes', async () => {
    const transport = world.transport({ takes: [Placed], sends: [Placed], connect: () => new Promise(() => {}) })
    const app = await openForTest(shopOf(transport), { store: memory(), graceMs: 600_000 })
    await until(app, null, async () => (await app.run('wire:take'))?.status === 'running')
    await app.close()
    expect(await app.stopped).toBeNull()
  })

  test('whoever waits for a connection when all closes makes no other, which nobody would end', async () => {
    const { promise, resolve } = Promise.withResolvers<NatsConnection>()
    let asked = 0
    const link = new Link(world.stream, () => {
      asked += 1
      return promise
    })
    const opening = link.open()
    const closing = link.close()
    resolve(await world.nats.connect())
    await expect(opening).rejects.toThrow('the application is closing')
    await closing
    expect([asked, (await promise).isClosed()]).toEqual([1, true])
  })

  test('a connection that has ended already is told, and not asked for without end', async () => {
    const ended = await world.nats.connect()
    await ended.close()
    const app = await openForTest(shopOf(world.transport({ sends: [Placed], connect: async () => ended })), {
      store: memory(),
    })
    const { id } = await app.publish(Placed({ orderId: '1', number: 1 }))
    expect(await problemOf(app, `wire:order.placed:${id}`)).toContain('connect() gave a connection that has ended')
  })

  test('a subject that no stream has is named', async () => {
    const app = await openForTest(shopOf(world.transport({ sends: [Placed], prefix: 'elsewhere' })), {
      store: memory(),
    })
    const { id } = await app.publish(Placed({ orderId: '1', number: 1 }))
    expect(await problemOf(app, `wire:order.placed:${id}`)).toContain(
      'no stream there has the subject elsewhere.order.placed',
    )
  })
})
