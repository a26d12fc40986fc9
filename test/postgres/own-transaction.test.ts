// Starts, events and signals within a transaction of the application's own, by each library that has one: they come when it
// commits, and never when it does not.
import pg from 'pg'
import postgres from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, event, operation, service, signal, workflow, type Application } from '../../src/index.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { libraries } from './libraries.ts'
import { newPlace, serverUrl } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Order = z.object({ orderId: z.string(), note: z.string() })
const Ordered = event('ordered', Order, { key: 'orderId' })
const Go = signal('go', z.string())
const desk = service('desk', {
  greet: operation({ input: Order, output: z.string(), run: ({ note }) => `hello ${note}` }),
})
desk.on(Ordered, (order) => desk.greet(order))
const waiter = workflow('waiter', { input: Order, key: 'orderId', output: z.string(), signals: [Go] }, async (run) => {
  return (await run.receive(Go)).data
})
const definition = ballet({ name: 'shop', services: [desk], workflows: [waiter] })

type Opened = Awaited<ReturnType<(typeof libraries)[number][1]>>

async function opened(open: () => Promise<Opened>): Promise<Opened> {
  const library = await open()
  closing.push(() => library.close())
  return library
}

/** By pg, for what is the same with each. */
const [, openPg] = libraries[1] as (typeof libraries)[number]

async function openPlace(): Promise<{ readonly app: Application; readonly schema: string }> {
  const place = await newPlace()
  closing.push(() => place.drop())
  const app = await openForTest(definition, { store: place.url() })
  closing.push(() => app.close())
  return { app, schema: place.schema }
}
const openOnPlace = async (): Promise<Application> => (await openPlace()).app

const note = `it's "quoted" \\ and ümläutet \u{1F69A}`

test.each(libraries)('%s: what a transaction asks for comes when it commits', async (_name, open) => {
  const app = await openOnPlace()
  const { within: inTransaction } = await opened(open)
  await inTransaction(async (tx) => {
    expect(await app.start(waiter({ orderId: '1', note }), { tx })).toEqual({ id: 'waiter:1' })
    await app.publish(Ordered({ orderId: '2', note }), { id: 'e-1', tx })
  })
  const started = await until(app, null, async () => (await app.run('waiter:1')) ?? undefined)
  expect(started.input).toEqual({ orderId: '1', note })
  await inTransaction((tx) => app.signal('waiter:1', Go(note), { id: 's-1', tx }))
  expect(await app.result('waiter:1')).toBe(note)
  const events = await until(app, null, async () => {
    const { items } = await app.events({ key: 'orderId:2' })
    return items.length > 0 && items
  })
  expect(events).toMatchObject([{ id: 'e-1', source: 'shop', data: { orderId: '2', note } }])
  const reaction = await until(app, null, async () => {
    const run = (await app.runs({ kind: 'reaction' })).items[0]
    return run?.status === 'completed' && run
  })
  expect(reaction.output).toBe(`hello ${note}`)
  // Whoever repeats a transaction repeats what it asked for.
  await inTransaction((tx) => app.publish(Ordered({ orderId: '2', note }), { id: 'e-1', tx }))
  await app.publish(Ordered({ orderId: '3', note: '' }))
  expect((await app.events()).items).toHaveLength(2)
})

test.each(libraries)('%s: it does not come when the transaction is rolled back', async (_name, open) => {
  const app = await openOnPlace()
  const { within: inTransaction, outside } = await opened(open)
  const aborted = inTransaction(async (tx) => {
    await app.start(waiter({ orderId: '1', note }), { tx })
    await app.publish(Ordered({ orderId: '1', note }), { tx })
    throw new RangeError('changed its mind')
  })
  await expect(aborted).rejects.toThrow('changed its mind')
  // Whoever asks is answered after what lay in the inbox.
  expect(await app.run('waiter:1')).toBeNull()
  await app.publish(Ordered({ orderId: '2', note: 'the only one' }))
  expect((await app.events()).items.map(({ data }) => data)).toEqual([{ orderId: '2', note: 'the only one' }])
  await expect(app.publish(Ordered({ orderId: '1', note }), { tx: outside })).rejects.toMatchObject({
    code: 'TX_INVALID',
  })
})

