// A choreography that one run conducts: the calls of the same reactions, once each, with the same outcomes, on a real file.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
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
} from '../index.ts'

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Created = event('order.created', Order, byOrder)
const Picked = event('item.picked', Order, byOrder)
const Reserved = event('stock.reserved', Order, byOrder)
const Paid = event('payment.approved', Order, byOrder)
const Declined = event('payment.declined', Order, byOrder)
const Cancelled = event('order.cancelled', Order, byOrder)
const Refunded = event('payment.refunded', Order, byOrder)
const Shipped = event('order.shipped', Order, byOrder)
const Counted = event('shelf.counted', z.object({ shelf: z.string() }), { key: 'shelf' })

/** What an order's name says of it: `poor` is declined, `waits` is shipped when nobody cancels. */
const fulfilment = choreography(
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
const newFile = (): string => `file:${join(folder, `${++files}.db`)}`

interface Faults {
  /** A name of an operation whose attempts wait for this. */
  held?: { readonly operation: string; readonly until: Promise<void> }
  /** A name of an operation that fails for good. */
  failing?: string
}

function shop(faults: Faults = {}) {
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

const openShop = (definition: ApplicationDefinition, store = newFile()): Promise<Application> =>
  openForTest(definition, { store })
const begin = (app: Application, orderId: string) => app.conduct(fulfilment)(Created({ orderId }), { id: orderId })
const runsOf = async (app: Application, orderId: string) => (await app.key('orderId', orderId)).runs
/** The order when nothing of its key is open. */
const quiet = (app: Application, orderId: string) =>
  until(app, `orderId:${orderId}`, async () => {
    const runs = await runsOf(app, orderId)
    return runs.length > 0 && runs.every(({ ended }) => ended !== null) && runs
  })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  )

test('one run performs the flow: its calls are those of the reactions, once each, and its output is the ending', async () => {
  const { definition, calls } = shop()
  const app = await openShop(definition)
  expect(await begin(app, 'o')).toEqual({ id: 'fulfilment:o', created: true })
  expect(await app.result('fulfilment:o')).toEqual({ choreography: 'fulfilment', ending: 'fulfilled' })
  expect(calls).toEqual(['pick shoes o', 'pick ribbon o', 'charge o', 'ship o'])
  const runs = await runsOf(app, 'o')
  expect(runs.map(({ name, parent, status }) => `${name} of ${parent}: ${status}`)).toEqual([
    'fulfilment of null: completed',
    'catalog:order.created of fulfilment:o: completed',
    'pick of catalog:order.created:o: completed',
    'catalog.pick of pick:o: completed',
    'catalog.pick of pick:o: completed',
    expect.stringMatching(/^payment:stock.reserved of fulfilment:o/),
    expect.stringMatching(/^shipping:payment.approved of fulfilment:o/),
  ])
  expect(runs[0]).toMatchObject({ kind: 'choreography', cause: 'event:shop:o', root: 'event:shop:o' })
  expect(runs[0]?.steps).toMatchObject([
    { step: 'catalog:order.created', call: 'pick', status: 'done', run: 'catalog:order.created:o' },
    { step: 'payment:stock.reserved', call: 'payment.charge', status: 'done', outcome: 'payment.approved' },
    { step: 'shipping:payment.approved', call: 'shipping.ship', status: 'done', outcome: 'order.shipped' },
  ])
  expect(await app.flow('fulfilment', 'o')).toMatchObject({ state: 'complete', ending: 'fulfilled' })
})

test('a conducted order calls the services under the same keys as one that goes by itself', async () => {
  const conducted = shop()
  const one = await openShop(conducted.definition)
  await begin(one, 'poor')
  expect(await one.result('fulfilment:poor')).toMatchObject({ ending: 'declined' })
  const alone = shop()
  const other = await openShop(alone.definition)
  await other.publish(Created({ orderId: 'poor' }), { id: 'poor' })
  await until(other, null, async () => (await other.flow('fulfilment', 'poor'))?.state === 'complete')
  expect(conducted.calls).toEqual(alone.calls)
  // A long event id is a digest in the key, and holds the random id of the store.
  const short = (keys: readonly string[]) => keys.map((key) => key.replace(/~.*?(?=:0:)/, '~'))
  expect(short(conducted.keys)).toEqual(short(alone.keys))
})

test('what comes from outside is taken by the run, which goes on to the ending that follows', async () => {
  const { definition, calls } = shop()
  const app = await openShop(definition)
  await begin(app, 'waits')
  await until(app, 'orderId:waits', async () => (await runsOf(app, 'waits'))[0]?.steps?.[1]?.status === 'done')
  expect(await app.run('fulfilment:waits')).toMatchObject({ status: 'running', waits: [] })
  await app.publish(Cancelled({ orderId: 'waits' }), { id: 'c', source: 'customer' })
  expect(await app.result('fulfilment:waits')).toMatchObject({ ending: 'cancelled' })
  expect(calls.slice(2)).toEqual(['charge waits', 'refund waits'])
  const refund = (await runsOf(app, 'waits')).find(({ name }) => name === 'payment:order.cancelled')
  expect(refund).toMatchObject({ parent: 'fulfilment:waits', cause: 'event:customer:c' })
})

test('asked twice it is begun once, and no flow is conducted twice or when it has begun by itself', async () => {
  const { definition, calls } = shop()
  const app = await openShop(definition)
  const twice = await Promise.all([begin(app, 'o'), begin(app, 'o')])
  expect(twice.map(({ created }) => created).toSorted()).toEqual([false, true])
  await app.result('fulfilment:o')
  expect(await begin(app, 'o')).toEqual({ id: 'fulfilment:o', created: false })
  expect(
    await codeOf(app.conductNamed({ choreography: 'fulfilment', type: 'order.created', data: { orderId: 'o', x: 1 } })),
  ).toContain('RUN_CONFLICT')
  await app.publish(Created({ orderId: 'alone' }), { id: 'alone' })
  expect(await codeOf(begin(app, 'alone'))).toBe(
    'CONDUCT_REFUSED: The flow fulfilment of orderId:alone is not conducted: it has begun already, with order.created.',
  )
  // At the same time: one of both, and the services are called once.
  const both = await Promise.all([
    codeOf(app.publish(Created({ orderId: 'both' }), { id: 'x' })),
    codeOf(begin(app, 'both')),
  ])
  expect(both.filter((code) => code === 'none').length).toBeGreaterThan(0)
  await quiet(app, 'both')
  const refused = both[1] !== 'none'
  expect(refused || both[0] === 'none').toBe(true)
  expect(calls.filter((call) => call === 'charge both').length).toBe(1)
})

test('two choreographies that speak of one event are not conducted for one key at once', async () => {
  const { definition } = shop({ held: { operation: 'charge', until: new Promise(() => {}) } })
  const payments = choreography('payments', { key: 'orderId' }, seq(Refunded, Paid))
  const app = await openShop({ ...definition, choreographies: [...definition.choreographies, payments] })
  await begin(app, 'o')
  expect(await codeOf(app.conduct(payments)(Refunded({ orderId: 'o' })))).toContain(
    'CONDUCT_REFUSED: The flow payments of orderId:o is not conducted: the run "fulfilment:o" conducts these events already.',
  )
})

test('what cannot be conducted is refused, with what is missing', async () => {
  const { definition } = shop()
  const returned = choreography('returns', { key: 'orderId' }, seq(Shipped, event('parcel.returned', Order, byOrder)))
  const app = await openShop({ ...definition, choreographies: [...definition.choreographies, returned] })
  expect(await codeOf(app.conduct(returned)(Shipped({ orderId: 'o' })))).toBe(
    'CONDUCT_IMPOSSIBLE: The choreography returns cannot be conducted: of its event "parcel.returned" no operation has it as an outcome.',
  )
  expect(await codeOf(app.conductNamed({ choreography: 'fulfilmen', type: 'order.created', data: {} }))).toContain(
    'CHOREOGRAPHY_UNKNOWN: There is no choreography "fulfilmen" here. Did you mean "fulfilment"?',
  )
  expect(await codeOf(app.conduct(fulfilment)(Paid({ orderId: 'o' })))).toContain(
    'REQUEST_INVALID: The request is not valid at type: "payment.approved" does not begin the flow fulfilment; order.created does.',
  )
  expect(await codeOf(app.conductNamed({ choreography: 'fulfilment', type: 'order.created', data: {} }))).toContain(
    'INPUT_INVALID',
  )
  expect((await app.events({})).items).toEqual([])
})

test('cancelled, it makes no further call, and waits for what is under way', async () => {
  const held = gate()
  const { definition, calls } = shop({ held: { operation: 'charge', until: held.promise } })
  const app = await openShop(definition)
  await begin(app, 'o')
  await until(app, 'orderId:o', async () => calls.includes('charge o'))
  expect(await app.cancel('fulfilment:o', { by: 'the desk', why: 'a test' })).toMatchObject({ changed: true })
  expect(await app.cancel('fulfilment:o', { by: 'the desk' })).toMatchObject({ changed: false })
  expect(await app.run('fulfilment:o')).toMatchObject({
    status: 'running',
    phase: 'cancelling',
    waits: [{ kind: 'child', from: 'payment.charge' }],
  })
  held.open()
  expect(await codeOf(app.result('fulfilment:o'))).toContain('RUN_CANCELLED')
  // It was charged, and nothing follows of it; what comes from then on is answered by reactions.
  expect(calls.slice(2)).toEqual(['charge o'])
  await app.publish(Cancelled({ orderId: 'o' }), { id: 'c' })
  await quiet(app, 'o')
  expect(calls.slice(2)).toEqual(['charge o', 'refund o'])
  expect((await runsOf(app, 'o')).at(-1)).toMatchObject({ name: 'payment:order.cancelled', parent: null })
})

test('cancelled before its workflow has started what it starts: nothing goes on behind its back', async () => {
  const held = gate()
  const { definition, calls } = shop({ held: { operation: 'pick shoes', until: held.promise } })
  const app = await openShop(definition)
  await begin(app, 'o')
  await until(app, 'orderId:o', async () => calls.length === 2)
  await app.cancel('fulfilment:o', { by: 'the desk' })
  expect(await app.run('fulfilment:o')).toMatchObject({ phase: 'cancelling' })
  held.open()
  await codeOf(app.result('fulfilment:o'))
  await quiet(app, 'o')
  expect(calls.toSorted()).toEqual(['pick ribbon o', 'pick shoes o'])
})

test('a call that fails for good ends it, when nothing else is under way', async () => {
  const { definition } = shop({ failing: 'ship' })
  const app = await openShop(definition)
  await begin(app, 'o')
  expect(await codeOf(app.result('fulfilment:o'))).toContain(
    'RUN_FAILED: The run "fulfilment:o" failed: The run "fulfilment:o" cannot go on',
  )
  const failed = await app.run('fulfilment:o')
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'CONDUCT_FAILED' } })
  expect(failed?.steps?.at(-1)).toMatchObject({
    call: 'shipping.ship',
    status: 'failed',
    error: { code: 'TERMINAL' },
  })
})

