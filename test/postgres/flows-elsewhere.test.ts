// How flows stand is asked at a node that does not own their shards, or stands by: what is answered is not behind the events.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, choreography, event, seq, type Application, type ApplicationDefinition } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { nodesOf, placeForTest } from './two-versions.ts'

const Placed = event('placed', z.object({ orderId: z.string() }), { key: 'orderId' })
const Paid = event('paid', Placed.schema, { key: 'orderId' })
const Sent = event('sent', Placed.schema, { key: 'orderId' })
const delivery = choreography('delivery', { key: 'orderId' }, seq(Placed, Paid, Sent))
const shop = (version: string): ApplicationDefinition =>
  ballet({ name: 'shop', version, services: [], events: [Placed, Paid, Sent], choreographies: [delivery] })

const ORDERS = ['a', 'b', 'c', 'd', 'e', 'f']

/** The owner of all shards, and another. */
type Nodes = () => Promise<{ readonly owner: Application; readonly other: Application }>

const notOwning: Nodes = async () => {
  const { owner, old: other } = await nodesOf(shop)
  return { owner, other }
}

const standingBy: Nodes = async () => {
  const store = (await placeForTest()).url('&lease=2')
  const owner = await openForTest(shop('1'), { store })
  return { owner, other: await openForTest(shop('1'), { store }) }
}

test.each([
  ['does not own their shards', notOwning],
  ['stands by', standingBy],
])('flows are not behind the events where they are asked for at a node that %s', async (_, nodes) => {
  const { owner, other } = await nodes()
  for (const orderId of ORDERS) {
    await owner.publish(Placed({ orderId }))
    expect(await other.flow('delivery', orderId)).toMatchObject({ state: 'on track', awaited: [{ event: 'paid' }] })
    await owner.publish(Paid({ orderId }))
    const { flows, events } = await other.key('orderId', orderId)
    expect(events.map(({ type }) => type)).toEqual(['placed', 'paid'])
    expect(flows).toMatchObject([{ awaited: [{ event: 'sent' }] }])
  }
  await owner.publish(Sent({ orderId: 'b' }))
  const [complete, going] = await Promise.all([
    other.flows('delivery', { state: 'complete' }),
    other.flows('delivery', { state: 'on track' }),
  ])
  expect(complete.items.map(({ key }) => key.value)).toEqual(['b'])
  expect(going.items.map(({ key }) => key.value)).toEqual(ORDERS.filter((one) => one !== 'b'))
})
