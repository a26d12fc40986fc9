// What an order says of itself when a customer cancels, an operator does something to its runs, or both: the words must
// be true whatever had happened, in both styles. `cancellation` is about the customer's wish and nothing else.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startShop, type RunningShop } from './testing.ts'
import type { OrderView, Style } from './status.ts'

let shop: RunningShop
beforeAll(async () => {
  shop = await startShop()
})
afterEach(() => shop.fault())
afterAll(() => shop.close())

/** When the customer asks: while the parcel is being shipped, or after that, while the customer is told. */
type Asked = 'no' | 'before' | 'after'
/** What an operator does: cancels the run, or lets the call fail that is stuck (and the one that tells the customer). */
type Operator = 'nothing' | 'cancels' | 'fails the call' | 'cancels, then fails the message'
/** Whether the parcel has left the house when that happens. */
type Parcel = 'at home' | 'left' | 'left, and nobody heard'
type Words = Pick<OrderView, 'status' | 'cancellation' | 'paid'>

const PAID = 10_700

const table: readonly (readonly [Style, Asked, Operator, Parcel, Words])[] = [
  ['orchestrated', 'no', 'nothing', 'left', { status: 'confirmed', paid: PAID }],
  ['orchestrated', 'no', 'cancels', 'at home', { status: 'cancelled', paid: 0 }],
  ['orchestrated', 'no', 'cancels', 'left', { status: 'confirmed', paid: PAID }],
  ['orchestrated', 'no', 'cancels', 'left, and nobody heard', { status: 'confirmed', paid: PAID }],
  ['orchestrated', 'no', 'cancels, then fails the message', 'at home', { status: 'failed', paid: 0 }],
  ['orchestrated', 'no', 'cancels, then fails the message', 'left', { status: 'failed', paid: PAID }],
  ['orchestrated', 'no', 'fails the call', 'at home', { status: 'failed', paid: 0 }],
  ['orchestrated', 'no', 'fails the call', 'left', { status: 'failed', paid: PAID }],
  ['orchestrated', 'before', 'nothing', 'at home', { status: 'cancelled', cancellation: 'in time', paid: 0 }],
  ['orchestrated', 'before', 'cancels', 'at home', { status: 'cancelled', cancellation: 'in time', paid: 0 }],
  ['orchestrated', 'after', 'nothing', 'left', { status: 'confirmed', cancellation: 'too late', paid: PAID }],
  ['orchestrated', 'after', 'cancels', 'left', { status: 'confirmed', cancellation: 'too late', paid: PAID }],
  ['orchestrated', 'after', 'fails the call', 'left', { status: 'confirmed', cancellation: 'unanswered', paid: PAID }],
  ['choreographed', 'no', 'nothing', 'left', { status: 'confirmed', paid: PAID }],
  ['choreographed', 'no', 'cancels', 'at home', { status: 'failed', paid: PAID }],
  ['choreographed', 'no', 'fails the call', 'at home', { status: 'failed', paid: PAID }],
  ['choreographed', 'no', 'fails the call', 'left', { status: 'failed', paid: PAID }],
  ['choreographed', 'before', 'nothing', 'at home', { status: 'cancelled', cancellation: 'in time', paid: 0 }],
  ['choreographed', 'before', 'cancels', 'at home', { status: 'cancelled', cancellation: 'in time', paid: 0 }],
  ['choreographed', 'after', 'nothing', 'left', { status: 'confirmed', cancellation: 'too late', paid: PAID }],
  ['choreographed', 'after', 'fails the call', 'left', { status: 'confirmed', cancellation: 'unanswered', paid: PAID }],
]

const slow = { slowMs: 600_000 }
const error = { message: 'nobody will do it any more' }

/** What goes wrong, so that the order stands where the row says, and the call that it then waits for. */
async function arrange(asked: Asked, operator: Operator, parcel: Parcel): Promise<string> {
  if (operator === 'cancels, then fails the message') await shop.fault({ service: 'notification', garble: true })
  if (parcel === 'at home') {
    // Both wait, so that the operator comes while shipping has not said whether the customer was in time.
    const what = asked === 'before' && operator === 'cancels' ? {} : { operation: 'ship' }
    await shop.fault({ service: 'shipping', ...what, ...(operator === 'fails the call' ? { garble: true } : slow) })
    return 'shipping.ship'
  }
  if (parcel === 'left, and nobody heard') {
    await shop.fault({ service: 'shipping', operation: 'ship', loseAnswers: 1_000_000 })
    return 'shipping.ship'
  }
  const isStuck = operator.includes('fails') && asked === 'no'
  await shop.fault({ service: 'notification', ...(isStuck ? { garble: true } : slow) })
  return 'notification.notify'
}

/** The run of the order that waits for a call, once it does: and is stuck there, when it is to be. */
async function runAt(orderId: string, call: string, isStuck: boolean): Promise<{ run: string; op: string }> {
  const step = call.slice(call.indexOf('.') + 1)
  await shop.when(orderId, ({ steps }) =>
    steps.some(
      (one) => one.step === step && (isStuck ? one.status === 'stuck' : /running|retrying|stuck/.test(one.status)),
    ),
  )
  const { runs } = await shop.app.key('orderId', orderId)
  const found = runs.flatMap(({ id, waits }) =>
    waits.filter((wait) => wait.for === call).map(({ op }) => ({ run: id, op })),
  )
  expect(found).toHaveLength(1)
  return found[0] as { run: string; op: string }
}

async function act({ run, op }: { run: string; op: string }, action: 'cancel' | 'fail'): Promise<void> {
  const body = { by: 'the support desk', ...(action === 'fail' ? { op, error } : {}) }
  expect(await shop.post(`/api/runs/${encodeURIComponent(run)}/${action}`, body)).toMatchObject({ status: 202 })
}

async function cancelled(orderId: string): Promise<void> {
  expect((await shop.post(`/orders/${orderId}/cancel`, {})).status).toBe(202)
}

// Found by a newcomer: an order that only an operator had cancelled said that its customer had come too late.
test.each(table)(
  '%s: the customer asks: %s; an operator: %s; the parcel: %s',
  async (style, asked, operator, parcel, words) => {
    const call = await arrange(asked, operator, parcel)
    const orderId = await shop.order('ok', style)
    const isFailing = operator === 'fails the call'
    const place = await runAt(orderId, call, isFailing && asked === 'no')
    if (asked !== 'no') {
      if (isFailing) await shop.fault({ service: 'shipping', operation: 'stop', garble: true })
      await cancelled(orderId)
      await shop.when(orderId, ({ cancellation }) => cancellation !== undefined)
    }
    if (operator.startsWith('cancels')) await act(place, 'cancel')
    if (isFailing) await act(asked === 'no' ? place : await runAt(orderId, 'shipping.stop', true), 'fail')
    if (operator === 'cancels, then fails the message')
      await act(await runAt(orderId, 'notification.notify', true), 'fail')
    await shop.fault()
    const isFinal = ({ status }: OrderView): boolean => status === words.status
    const { status, cancellation, paid } = await shop.when(orderId, isFinal)
    expect({ status, ...(cancellation === undefined ? {} : { cancellation }), paid }).toEqual(words)
  },
)
