// A customer cancels: at every place of an order, in every style. Shipping decides whether that comes in time. What has
// happened in the end is the same in all; what the services had to refuse on the way differs.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { OrderView, Style } from './status.ts'
import { done, startShop, styles, type Answer, type RunningShop } from './testing.ts'

let shop: RunningShop
beforeAll(async () => {
  shop = await startShop()
})
afterEach(() => shop.fault())
afterAll(() => shop.close())

const cancel = (orderId: string, body: unknown = {}): Promise<Answer> => shop.post(`/orders/${orderId}/cancel`, body)
const slow = { slowMs: 600_000 }
const reserved = ['reserve#pointe-shoes', 'reserve#ribbon']
const released = ['release#ribbon', 'release#pointe-shoes', 'apologise']

describe.each(styles)('%s', (style) => {
  /** Places an order and waits until a step of it is under way. */
  const orderUntil = async (step: string): Promise<string> => {
    const orderId = await shop.order('ok', style)
    await shop.when(orderId, ({ steps }) =>
      steps.some((one) => one.step === step && (one.status === 'running' || one.status === 'retrying')),
    )
    return orderId
  }
  const cancelInTime = async (orderId: string): Promise<void> => {
    expect(await cancel(orderId)).toEqual({ status: 202, body: { orderId, style, url: `/orders/${orderId}` } })
    await shop.when(orderId, ({ cancellation }) => cancellation === 'in time')
  }

  test('while the items are reserved: they are released, and nothing is charged', async () => {
    await shop.fault({ service: 'catalog', operation: 'reserve', ...slow })
    const orderId = await orderUntil('reserve')
    await cancelInTime(orderId)
    await shop.fault()
    expect(await shop.over(orderId)).toMatchObject({ status: 'cancelled', cancellation: 'in time', paid: 0 })
    expect(done(await shop.ledger(orderId))).toEqual(['stop', ...reserved, ...released])
  })

  test('while it is paid: nothing is charged any more', async () => {
    await shop.fault({ service: 'payment', operation: 'charge', ...slow })
    const orderId = await orderUntil('charge')
    await cancelInTime(orderId)
    // Payment has been told, too.
    await shop.when(orderId, ({ steps }) => steps.some(({ step }) => step === 'refund'))
    await shop.fault()
    expect(await shop.over(orderId)).toMatchObject({ status: 'cancelled', paid: 0 })
    expect(done(await shop.ledger(orderId))).toEqual([...reserved, 'stop', ...released])
  })

  // Found by a campaign of kills: the order was shown as paid with less than nothing.
  test('while it was paid and nobody heard of it: it is given back, and nothing is owed', async () => {
    await shop.fault({ service: 'payment', operation: 'charge', loseAnswers: 1_000_000 })
    const orderId = await orderUntil('charge')
    await shop.when(orderId, ({ steps }) =>
      steps.some(({ step, status }) => step === 'charge' && status === 'retrying'),
    )
    await cancelInTime(orderId)
    await shop.fault()
    expect(await shop.over(orderId)).toMatchObject({ status: 'cancelled', paid: 0 })
    expect(done(await shop.ledger(orderId))).toEqual([...reserved, 'charge 10700', 'stop', 'refund 10700', ...released])
  })

  test.each([
    ['is slow', slow],
    ['is down', { down: true }],
  ])('while shipping %s: refund, release, tell, and none of it waits for the parcel', async (_how, fault) => {
    await shop.fault({ service: 'shipping', operation: 'ship', ...fault })
    const orderId = await orderUntil('ship')
    await cancelInTime(orderId)
    const told = await shop.when(orderId, ({ steps }) =>
      steps.some(({ step, status }) => step === 'notify' && status === 'done'),
    )
    expect(told).toMatchObject({ cancellation: 'in time', paid: 0 })
    await shop.fault()
    expect(await shop.over(orderId)).toMatchObject({ status: 'cancelled', paid: 0 })
    const deeds = [...reserved, 'charge 10700', 'stop', 'refund 10700', ...released]
    expect(done(await shop.ledger(orderId))).toEqual(deeds)
  })

  test('after it was shipped: it ends confirmed, and the customer is told that it was too late', async () => {
    await shop.fault({ service: 'notification', ...slow })
    const orderId = await orderUntil('notify')
    expect((await cancel(orderId)).status).toBe(202)
    await shop.when(orderId, ({ cancellation }) => cancellation === 'too late')
    await shop.fault()
    expect(await shop.over(orderId)).toMatchObject({ status: 'confirmed', cancellation: 'too late', paid: 10_700 })
    expect(done(await shop.ledger(orderId))).toEqual([...reserved, 'charge 10700', 'ship', 'notify', 'regret'])
  })

  test('while it is taken back for another reason: that stands', async () => {
    await shop.fault({ service: 'payment', operation: 'refund', ...slow })
    const orderId = await shop.order('shipping-fails', style)
    await shop.when(orderId, ({ steps }) => steps.some(({ step }) => step === 'refund'))
    expect((await cancel(orderId)).status).toBe(202)
    await shop.when(orderId, ({ cancellation }) => cancellation === 'too late')
    await shop.fault()
    expect(await shop.over(orderId)).toMatchObject({ status: 'refunded', paid: 0 })
    expect(done(await shop.ledger(orderId)).slice(-4)).toEqual([
      'refund 3450',
      'release#ribbon',
      'release#poster',
      'apologise',
    ])
  })

  test('an order that is final cannot be cancelled', async () => {
    for (const sample of ['ok', 'declined'] as const) {
      const orderId = await shop.order(sample, style)
      const { status } = await shop.over(orderId)
      expect(await cancel(orderId)).toMatchObject({ status: 409, body: { code: 'ORDER_FINAL' } })
      expect(await shop.over(orderId)).toMatchObject({ status })
    }
  })

  test('F12: a cancellation that comes twice: it is one, also afterwards', async () => {
    await shop.fault({ service: 'shipping', operation: 'ship', ...slow })
    const orderId = await orderUntil('ship')
    const answers = await Promise.all([cancel(orderId), cancel(orderId, { by: 'the shop' })])
    await shop.fault()
    await shop.over(orderId)
    answers.push(await cancel(orderId))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expect(done(await shop.ledger(orderId)).filter((deed) => deed === 'stop' || deed === 'apologise')).toEqual([
      'stop',
      'apologise',
    ])
  })

  test('it says who cancelled; without a body it is the customer', async () => {
    await shop.fault({ service: 'shipping', operation: 'ship', ...slow })
    const orders = [await orderUntil('ship'), await orderUntil('ship')] as const
    await cancel(orders[0], { by: 'the warehouse' })
    await shop.send('POST', `/orders/${orders[1]}/cancel`)
    await shop.fault()
    const words = async (orderId: string) =>
      (await shop.over(orderId)).steps.find(({ step }) => step === 'notify')?.detail
    expect(await words(orders[0])).toBe('cancelled: at the wish of the warehouse')
    expect(await words(orders[1])).toBe('cancelled: at the wish of the customer')
  })
})

