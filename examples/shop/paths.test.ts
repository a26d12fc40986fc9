// Every way that an order can go, by the contract: the reactions as they are, services that answer by script in every order
// that the flow allows, a cancellation at every moment. Each path must end, and the monitor must say as what. And each
// service alone, with its own code.
import { on } from 'ballet'
import { describe, expect, test } from 'vitest'
import { everyPath, project, type EventData } from 'ballet/testing'
import { fulfilment } from './choreography.ts'
import {
  ItemReserved,
  ItemShort,
  NothingToRefund,
  OrderCancelled,
  OrderCreated,
  OrderShipped,
  PaymentApproved,
  PaymentDeclined,
  PaymentRefunded,
  ShippingFailed,
  ShippingStopped,
  StockReserved,
  StockShort,
  StopTooLate,
  type Item,
} from './contracts.ts'
import { connect } from './reactions.ts'
import { openServices } from './services.ts'
import { makeShop } from './shop.ts'

const customer = { name: 'Anna', email: 'anna@example.com', card: 'card-1', city: 'Paris' }

/** What the samples cannot know: what a service answers depends on what has come before. */
function dataFor(...skus: string[]): EventData {
  const items: readonly Item[] = skus.map((sku) => ({ sku, qty: 1 }))
  const answered = (path: readonly string[]): number =>
    path.filter((type) => type === ItemReserved.type || type === ItemShort.type).length
  const isLast = (path: readonly string[]): boolean => answered(path) === items.length - 1
  const has = (path: readonly string[], ...events: { readonly type: string }[]): boolean =>
    events.some(({ type }) => path.includes(type))
  return {
    [OrderCreated.type]: () => ({ items, customer }),
    [ItemReserved.type]: ({ path }) => (isLast(path) ? null : {}),
    [ItemShort.type]: ({ path }) => (isLast(path) ? null : { short: 'none left' }),
    [StockReserved.type]: ({ path }) => (isLast(path) && !has(path, ItemShort) ? {} : null),
    // The last item is short; those that were reserved before are to be released.
    [StockShort.type]: ({ path }) =>
      isLast(path) ? { reserved: skus.slice(0, path.filter((type) => type === ItemReserved.type).length) } : null,
    [PaymentApproved.type]: ({ path }) => (has(path, NothingToRefund) ? null : {}),
    [PaymentDeclined.type]: ({ path }) =>
      has(path, PaymentRefunded) ? null : { news: has(path, NothingToRefund) ? 'cancelled' : 'declined' },
    [PaymentRefunded.type]: ({ path }) => (has(path, PaymentApproved) ? {} : null),
    [NothingToRefund.type]: ({ path }) => (has(path, PaymentApproved) ? null : {}),
    [OrderShipped.type]: ({ path }) => (has(path, ShippingStopped) ? null : {}),
    [ShippingFailed.type]: ({ path }) => ({ stopped: has(path, ShippingStopped) }),
    [ShippingStopped.type]: ({ path }) => (has(path, OrderShipped, ShippingFailed) ? null : {}),
    [StopTooLate.type]: ({ path }) =>
      has(path, OrderShipped, ShippingFailed) ? { tracking: has(path, OrderShipped) ? 'parcel-1' : null } : null,
  }
}

const endingsOf = (paths: readonly { readonly ending: string }[]): Record<string, number> =>
  Object.fromEntries(
    fulfilment.flow.endings.map((ending) => [ending, paths.filter((path) => path.ending === ending).length]),
  )

test('an order of one product, cancelled at any moment or not at all', async () => {
  const { paths, cut } = await everyPath(makeShop(null).definition, fulfilment, { data: dataFor('tutu') })
  expect(endingsOf(paths)).toEqual({ confirmed: 10, declined: 2, refunded: 23, cancelled: 69 })
  expect(cut).toEqual([])
})