test.each(libraries)(
  '%s: what is in no transaction any more is refused, and nothing is written',
  async (name, open) => {
    const app = await openOnPlace()
    const { within: inTransaction } = await opened(open)
    let kept: object = {}
    await inTransaction(async (tx) => {
      kept = tx
      await app.publish(Ordered({ orderId: '1', note }), { id: 'e-1', tx })
    })
    // Kysely says so itself.
    const late = name === 'Kysely' ? /already committed/ : /tx is a connection that is in no transaction/
    await expect(app.publish(Ordered({ orderId: '2', note }), { id: 'e-2', tx: kept })).rejects.toThrow(late)
    await expect(app.start(waiter({ orderId: '2', note }), { tx: kept })).rejects.toThrow(late)
    // Whoever asks is answered after what lay in the inbox.
    expect(await app.run('waiter:2')).toBeNull()
    await app.publish(Ordered({ orderId: '3', note }), { id: 'e-3' })
    expect((await app.events()).items.map(({ id }) => id).toSorted()).toEqual(['e-1', 'e-3'])
  },
)

test.each([true, false])(
  'by postgres one that is over is refused where nothing was prepared before: %s',
  async (prepare) => {
    const app = await openOnPlace()
    const sql = postgres(await serverUrl(), { max: 1, prepare })
    closing.push(() => sql.end())
    let kept: object = {}
    await sql.begin(async (tx) => {
      kept = tx
      await tx`SELECT 1`
    })
    const late = app.publish(Ordered({ orderId: '1', note }), { id: 'e', tx: kept })
    await expect(late).rejects.toMatchObject({ code: 'TX_INVALID' })
    // One that has only read is in one.
    await sql.begin(async (tx) => {
      await tx`SELECT 1`
      await app.publish(Ordered({ orderId: '2', note }), { id: 'f', tx })
    })
    const events = await until(app, null, async () => {
      const { items } = await app.events()
      return items.length > 0 && items
    })
    expect(events.map(({ id }) => id)).toEqual(['f'])
  },
)

test('pg: a client that has begun nothing is refused, and one that has read only is not', async () => {
  const app = await openOnPlace()
  const client = new pg.Client(await serverUrl())
  await client.connect()
  closing.push(() => client.end())
  const order = Ordered({ orderId: '1', note })
  await expect(app.publish(order, { tx: client })).rejects.toMatchObject({ code: 'TX_INVALID' })
  // Begun behind what it asks for, and at once with it.
  const [, published] = await Promise.all([client.query('BEGIN'), app.publish(order, { id: 'e', tx: client })])
  expect(published).toEqual({ id: 'e' })
  await client.query('ROLLBACK')
  await client.query('BEGIN READ WRITE')
  await client.query('SELECT 1')
  await app.publish(order, { id: 'f', tx: client })
  await client.query('COMMIT')
  const events = await until(app, null, async () => {
    const { items } = await app.events()
    return items.length > 0 && items
  })
  expect(events.map(({ id }) => id)).toEqual(['f'])
})

test.each([true, false])(
  'by postgres its statement is prepared once, if the pool prepares any: %s',
  async (prepare) => {
    const { app, schema } = await openPlace()
    const sql = postgres(await serverUrl(), { max: 1, prepare })
    closing.push(() => sql.end())
    await sql.begin(async (tx) => {
      for (const orderId of ['1', '2', '3']) await app.publish(Ordered({ orderId, note }), { tx })
      const own = `%"${schema}".inbox%$8%`
      const prepared = await tx.unsafe(`SELECT statement FROM pg_prepared_statements WHERE statement LIKE '${own}'`)
      expect(prepared).toHaveLength(prepare ? 1 : 0)
    })
    const events = await until(app, null, async () => {
      const { items } = await app.events()
      return items.length === 3 && items
    })
    expect(events.map(({ data }) => data)).toEqual(['1', '2', '3'].map((orderId) => ({ orderId, note })))
  },
)

