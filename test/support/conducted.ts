// An order process that a run conducts, on a real file: a workflow that starts what it does not wait for, a refusal, a wish of
// the customer that comes from outside, and an event of another key.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { z } from 'zod'
import {
  ballet,
  choice,
  choreography,
  event,
  many,
  operation,
  optional,
  seq,
  service,
  TerminalError,
  workflow,
  type Application,
  type ApplicationDefinition,
} from '../../src/index.ts'
import { openForTest, until } from './applications.ts'

export const Order = z.object({ orderId: z.string() })
export const byOrder = { key: 'orderId' } as const
export const Created = event('order.created', Order, byOrder)
const Picked = event('item.picked', Order, byOrder)
export const Reserved = event('stock.reserved', Order, byOrder)
export const Paid = event('payment.approved', Order, byOrder)
export const Declined = event('payment.declined', Order, byOrder)
export const Cancelled = event('order.cancelled', Order, byOrder)
export const Refunded = event('payment.refunded', Order, byOrder)
export const Shipped = event('order.shipped', Order, byOrder)
const Counted = event('shelf.counted', z.object({ shelf: z.string() }), { key: 'shelf' })

/** What an order's name says of it: `poor` is declined, `waits` is shipped when nobody cancels. */
export const fulfilment = choreography(
  'fulfilment',
  { key: 'orderId' },
  seq(
    Created,
    many(Picked),
    Reserved,
    choice(
      Declined.as('declined'),
      seq(Paid, choice(Shipped.as('fulfilled'), seq(Cancelled, Refunded, optional(Shipped)).as('cancelled'))),
    ),
  ),
  { outside: [Cancelled] },
)

const folder = mkdtempSync(join(tmpdir(), 'ballet-conduct-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
export const newFile = (): string => `file:${join(folder, `${++files}.db`)}`

interface Faults {
  /** A name of an operation whose attempts wait for this. */
  held?: { readonly operation: string; readonly until: Promise<void> }
  /** A name of an operation that fails for good. */
  failing?: string
}

export function shop(faults: Faults = {}) {
  const calls: string[] = []
  const keys: string[] = []
  const call = async (name: string, { orderId }: { orderId: string }, key: string): Promise<void> => {
    calls.push(`${name} ${orderId}`)
    keys.push(key.slice(key.indexOf(':')))
    if (faults.held?.operation === name) await faults.held.until
    if (faults.failing === name) throw new TerminalError(`${name} is not to be had`)
  }
  const left = new Map<string, number>()
  const catalog = service('catalog', {
    pick: operation({
      input: z.object({ orderId: z.string(), item: z.string() }),
      outcomes: [Picked, Reserved],
      run: async ({ orderId, item }, { idempotencyKey }) => {
        await call(`pick ${item}`, { orderId }, idempotencyKey)
        const picked = (left.get(orderId) ?? 0) + 1
        left.set(orderId, picked)
        return picked === 2 ? Reserved({ orderId }) : Picked({ orderId })
      },
    }),
    count: operation({ input: z.object({ shelf: z.string() }), run: ({ shelf }) => void calls.push(`count ${shelf}`) }),
  })
  const payment = service('payment', {
    charge: operation({
      input: Order,
      outcomes: [Paid, Declined],
      run: async (order, { idempotencyKey }) => {
        await call('charge', order, idempotencyKey)
        return order.orderId.startsWith('poor') ? Declined(order) : Paid(order)
      },
    }),
    refund: operation({
      input: Order,
      undoes: 'charge',
      outcomes: [Refunded],
      run: async (order, { idempotencyKey }) => (await call('refund', order, idempotencyKey), Refunded(order)),
    }),
  })
  const shipping = service('shipping', {
    ship: operation({
      input: Order,
      outcomes: [Shipped],
      run: async (order, { idempotencyKey }) => (await call('ship', order, idempotencyKey), Shipped(order)),
    }),
    shelve: operation({
      input: Order,
      outcomes: [Counted],
      run: async (order, { idempotencyKey }) => (
        await call('shelve', order, idempotencyKey),
        Counted({ shelf: `of-${order.orderId}` })
      ),
    }),
  })
  const pick = workflow('pick', { input: Order, output: z.null(), ...byOrder }, async (run, { orderId }) => {
    for (const item of ['shoes', 'ribbon']) run.start(catalog.pick({ orderId, item }), { id: item })
    return null
  })
  catalog.on(Created, (order) => pick(order), { calls: ['catalog.pick'] })
  payment.on(Reserved, (order) => payment.charge(order))
  shipping.on(Paid, (order) => (order.orderId.startsWith('waits') ? null : shipping.ship(order)))
  shipping.on(Shipped, (order) => (order.orderId.startsWith('shelf') ? shipping.shelve(order) : null))
  payment.on(Cancelled, (order) => payment.refund(order), { order: 'none' })
  catalog.on(Counted, ({ shelf }) => catalog.count({ shelf }))
  const services = [catalog, payment, shipping]
  const definition = ballet({ name: 'shop', services, workflows: [pick], choreographies: [fulfilment] })
  return { definition, calls, keys }
}

export const openShop = (definition: ApplicationDefinition, store = newFile()): Promise<Application> =>
  openForTest(definition, { store })
export const begin = (app: Application, orderId: string) =>
  app.conduct(fulfilment)(Created({ orderId }), { id: orderId })
export const runsOf = async (app: Application, orderId: string) => (await app.key('orderId', orderId)).runs
/** The order when nothing of its key is open. */
export const quiet = (app: Application, orderId: string) =>
  until(app, `orderId:${orderId}`, async () => {
    const runs = await runsOf(app, orderId)
    return runs.length > 0 && runs.every(({ ended }) => ended !== null) && runs
  })
export const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  )
