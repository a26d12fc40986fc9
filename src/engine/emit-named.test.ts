// A workflow says a fact under the name that a webhook has for it: it is one event, whoever says it first. Processes that die
// between the turn and the event are in crash-everywhere.test.ts, events of other shards in test/postgres/shards.test.ts.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Paid = event('invoice.paid', z.object({ dealId: z.string(), amount: z.number() }), { key: 'dealId' })
const Go = signal('go', z.null())
const NAME = { id: '2026-1:paid', source: 'accounting' }
const output = z.json()

/** A workflow that has found a payment, and a CRM that marks what is paid; how often it was asked. */
function application(name: { readonly id?: string; readonly source?: string } = NAME) {
  const marked: string[] = []
  const crm = service('crm', {
    markPaid: operation({
      input: Paid.schema,
      run: ({ dealId }, { idempotencyKey }) => void marked.push(`${dealId} ${idempotencyKey}`),
    }),
  })
  crm.on(Paid, (paid) => crm.markPaid(paid))
  const compare = workflow('compare', { input: z.number(), output, signals: [Go] }, async (run, amount) => {
    run.emit(Paid({ dealId: 'D-1', amount }), name)
    await run.receive(Go)
    return 'compared'
  })
  return { definition: ballet({ name: 'shop', services: [crm], workflows: [compare] }), compare, marked }
}

const paid = (app: Application) =>
  until(app, null, async () => {
    const { items } = await app.events({ types: ['invoice.paid'] })
    return items.length > 0 && items
  })
const settled = (app: Application) =>
  until(app, null, async () => {
    const { items } = await app.runs({ kind: 'reaction' })
    return items.length > 0 && items.every(({ status }) => status === 'completed') && items
  })

test('what the run says first is what the webhook would have said: it comes too late, and nothing follows of it', async () => {
  const { definition, compare, marked } = application()
  const app = await openForTest(definition)
  const { id } = await app.start(compare(5))
  const [one] = await paid(app)
  expect(one).toMatchObject({
    ...NAME,
    data: { dealId: 'D-1', amount: 5 },
    causationid: `run:${id}`,
    correlationid: `run:${id}`,
  })
  expect(await app.publish(Paid({ dealId: 'D-1', amount: 5 }), NAME)).toMatchObject({ created: false })
  await settled(app)
  expect(await paid(app)).toHaveLength(1)
  expect(marked).toHaveLength(1)
})

test('what the webhook has said is not said again, also over a restart', async () => {
  const { definition, compare, marked } = application()
  const data = new MemoryData()
  const app = await openForTest(definition, { store: memory(data) })
  await app.publish(Paid({ dealId: 'D-1', amount: 5 }), NAME)
  const { id } = await app.start(compare(5))
  await app.close()
  const again = await openForTest(definition, { store: memory(data) })
  await again.signal(id, Go(null))
  expect(await again.result(id)).toBe('compared')
  await settled(again)
  expect(await paid(again)).toHaveLength(1)
  expect(marked).toHaveLength(1)
})

test('another event has the name: it keeps it, the run goes on, and the log says whose was not taken', async () => {
  const { definition, compare } = application()
  const log = keptLog()
  const app = await openForTest(definition, { log })
  await app.publish(Paid({ dealId: 'D-1', amount: 4 }), NAME)
  await app.start(compare(5), { id: 'c' })
  await app.signal('c', Go(null))
  expect(await app.result('c')).toBe('compared')
  await app.start(compare(4), { id: 'd' })
  await app.signal('d', Go(null))
  await app.result('d')
  await until(app, null, async () => log.lines.length > 0)
  expect(await paid(app)).toMatchObject([{ data: { amount: 4 } }])
  expect(log.lines).toEqual([
    'warn What the run "c" emitted was not taken: The event "2026-1:paid" of "accounting" exists with other data.',
  ])
})

test.each<[object, object]>([
  [{ id: 'p' }, { id: 'p', source: 'compare' }],
  [{ source: 'bank' }, { id: expect.stringContaining('emit:invoice.paid#0') as string, source: 'bank' }],
  [{}, { id: expect.stringContaining('emit:invoice.paid#0') as string, source: 'compare' }],
])('with %j it is %j', async (name, expected) => {
  const { definition, compare } = application(name)
  const app = await openForTest(definition)
  await app.start(compare(5))
  expect(await paid(app)).toMatchObject([expected])
})

test('data that are no JSON before their schema are the same to both', async () => {
  const At = event('at', z.object({ id: z.string(), at: z.date().transform((at) => at.toISOString()) }), { key: 'id' })
  const given = { id: 'a', at: new Date(0) }
  const tell = workflow('tell', { input: z.null(), output }, async (run) => {
    run.emit(At(given), { id: 'x', source: 's' })
    return null
  })
  const app = await openForTest(ballet({ services: [], workflows: [tell], events: [At] }))
  await app.start(tell(null))
  const [one] = await until(app, null, async () => {
    const { items } = await app.events()
    return items.length > 0 && items
  })
  expect(one?.data).toEqual({ id: 'a', at: '1970-01-01T00:00:00.000Z' })
  expect(await app.publish(At(given), { id: 'x', source: 's' })).toMatchObject({ created: false })
})