// What README.md says of a charge that is stuck.
describe('while the charge is stuck', () => {
  const stuckCharge = async (style: Style): Promise<{ orderId: string; run: string; op: string }> => {
    await shop.fault({ service: 'payment', operation: 'charge', garble: true })
    const orderId = await shop.order('ok', style)
    const { steps } = await shop.when(orderId, (order) => order.steps.some(({ status }) => status === 'stuck'))
    const { run = '', op = '' } = steps.find(({ status }) => status === 'stuck') ?? {}
    return { orderId, run, op }
  }

  /** The order as soon as something holds of it, also when it is stuck meanwhile. */
  const seen = async (orderId: string, holds: (order: OrderView) => boolean): Promise<OrderView> => {
    for (;;) {
      const order = (await shop.get(`/orders/${orderId}`)).body as OrderView
      if (holds(order)) return order
    }
  }

  test('a workflow gives it up, and nobody waits for it', async () => {
    const { orderId } = await stuckCharge('orchestrated')
    expect((await cancel(orderId)).status).toBe(202)
    const order = await seen(orderId, ({ status }) => status === 'cancelled')
    expect(order).toMatchObject({ cancellation: 'in time', paid: 0 })
    expect(done(await shop.ledger(orderId))).toEqual([...reserved, 'stop', ...released])
  })

  test('in the choreography it can take no money any more; the release and the word to the customer wait for it', async () => {
    const { orderId, run, op } = await stuckCharge('choreographed')
    expect((await cancel(orderId)).status).toBe(202)
    // Stopped, and payment told: the order stands still there.
    await seen(orderId, ({ steps }) => steps.some(({ step, status }) => step === 'refund' && status === 'refused'))
    expect(await shop.over(orderId)).toMatchObject({ status: 'stuck', cancellation: 'in time', paid: 0 })
    expect(done(await shop.ledger(orderId))).toEqual([...reserved, 'stop'])
    await shop.fault()
    await shop.app.retry(run, { op, by: 'the support desk' })
    await seen(orderId, ({ status }) => status === 'cancelled')
    expect(done(await shop.ledger(orderId))).toEqual([...reserved, 'stop', ...released])
  })
})