test('conducted, an order can go the same ways', async () => {
  const { paths, cut } = await everyPath(makeShop(null).definition, fulfilment, {
    data: dataFor('tutu'),
    begin: (app, first) => app.conduct(fulfilment)(first as ReturnType<typeof OrderCreated>),
  })
  expect(endingsOf(paths)).toEqual({ confirmed: 10, declined: 2, refunded: 23, cancelled: 69 })
  expect(cut).toEqual([])
})

test('an order of two products that nobody cancels', async () => {
  const { paths, unseen } = await everyPath(makeShop(null).definition, fulfilment, {
    data: dataFor('tutu', 'ribbon'),
    repeats: 2,
    without: [OrderCancelled],
    endings: ['confirmed', 'declined', 'refunded'],
  })
  expect(endingsOf(paths)).toEqual({ confirmed: 1, declined: 3, refunded: 1, cancelled: 0 })
  // They answer a cancellation.
  expect(unseen.toSorted()).toEqual(['payment.nothing-to-refund', 'shipping.stop-too-late', 'shipping.stopped'])
})

describe('a shop that breaks its contract is found, with the path', () => {
  const { definition, desk } = makeShop(null)
  const { payment, notification } = desk.services
  const without = (name: string) => definition.reactions.filter((reaction) => reaction.name !== name)
  const data = dataFor('tutu')

  test.each([
    [
      'nobody refunds when the parcel was stopped',
      without('payment:shipping.stopped'),
      /after order\.created > .*shipping\.stopped.* did not come: nobody called .*payment\.refund/,
    ],
    [
      'the bank gives money back where it should take some',
      [...without('payment:stock.reserved'), on(payment, StockReserved, ({ orderId }) => payment.refund({ orderId }))],
      /stock\.reserved > payment\.nothing-to-refund: .* did not come: nobody called .*payment\.charge/,
    ],
    [
      'the customer is told of a parcel before it has left',
      [
        ...definition.reactions,
        on(notification, PaymentApproved, ({ customer: to, orderId }) =>
          notification.notify({ orderId, customer: to, news: 'confirmed', detail: 'soon' }),
        ),
      ],
      /order\.shipped > customer\.notified: notification\.notify is called, which answers with customer\.notified; expected was/,
    ],
  ])('%s', async (_what, reactions, words) => {
    const work = everyPath({ ...definition, reactions }, fulfilment, { data })
    await expect(work).rejects.toThrow(words)
  })
})

/** A shop of which one service is run alone, and nobody cancels. */
async function alone(name: 'catalog' | 'payment' | 'shipping' | 'notification', data: EventData) {
  const { services, close } = openServices(null)
  const reserveItems = connect(services)
  const without = [OrderCancelled, ShippingStopped, StopTooLate]
  try {
    return await project(fulfilment, services[name], { data, without, workflows: [reserveItems] })
  } finally {
    await close()
  }
}

test('payment alone charges, declines and refunds', async () => {
  const items = [{ sku: 'tutu', qty: 1 }]
  const ordered = (card: string) => ({ [StockReserved.type]: () => ({ items, customer: { ...customer, card } }) })
  const paid = await alone('payment', { ...ordered('card-1'), [ShippingFailed.type]: () => ({ stopped: false }) })
  expect(paid.paths.map((path) => path.join(' '))).toEqual([
    '',
    'stock.reserved payment.approved',
    'stock.reserved payment.approved shipping.failed payment.refunded',
  ])
  const declined = await alone('payment', ordered('card-declined'))
  expect(declined.paths.map((path) => path.join(' '))).toEqual(['', 'stock.reserved payment.declined'])
})

test('catalog alone reserves, and releases what was reserved', async () => {
  const { paths, unseen } = await alone('catalog', dataFor('tutu'))
  expect(paths.map((path) => path.join(' '))).toEqual([
    'order.created stock.reserved',
    'order.created stock.reserved payment.declined stock.released',
  ])
  expect(unseen).toEqual(['item.reserved', 'item.short', 'stock.short'])
})
