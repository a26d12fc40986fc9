// A name that retention has freed is new: nothing that followed from the last of that name is there to be met by what
// follows from the next, whichever way it followed.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live, sweep } from '../../test/support/sweeps.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const Placed = event('order.placed', Order, { key: 'orderId' })
const Told = event('order.told', Order, { key: 'orderId' })
const Go = signal('go', z.null())
const output = z.null()

const held = gate()
const desk = service('desk', {
  hang: operation({ input: Order, output, timeout: '365d', run: () => held.promise.then(() => null) }),
})
const slow = workflow('slow', { input: Order, output, signals: [Go] }, async (run) => (await run.receive(Go)).data)
const order = workflow('order', { input: Order, output, key: 'orderId' }, async (run, { orderId }) => {
  run.emit(Told({ orderId }))
  return null
})
desk.on(Placed, (placed) => (placed.orderId === 'slow' ? slow(placed) : order(placed)))
desk.on(Told, (told) => desk.hang(told))
const definition = ballet({ services: [desk], workflows: [slow, order], events: [Placed, Told] })

async function opened() {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const retention = { runs: '20s', dedupe: '20s' } as const
  const app = await openForTest(definition, { store: memory(data), clock, retention })
  const ids = (): readonly string[] => [...data.runs.values()].map(({ id }) => id)
  return { app, clock, data, ids }
}

test('the id of an event is taken while a run that followed from it is there', async () => {
  const { app, clock, data, ids } = await opened()
  const publish = () => app.publish(Placed({ orderId: 'slow' }), { id: 'e', source: 'web' })
  await publish()
  await live(clock, 50)
  const id = ids().find((one) => one.endsWith('~slow.0')) ?? ''
  // It ends so late that everything before it is forgotten long before it is.
  await app.signal(id, Go(null))
  await app.result(id)
  await sweep(clock)
  expect([ids(), data.events]).toEqual([[id], []])
  expect(await publish()).toMatchObject({ created: false })
})

test('the key of a run that a reaction started is taken while what it set off is there', async () => {
  const { app, clock, ids } = await opened()
  await app.publish(Placed({ orderId: 'k' }))
  await live(clock, 100)
  expect(ids()).toEqual(['order:k', expect.stringContaining('desk:order.told:')])
  expect(await app.start(order({ orderId: 'k' }))).toMatchObject({ created: false })
  held.open()
  await live(clock, 50)
  expect(ids()).toEqual([])
  expect(await app.start(order({ orderId: 'k' }))).toMatchObject({ created: true })
})
