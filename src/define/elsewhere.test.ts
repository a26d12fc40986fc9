// A service that is elsewhere, for everybody who does not ask it: where it is shown, and who plays it in this process.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { waitingLine } from '../cli/why-waiting.ts'
import { everyPath, project, simulate } from '../testing.ts'
import { checkApplication } from './check/check.ts'
import { mermaid } from './draw/mermaid.ts'
import { serviceMap } from './draw/service-map.ts'
import { ballet } from './ballet.ts'
import { choreography } from './choreography.ts'
import { placed } from './elsewhere.ts'
import { event } from './event.ts'
import { operation } from './operation.ts'
import { seq } from './pattern.ts'
import { service } from './service.ts'
import { workflow } from './workflow.ts'

const origin = 'https://payment.internal'
const Id = z.object({ orderId: z.string() })
const Created = event('order.created', Id, { key: 'orderId' })
const Paid = event('order.paid', Id, { key: 'orderId' })
const paying = choreography('paying', { key: 'orderId' }, seq(Created, Paid))

/** Fails every test in which somebody is asked. */
const nobody = {
  origin,
  ask: (): Promise<unknown> => Promise.reject(new Error('somebody was asked')),
}

function applicationOf(run?: (input: { orderId: string }) => ReturnType<typeof Paid>) {
  const charge = { input: Id, outcomes: [Paid] }
  const given = service('payment', { charge: run === undefined ? operation(charge) : operation({ ...charge, run }) })
  const payment = placed(given, nobody)
  payment.on(Created, (created) => payment.charge(created))
  const order = workflow('order', { input: Id, output: z.string(), key: 'orderId' }, async (handle, input) => {
    const paid = await handle.call(payment.charge(input))
    return paid.type
  })
  const application = ballet({ services: [payment], workflows: [order], choreographies: [paying] })
  return { payment, application, order }
}

test('it is checked and drawn without being asked, and says where it is', () => {
  const { application } = applicationOf()
  expect(checkApplication(application)).toEqual([])
  expect(mermaid(serviceMap(application))).toContain(`service-payment["payment<br/><small>at ${origin}</small>"]`)
})

test('the application tells where it is, and what waits for it', async () => {
  const { application, payment } = applicationOf()
  const silent = { ...payment, ...placed(payment, { origin, ask: () => new Promise(() => {}) }) }
  const app = await openForTest({ ...application, services: ballet({ services: [silent] }).services })
  expect((await app.describe()).services[0]?.operations).toEqual([
    { name: 'payment.charge', outcomes: ['order.paid'], elsewhere: origin },
  ])
  const { id } = await app.start(payment.charge({ orderId: '1' }), { id: 'one' })
  const run = await app.run(id)
  expect(run?.waits[0]).toMatchObject({ for: 'payment.charge', at: origin })
  expect(run === null ? '' : waitingLine(run, Date.parse(run.created))).toContain(
    `Waits for payment.charge at ${origin}, `,
  )
})

test('one with a heartbeat is refused where nobody takes it', () => {
  const charge = operation({ input: Id, timeout: '1h', heartbeat: '30s' })
  const payment = service('payment', { charge })
  const ask = async (): Promise<unknown> => undefined
  expect(() => placed(payment, { origin, ask })).toThrow(
    'operation "payment.charge": it has a heartbeat, and nobody takes it here: give elsewhere(...) answers: laterAnswers(...)',
  )
  expect(() => placed(payment, { origin, ask, hears: true })).not.toThrow()
})

test('what does not answer in its time is told with where it is', async () => {
  const charge = operation({ input: Id, timeout: '10ms', retry: { attempts: 1 } })
  const payment = placed(service('payment', { charge }), { origin, ask: () => new Promise(() => {}) })
  const app = await openForTest(ballet({ services: [payment] }))
  await app.start(payment.charge({ orderId: '1' }), { id: 'one' })
  const stuck = await until(app, null, async () => {
    const run = await app.run('one')
    return run?.status === 'stuck' && run
  })
  expect(stuck.error?.message).toBe(`payment.charge at ${origin} did not answer within 10ms.`)
})

test('the paths of its choreography are played here', async () => {
  const bare = applicationOf()
  const { paths } = await everyPath(bare.application, paying)
  expect(paths).toHaveLength(1)
  await expect(project(paying, bare.payment)).rejects.toThrow(
    'operation "payment.charge" is elsewhere and has no run(input, context)',
  )
  const whole = applicationOf(({ orderId }) => Paid({ orderId }))
  expect(await project(paying, whole.payment)).toMatchObject({ own: ['order.paid'], unseen: [] })
})

test('a story plays what stands in for it, and refuses one that nothing does', async () => {
  let charges = 0
  const whole = applicationOf(({ orderId }) => {
    charges += 1
    return Paid({ orderId })
  })
  const clients = (app: { start: (call: ReturnType<typeof whole.order>) => Promise<unknown> }): Promise<unknown> =>
    app.start(whole.order({ orderId: '1' }))
  const story = { application: whole.application, clients: clients as never }
  expect((await simulate(() => story, { seeds: 2 })).found).toBeNull()
  expect(charges).toBeGreaterThan(0)
  const bare = applicationOf()
  await expect(simulate(() => ({ ...story, application: bare.application }), { seeds: 1 })).rejects.toThrow(
    'the story: operation "payment.charge" is elsewhere and has no run(input, context)',
  )
})

test('an input that its schema would change a second time is not sent', async () => {
  const cents = z.object({ amount: z.number().transform((euros) => euros * 100) })
  const payment = placed(
    service('payment', {
      charge: operation({ input: cents }),
      named: operation({ input: z.object({ name: z.string().trim().default('Ann'), more: z.int().optional() }) }),
    }),
    { ...nobody, ask: () => Promise.resolve(undefined) },
  )
  const app = await openForTest(ballet({ services: [payment] }))
  await app.start(payment.charge({ amount: 5 }), { id: 'one' })
  const stuck = await until(app, null, async () => {
    const run = await app.run('one')
    return run?.status === 'stuck' && run
  })
  expect(stuck.error).toMatchObject({ code: 'INPUT_INVALID' })
  expect(stuck.error?.message).toContain('its schema makes another value of what it has made')
  const { id } = await app.start(payment.named({ name: ' Bob ' }), { id: 'two' })
  expect(await app.result(id)).toBeUndefined()
})

test('reactions that are registered with it are those of the service', () => {
  const payment = service('payment', { charge: operation({ input: Id, outcomes: [Paid] }) })
  const there = placed(payment, nobody)
  expect(there.on(Created, (created) => there.charge(created))).toBe(there)
  expect(ballet({ services: [there] }).reactions.map(({ name }) => name)).toEqual(['payment:order.created'])
})
