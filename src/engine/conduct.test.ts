// A choreography that one run conducts: the calls of the same reactions, once each, with the same outcomes, on a real file.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, until } from '../../test/support/applications.ts'
import {
  begin,
  byOrder,
  Cancelled,
  codeOf,
  Created,
  Declined,
  fulfilment,
  openShop,
  Order,
  Paid,
  quiet,
  Refunded,
  runsOf,
  shop,
  Shipped,
} from '../../test/support/conducted.ts'
import {
  ballet,
  choice,
  choreography,
  event,
  many,
  operation,
  seq,
  service,
  TerminalError,
  workflow,
} from '../index.ts'

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

test('another event that would begin it is refused, and is not published; one without an id is the same as before', async () => {
  const { definition } = shop()
  const app = await openShop(definition)
  await begin(app, 'o')
  await app.result('fulfilment:o')
  const again = (options: { readonly id?: string; readonly source?: string }) =>
    codeOf(app.conduct(fulfilment)(Created({ orderId: 'o' }), options))
  expect(await again({ id: 'other' })).toContain('RUN_CONFLICT')
  expect(await again({ id: 'o', source: 'elsewhere' })).toContain('RUN_CONFLICT')
  expect(await again({ id: 'o', source: 'shop' })).toBe('none')
  expect(await again({})).toBe('none')
  const begun = (await app.events({ key: 'orderId:o' })).items.filter(({ type }) => type === 'order.created')
  expect(begun).toMatchObject([{ id: 'o', source: 'shop' }])
  // At the same time: one of both.
  const both = await Promise.all(
    ['a', 'b'].map((id) => codeOf(app.conduct(fulfilment)(Created({ orderId: 'both' }), { id }))),
  )
  expect(both.toSorted()).toEqual([expect.stringContaining('RUN_CONFLICT'), 'none'])
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

test('a flow of which a call is made for some data alone is conducted', async () => {
  const Bid = event('bid.made', Order.extend({ total: z.int() }), byOrder)
  const Passed = event('bid.passed', Order, byOrder)
  const Large = event('bid.approved', Order, byOrder)
  const desk = service('desk', {
    pass: operation({ input: Order, outcomes: [Passed], run: (order) => Passed(order) }),
    approve: operation({ input: Order, outcomes: [Large], run: (order) => Large(order) }),
  })
  desk.on(Bid, ({ orderId, total }) => (total > 1000 ? desk.approve({ orderId }) : desk.pass({ orderId })))
  const bids = choreography('bids', { key: 'orderId' }, seq(Bid, choice(Passed.as('passed'), Large.as('approved'))))
  const app = await openShop(ballet({ services: [desk], choreographies: [bids] }))
  await app.conduct(bids)(Bid({ orderId: 'a', total: 1 }))
  expect(await app.result('bids:a')).toMatchObject({ ending: 'passed' })
  await app.conduct(bids)(Bid({ orderId: 'b', total: 1001 }))
  expect(await app.result('bids:b')).toMatchObject({ ending: 'approved' })
})

test('cancelled, it makes no further call, and waits for what is under way', async () => {
  const held = gate()
  const { definition, calls } = shop({ held: { operation: 'charge', until: held.promise } })
  const app = await openShop(definition)
  await begin(app, 'o')
  await until(app, 'orderId:o', async () => calls.includes('charge o'))
  expect(await app.cancel('fulfilment:o', { by: 'the desk', why: 'a test' })).toMatchObject({
    changed: true,
    takesBack: false,
  })
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

test('an event of another key goes its own way', async () => {
  const { definition, calls } = shop()
  const app = await openShop(definition)
  await begin(app, 'shelf')
  await app.result('fulfilment:shelf')
  await until(app, null, async () => (await app.runs({ status: ['running'] })).items.length === 0)
  expect(calls.at(-1)).toBe('count of-shelf')
  expect((await app.key('shelf', 'of-shelf')).runs).toMatchObject([{ name: 'catalog:shelf.counted', parent: null }])
})

test('what reacts to an event beside the flow may fail: the flow goes on', async () => {
  const Asked = event('client.asked', Order, byOrder)
  const Shelved = event('shelf.filled', z.object({ shelf: z.string() }), { key: 'shelf' })
  const desk = service('desk', {
    fill: operation({ input: Order, outcomes: [Shelved], run: ({ orderId }) => Shelved({ shelf: orderId }) }),
    count: operation({
      input: Shelved.schema,
      run: () => {
        throw new TerminalError('the shelf is gone')
      },
    }),
  })
  desk.on(Created, (order) => desk.fill(order))
  desk.on(Shelved, (shelf) => desk.count(shelf))
  const asking = choreography('asking', { key: 'orderId' }, seq(Created, Asked), { outside: [Asked] })
  const app = await openShop(ballet({ services: [desk], choreographies: [asking] }))
  await app.conduct(asking)(Created({ orderId: 'o' }))
  await until(app, null, async () => (await app.runs({ status: ['failed'] })).items.length === 1)
  await app.publish(Asked({ orderId: 'o' }))
  expect(await app.result('asking:o')).toMatchObject({ ending: 'complete' })
})

test('what goes on beside the flow is waited for as long as more may come of it, and not when the flow is complete', async () => {
  const Noted = event('desk.noted', Order, byOrder)
  const held = gate()
  const desk = service('desk', {
    note: operation({ input: Order, outcomes: [Noted], run: (order) => Noted(order) }),
    sweep: operation({ input: Order, run: () => held.promise }),
  })
  const clean = workflow('clean', { input: Order, output: z.null(), ...byOrder }, async (run, order) => {
    await run.call(desk.sweep(order))
    return null
  })
  desk.on(Created, (order) => desk.note(order))
  desk.on(Created, (order) => clean(order), { name: 'clean', calls: ['desk.sweep'] })
  const short = choreography('short', { key: 'orderId' }, seq(Created, Noted))
  const long = choreography('long', { key: 'orderId' }, seq(Created, Noted, many(Noted)))
  const app = await openShop(ballet({ services: [desk], workflows: [clean], choreographies: [short, long] }))
  await app.conduct(short)(Created({ orderId: 'a' }))
  expect(await app.result('short:a')).toMatchObject({ ending: 'complete' })
  expect(await app.run('clean:a')).toMatchObject({ status: 'running' })
  await app.conduct(long)(Created({ orderId: 'b' }))
  await until(app, 'orderId:b', async () => (await app.run('long:b'))?.steps?.every(({ status }) => status === 'done'))
  await app.flow('long', 'b')
  await app.publish(Created({ orderId: 'c' }))
  expect(await app.run('long:b')).toMatchObject({ status: 'running' })
  held.open()
  expect(await app.result('long:b')).toMatchObject({ ending: 'complete' })
})
