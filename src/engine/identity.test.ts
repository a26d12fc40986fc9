// One id, one run: whoever starts it, and whatever a schema makes of its input.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, operation, service, workflow } from '../index.ts'

const Paid = event('order.paid', z.object({ orderId: z.string() }), { key: 'orderId' })
const output = z.json()
const flow = workflow(
  'flow',
  { input: z.object({ orderId: z.string(), at: z.string().default('home') }), output, key: 'orderId' },
  async (_run, order) => order,
)
const shop = () => {
  const charged: string[] = []
  const desk = service('desk', {
    charge: operation({
      input: z.string(),
      output: z.null(),
      run: (text, context) => (charged.push(`${text} ${context.idempotencyKey}`), null),
    }),
  })
  return { charged, desk }
}

test('a workflow that a reaction starts is the one that is started by hand with the same raw input', async () => {
  const { desk } = shop()
  desk.on(Paid, ({ orderId }) => flow({ orderId }))
  const app = await openForTest(ballet({ services: [desk], workflows: [flow], events: [Paid] }))
  await app.publish(Paid({ orderId: 'a' }), { id: 'e' })
  await until(app, null, async () => (await app.run('flow:a')) !== null)
  expect(await app.start(flow({ orderId: 'a' }))).toEqual({ id: 'flow:a', created: false })
  await app.start(flow({ orderId: 'b' }))
  await app.publish(Paid({ orderId: 'b' }), { id: 'f' })
  expect((await app.settled('desk:order.paid:f', 1000))?.status).toBe('completed')
  expect(await app.result('flow:a')).toEqual({ orderId: 'a', at: 'home' })
  expect(await app.result('flow:b')).toEqual({ orderId: 'b', at: 'home' })
})

test('a run cannot be given the id that the run of a reaction will have', async () => {
  const { charged, desk } = shop()
  desk.on(Paid, ({ orderId }) => desk.charge(orderId))
  const app = await openForTest(ballet({ services: [desk], workflows: [flow], events: [Paid] }))
  await expect(app.start(desk.charge('mine'), { id: 'desk:order.paid:e' })).rejects.toMatchObject({
    code: 'ID_INVALID',
  })
  await app.publish(Paid({ orderId: 'a' }), { id: 'e' })
  await app.result('desk:order.paid:e')
  expect(charged.length).toBe(1)
})