test('what is wrong is refused before the transaction has it', async () => {
  const app = await openOnPlace()
  const { within } = await opened(openPg)
  await within(async (tx) => {
    const bad = waiter({ orderId: 7, note } as unknown as z.infer<typeof Order>)
    await expect(app.start(bad, { tx })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(app.start(waiter({ orderId: '1', note }), { tx, at: 'soon' })).rejects.toMatchObject({
      code: 'TIME_INVALID',
    })
    const past = { tx, deadline: '2001-01-01T00:00:00Z' }
    await expect(app.start(waiter({ orderId: '1', note }), past)).rejects.toMatchObject({ code: 'TIME_INVALID' })
    await expect(app.signal('waiter:1', Go('x'), { tx })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    const other = { type: 'other', data: {}, kind: 'event' } as unknown as ReturnType<typeof Ordered>
    await expect(app.publish(other, { tx })).rejects.toMatchObject({ code: 'EVENT_UNKNOWN' })
    for (const none of [{}, new Map(), () => {}, null as never, 5 as never, 'tx' as never])
      await expect(app.start(waiter({ orderId: '1', note }), { tx: none })).rejects.toMatchObject({
        code: 'TX_INVALID',
      })
  })
  await app.start(waiter({ orderId: '1', note }))
  await app.publish(Ordered({ orderId: '1', note }), { id: 'e' })
  await within(async (tx) => {
    const clash = app.start(waiter({ orderId: '1', note: 'another' }), { tx })
    await expect(clash).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
    const other = app.publish(Ordered({ orderId: '1', note: 'another' }), { id: 'e', tx })
    await expect(other).rejects.toMatchObject({ code: 'EVENT_CONFLICT' })
    // It is no conflict with what is the same.
    expect(await app.start(waiter({ orderId: '1', note }), { tx })).toEqual({ id: 'waiter:1' })
  })
  expect((await app.runs({ name: 'waiter' })).items).toHaveLength(1)
})

/** What is no JSON before its schema. */
const When = z.object({ orderId: z.string(), at: z.date().transform((at) => at.toISOString()) })
const Dated = event('dated', When, { key: 'orderId' })
const Then = signal(
  'then',
  z.bigint().transform((n) => `${n}`),
)
/** Looks at what it is given more than once, and makes another thing of it each time. */
const Counted = z
  .object({ orderId: z.string(), looks: z.number() })
  .transform((order) => ({ ...order, looks: (looks += 1) }))
let looks = 0
const dating = workflow(
  'dating',
  { input: When, key: 'orderId', output: z.json(), signals: [Then] },
  async (run, { at }) => [at, (await run.receive(Then)).data],
)
const counting = workflow('counting', { input: Counted, output: z.number() }, async (_, order) => order.looks)
const huge = workflow('huge', { input: z.bigint().transform(Number), output: z.number() }, async (_, n) => n)
const dates = ballet({ name: 'shop', services: [], workflows: [dating, counting, huge], events: [Dated] })

test('what is no JSON before its schema is judged once: what a transaction was told is taken comes', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const log = keptLog()
  const app = await openForTest(dates, { store: place.url(), log })
  closing.push(() => app.close())
  const { within } = await opened(openPg)
  const at = new Date(0)
  looks = 0
  await within(async (tx) => {
    expect(await app.start(dating({ orderId: '1', at }), { tx })).toEqual({ id: 'dating:1' })
    await app.publish(Dated({ orderId: '2', at }), { id: 'e', tx })
    await app.start(counting({ orderId: '3', looks: 0 }), { id: 'c', tx })
    await expect(app.start(huge(7n), { tx })).rejects.toMatchObject({
      code: 'VALUE_NOT_JSON',
      message: expect.stringContaining('the input of huge cannot be stored as JSON') as unknown,
    })
  })
  await expect(app.start(huge(7n))).rejects.toMatchObject({ code: 'VALUE_NOT_JSON' })
  expect(await until(app, null, async () => (await app.run('dating:1'))?.input)).toEqual({
    orderId: '1',
    at: at.toISOString(),
  })
  // It is the same without a transaction.
  expect(await app.start(dating({ orderId: '1', at }))).toEqual({ id: 'dating:1', created: false })
  await expect(app.start(dating({ orderId: '1', at: new Date(1) }))).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
  expect(await app.publish(Dated({ orderId: '2', at }), { id: 'e' })).toMatchObject({ created: false })
  expect((await app.events()).items.map(({ data }) => data)).toEqual([{ orderId: '2', at: at.toISOString() }])
  expect(await app.result('c')).toBe(1)
  await within((tx) => app.signal('dating:1', Then(8n), { tx }))
  expect(await app.result('dating:1')).toEqual([at.toISOString(), '8'])
  expect(log.lines).toEqual([])
})

test('a transaction on another database is told so, whether there is a store or none', async () => {
  const { app, schema } = await openPlace()
  const { within } = await opened(openPg)
  // As it would be there: the store of another id, or no such table.
  for (const change of [`UPDATE ${schema}.store SET id = 'another'`, `ALTER TABLE ${schema}.inbox RENAME TO outbox`]) {
    const undone = within(async (tx) => {
      await (tx as { query: (text: string) => Promise<unknown> }).query(change)
      // An event without an id, because the change keeps the store itself from being read.
      const published = app.publish(Ordered({ orderId: '1', note }), { tx })
      await expect(published).rejects.toMatchObject({ code: 'TX_FOREIGN' })
      throw new RangeError('that was all')
    })
    await expect(undone).rejects.toThrow('that was all')
  }
})

test('a store in a file is in no database of the application', async () => {
  const app = await openForTest(definition)
  const { within } = await opened(openPg)
  await within(async (tx) => {
    await expect(app.start(waiter({ orderId: '1', note }), { tx })).rejects.toMatchObject({ code: 'TX_UNSUPPORTED' })
  })
})

test.each(libraries)(
  '%s: two of one name that are not the same are told from each other within one transaction',
  async (_name, open) => {
    const app = await openOnPlace()
    const { within: inTransaction } = await opened(open)
    await app.start(waiter({ orderId: 'open', note }))
    const twice = async (tx: object, second: string): Promise<string[]> => {
      const codes: string[] = []
      for (const said of ['one', 'one', second]) {
        const order = { orderId: '1', note: said }
        for (const ask of [
          () => app.start(waiter(order), { tx }),
          () => app.publish(Ordered(order), { id: 'e-1', tx }),
          () => app.signal('waiter:open', Go(said), { id: 's-1', tx }),
        ])
          await ask().catch((error: unknown) => codes.push((error as { code: string }).code))
      }
      return codes
    }
    const conflicts = ['RUN_CONFLICT', 'EVENT_CONFLICT', 'SIGNAL_CONFLICT']
    await inTransaction(async (tx) => expect(await twice(tx, 'other')).toEqual(conflicts))
    expect(await app.result('waiter:open')).toBe('one')
    expect(await until(app, null, async () => (await app.run('waiter:1'))?.input)).toEqual({
      orderId: '1',
      note: 'one',
    })
  },
)

test('what went back with a save point was not said, and what another transaction has said is looked for where it lies', async () => {
  const app = await openOnPlace()
  const { within: inTransaction } = await opened(openPg)
  const ask = async (tx: object, total: string) => app.start(waiter({ orderId: '1', note: total }), { tx })
  await inTransaction(async (tx) => {
    const client = tx as { query: (text: string) => Promise<unknown> }
    await client.query('SAVEPOINT before')
    await ask(tx, 'one')
    await client.query('ROLLBACK TO before')
    await ask(tx, 'other')
    // More is kept in mind than one says in a transaction, and no more than fits.
    for (let n = 0; n < 120; n++) await app.publish(Ordered({ orderId: `${n}`, note }), { tx })
    await ask(tx, 'other')
  })
  expect(await until(app, null, async () => (await app.run('waiter:1'))?.input)).toEqual({
    orderId: '1',
    note: 'other',
  })
})