test('whoever runs the shop may cancel the run itself: it is taken back and told like any other', async () => {
  await shop.fault({ service: 'shipping', operation: 'ship', ...slow })
  const orderId = await shop.order('ok', 'orchestrated')
  await shop.when(orderId, ({ steps }) => steps.some(({ step }) => step === 'ship'))
  await shop.app.cancel(`checkout:${orderId}`, { by: 'the shop' })
  expect(await shop.over(orderId)).toMatchObject({ status: 'cancelled', paid: 0 })
  // Nobody knows whether it was shipped, so shipping is told not to.
  const deeds = [...reserved, 'charge 10700', 'stop', 'refund 10700', ...released]
  expect(done(await shop.ledger(orderId))).toEqual(deeds)
  expect(await shop.app.run(`checkout:${orderId}`)).toMatchObject({ status: 'cancelled' })
})

test('whoever runs the shop may cancel the run that conducts: it stops where it is, and can be taken back from there', async () => {
  await shop.fault({ service: 'shipping', operation: 'ship', ...slow })
  const orderId = await shop.order('ok', 'conducted')
  await shop.when(orderId, ({ steps }) => steps.some(({ step }) => step === 'ship'))
  await shop.app.cancel(`fulfilment:${orderId}`, { by: 'the shop' })
  expect(await shop.over(orderId)).toMatchObject({ status: 'failed', paid: 10_700 })
  expect(await shop.app.run(`fulfilment:${orderId}`)).toMatchObject({ status: 'cancelled' })
  await shop.fault()
  expect((await cancel(orderId)).status).toBe(202)
  await shop.when(orderId, ({ cancellation }) => cancellation === 'in time')
  expect(await shop.over(orderId)).toMatchObject({ status: 'cancelled', paid: 0 })
  expect(done(await shop.ledger(orderId))).toEqual([...reserved, 'charge 10700', 'stop', 'refund 10700', ...released])
})

// Found by a campaign of kills and cancellations: the message that was under way and the one of the cancellation both came.
test.each([
  ['ok', 'confirmed', ['ship', 'notify']],
  ['declined', 'declined', ['release#tutu', 'apologise']],
] as const)('the run is cancelled while the customer is told (%s): he is told once', async (sample, status, deeds) => {
  await shop.fault({ service: 'notification', loseAnswers: 1_000_000 })
  const orderId = await shop.order(sample, 'orchestrated')
  await shop.when(orderId, ({ steps }) => steps.some((step) => step.step === 'notify' && step.status === 'retrying'))
  await shop.app.cancel(`checkout:${orderId}`, { by: 'the shop' })
  await shop.fault()
  expect(await shop.over(orderId)).toMatchObject({ status })
  expect(done(await shop.ledger(orderId)).slice(-deeds.length)).toEqual(deeds)
})

test('a charge of which nobody heard is taken back: nothing is owed', async () => {
  // The answer is lost, and the next attempt is waited for when the order is cancelled.
  await shop.fault({ service: 'payment', operation: 'charge', loseAnswers: 1 })
  const orderId = await shop.order('ok', 'orchestrated')
  await shop.when(orderId, ({ steps }) => steps.some(({ step, status }) => step === 'charge' && status === 'retrying'))
  await shop.app.cancel(`checkout:${orderId}`, { by: 'the shop' })
  expect(await shop.over(orderId)).toMatchObject({ status: 'cancelled', paid: 0 })
  expect(done(await shop.ledger(orderId))).toEqual([...reserved, 'charge 10700', 'refund 10700', ...released])
})

test.each([
  ['an order that there is not', 'nobody', {}, 404, 'ORDER_UNKNOWN'],
  ['a field that there is not', 'nobody', { who: 'me' }, 422, 'BODY_INVALID'],
  ['nobody', 'nobody', { by: '' }, 422, 'BODY_INVALID'],
])('%s is refused', async (_what, orderId, body, status, code) => {
  expect(await cancel(orderId, body)).toMatchObject({ status, body: { code } })
})
