// What cannot be taken, or sent, as it is: a call that is stuck, which says why, and holds nothing else up.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, event, memory, type Application } from '../../src/index.ts'
import { openForTest, until } from '../support/applications.ts'
import { cloudEvent, eventsOf, stuckIn, untilThere, worldOfTests } from './applications.ts'
import { Placed, shopOf } from './ends.ts'

describe('what is refused over NATS', () => {
  const world = worldOfTests()
  const order = (orderId: string, number = 1): object => ({ orderId, number })

  const untilStuck = (app: Application, wanted: number) =>
    until(app, null, async () => {
      const found = await stuckIn(app)
      return found.length >= wanted ? found : undefined
    })

  test.each([
    ['what is no JSON', 'order 7', {}, 'JSON_MALFORMED: The body is not JSON'],
    ['what is no UTF-8', new Uint8Array([0xff, 0xfe]), {}, 'JSON_MALFORMED: The body is not JSON: it is not UTF-8'],
    ['JSON that is no event', '[1, 2]', {}, 'it must be one event, an object'],
    [
      'an event without an id',
      JSON.stringify({ specversion: '1.0', type: 'order.placed', source: 'crm', data: {} }),
      {},
      'at id: it is missing',
    ],
    ['data that its schema refuses', cloudEvent('order.placed', '7', { orderId: '7' }), {}, 'INPUT_INVALID'],
    ['a key that is none', cloudEvent('order.placed', '7', { orderId: '', number: 1 }), {}, 'KEY_INVALID'],
    ['an id that is none', cloudEvent('order.placed', 'a b', { orderId: '7', number: 1 }), {}, 'ID_INVALID'],
    [
      'a header of the binary form that is none',
      '{}',
      { 'ce-specversion': '0.3', 'ce-id': '7', 'ce-source': 'crm', 'ce-type': 'order.placed' },
      'only "1.0" is understood',
    ],
    ['a forbidden key', '{"__proto__": {}}', {}, 'JSON_KEY_FORBIDDEN'],
  ])('%s is stuck, and what comes behind it is taken', async (_, body, headers, words) => {
    await world.send('order.placed', body, headers)
    await world.send('order.placed', cloudEvent('order.placed', 'next', order('8')))
    const app = await openForTest(shopOf(world.transport({ takes: [Placed] })), { store: memory() })
    const [[id, why] = []] = await untilStuck(app, 1)
    expect(id).toMatch(/^wire\.takeOne:\d{4}-.*Z\.1$/)
    expect(why).toContain(words)
    const [taken] = await untilThere(app, 'order.placed', 1)
    expect(taken).toMatchObject({ id: 'next' })
  })

  test('an event in the binary form is taken', async () => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': '7',
      'ce-source': 'https://crm.example',
      'ce-type': 'order.placed',
    }
    await world.send('order.placed', JSON.stringify(order('7')), headers)
    const app = await openForTest(shopOf(world.transport({ takes: [Placed] })), { store: memory() })
    expect(await untilThere(app, 'order.placed', 1)).toMatchObject([
      { id: '7', source: 'https://crm.example', data: order('7') },
    ])
  })

  test('another event under an id that is taken is told, and the first one stays', async () => {
    await world.send('order.placed', cloudEvent('order.placed', '7', order('7', 1)))
    await world.send('order.placed', cloudEvent('order.placed', '7', order('7', 2)))
    const app = await openForTest(shopOf(world.transport({ takes: [Placed] })), { store: memory() })
    const [[, why] = []] = await untilStuck(app, 1)
    expect(why).toContain('EVENT_CONFLICT')
    expect(await eventsOf(app, 'order.placed')).toMatchObject([{ data: order('7', 1) }])
  })

  test('what was refused is taken when the code is mended and a person says so, or never when it is cancelled', async () => {
    for (const id of ['1', '2']) await world.send('order.placed', cloudEvent('order.placed', id, { orderId: id }))
    let isMended = false
    const Lenient = event(
      'order.placed',
      z
        .object({ orderId: z.string(), number: z.number().optional() })
        .refine(({ number }) => isMended || number !== undefined),
      { key: 'orderId' },
    )
    const transport = world.transport({ takes: [Lenient] })
    const app = await openForTest(ballet({ name: 'shop', services: [], transports: [transport] }), { store: memory() })
    const stuck = (await untilStuck(app, 2)).map(([id]) => id).toSorted()
    expect((await app.retry(stuck[0] ?? '')).id).toBe(stuck[0])
    await untilStuck(app, 2)
    expect(await eventsOf(app, 'order.placed')).toEqual([])
    isMended = true
    await app.retry(stuck[0] ?? '')
    await app.cancel(stuck[1] ?? '')
    expect(await untilThere(app, 'order.placed', 1)).toMatchObject([{ id: '1', data: { orderId: '1' } }])
    expect(await app.result(stuck[0] ?? '')).toBeUndefined()
  })

  test('an event that is larger than the server takes is stuck, and the connection stays', async () => {
    const Note = event('note', z.object({ orderId: z.string(), text: z.string() }), { key: 'orderId' })
    const transport = world.transport({ sends: [Note, Placed] })
    const app = await openForTest(ballet({ name: 'shop', services: [], transports: [transport] }), { store: memory() })
    await app.publish(Note({ orderId: '1', text: 'x'.repeat(1_100_000) }))
    const [[, why] = []] = await untilStuck(app, 1)
    expect(why).toContain('PAYLOAD_TOO_LARGE')
    await app.publish(Placed({ orderId: '2', number: 1 }))
    const manager = await world.nats.manager()
    const sent = await until(app, null, async () => {
      const { state } = await manager.streams.info(world.stream)
      return state.messages === 1
    })
    expect(sent).toBe(true)
  })

  test.each([
    ['a type that is sent', { type: 'order.placed', data: order('7') }],
    ['a type that is not', { type: 'order.shipped', data: order('7') }],
    ['a subject of all', { type: '>', data: 1 }],
    ['nothing', null],
  ])('what is started by hand to send, with %s, is stuck, and nothing is sent', async (_, input) => {
    const app = await openForTest(shopOf(world.transport({ sends: [Placed] })), { store: memory() })
    await app.startNamed({ call: 'wire.send', input, id: 'by-hand' })
    // A run that ends without being stuck has sent it.
    const run = await until(app, null, async () => {
      const view = await app.run('by-hand')
      return view?.status === 'stuck' || view?.status === 'completed' ? view : undefined
    })
    expect(run.waits[0]?.attempt?.error).toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('publish the event') as string,
    })
    const { state } = await (await world.nats.manager()).streams.info(world.stream)
    expect(state.messages).toBe(0)
  })
})