test('a flow that is broken ends as failed, and says what came', async () => {
  const held = gate()
  const { definition } = shop({ held: { operation: 'ship', until: held.promise } })
  const app = await openShop(definition)
  await begin(app, 'o')
  await until(app, 'orderId:o', async () => (await runsOf(app, 'o'))[0]?.steps?.length === 3)
  await app.publish(Declined({ orderId: 'o' }), { id: 'stray' })
  held.open()
  expect(await codeOf(app.result('fulfilment:o'))).toContain(
    'The flow fulfilment of orderId:o is broken: payment.declined came, which is unexpected there.',
  )
  expect(await app.flow('fulfilment', 'o')).toMatchObject({ state: 'broken' })
})

test('an event of another key goes its own way, and is waited for only where more may come', async () => {
  const { definition, calls } = shop()
  const app = await openShop(definition)
  await begin(app, 'shelf')
  await app.result('fulfilment:shelf')
  await until(app, null, async () => (await app.runs({ status: ['running'] })).items.length === 0)
  expect(calls.at(-1)).toBe('count of-shelf')
  expect((await app.key('shelf', 'of-shelf')).runs).toMatchObject([{ name: 'catalog:shelf.counted', parent: null }])
})

test('closed in the middle, it is taken up by the next process, also one that holds a single run in memory', async () => {
  for (const name of ['pick shoes', 'charge', 'ship']) {
    const store = newFile()
    const first = shop({ held: { operation: name, until: new Promise(() => {}) } })
    const app = await openShop(first.definition, store)
    await begin(app, 'o')
    await until(app, 'orderId:o', async () => first.calls.includes(`${name} o`))
    await app.close()
    const second = shop()
    // The catalog of this test counts in memory: what was picked before is known to it.
    const next = await openForTest(second.definition, { store, liveRuns: 1 })
    if (name === 'pick shoes') {
      await until(next, null, async () => second.calls.includes('pick shoes o'))
      await next.publish(Reserved({ orderId: 'o' }))
    }
    expect(await next.result('fulfilment:o')).toMatchObject({ ending: 'fulfilled' })
    const all = [...first.calls, ...second.calls].filter((call) => !call.startsWith('pick'))
    expect(all.filter((call) => call !== `${name} o`).length).toBe(name === 'pick shoes' ? 2 : 1)
    await next.close()
  }
})
