// What comes while it is decided whether a flow is conducted, or has ended: the store holds back an answer, and what is
// written meanwhile counts.
import { expect, test } from 'vitest'
import { gate, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { begin, byOrder, codeOf, Created, Order, shop } from '../../test/support/conducted.ts'
import { guarded } from '../../test/support/stores.ts'
import { live, rounds } from '../../test/support/sweeps.ts'
import { ballet, choice, choreography, event, seq, type Application, type Batch } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

test('a flow that begins by itself while it is looked whether it has is not conducted', async () => {
  const { definition, calls } = shop()
  let meanwhile: (() => Promise<unknown>) | null = null
  const store = guarded(memory(new MemoryData('s')), 'events', async (pass) => {
    const found = await pass()
    const work = meanwhile
    meanwhile = null
    await work?.()
    return found
  })
  const app: Application = await openForTest(definition, { store })
  meanwhile = () => app.publish(Created({ orderId: 'o' }), { id: 'by-itself' })
  expect(await codeOf(begin(app, 'o'))).toBe(
    'CONDUCT_REFUSED: The flow fulfilment of orderId:o is not conducted: it has begun already, with order.created.',
  )
  // Of another key it does not matter.
  meanwhile = () => app.publish(Created({ orderId: 'other' }), { id: 'other' })
  expect(await begin(app, 'p')).toMatchObject({ created: true })
  expect(await app.result('fulfilment:p')).toMatchObject({ ending: 'fulfilled' })
  expect(calls.filter((call) => call === 'charge o').length).toBeLessThan(2)
})

test('an event that is written, and not durable, when a flow might end: the flow ends with it', async () => {
  const Asked = event('client.asked', Order, byOrder)
  const asking = choreography(
    'asking',
    { key: 'orderId' },
    choice(Created.as('silent'), seq(Created, Asked).as('asked')),
    { outside: [Asked] },
  )
  const clock = new SteppedClock()
  const held = new Map([
    ['order.created', gate()],
    ['client.asked', gate()],
  ])
  const store = guarded(memory(new MemoryData('s')), 'commit', async (pass, batch: Batch) => {
    for (const { type } of batch.events) await held.get(type)?.promise
    return pass()
  })
  const app = await openForTest(ballet({ services: [], choreographies: [asking] }), { store, clock })
  const begun = app.conduct(asking)(Created({ orderId: 'o' }), { id: 'o' })
  await rounds()
  const asked = app.publish(Asked({ orderId: 'o' }), { id: 'o', source: 'client' })
  await rounds()
  held.get('order.created')?.open()
  await begun
  await live(clock, 1)
  expect(await app.run('asking:o')).toMatchObject({ status: 'running' })
  held.get('client.asked')?.open()
  await asked
  await live(clock, 1)
  expect(await app.run('asking:o')).toMatchObject({ output: { ending: 'asked' } })
})

test('a key is read as of one moment: what is committed between its runs and its events is there with both, or with none', async () => {
  const { definition } = shop()
  const data = new MemoryData('s')
  let meanwhile: (() => Promise<unknown>) | null = null
  const once = async (): Promise<void> => {
    const work = meanwhile
    meanwhile = null
    await work?.()
  }
  const runsFirst = guarded(memory(data), 'runs', async (pass) => {
    const found = await pass()
    await once()
    return found
  })
  const store = guarded(runsFirst, 'events', async (pass) => {
    const found = await pass()
    await once()
    return found
  })
  const app: Application = await openForTest(definition, { store })
  for (const id of ['a', 'b']) {
    const ended = async (): Promise<void> => {
      await begin(app, id)
      await app.result(`fulfilment:${id}`)
    }
    meanwhile = ended
    const { runs, events } = await app.key('orderId', id)
    expect(runs[0]).toMatchObject({ kind: 'choreography', status: 'completed' })
    expect(events.at(-1)).toMatchObject({ type: 'order.shipped' })
  }
})
