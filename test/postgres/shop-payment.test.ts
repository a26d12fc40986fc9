// Payment of the shop keeps its accounts in PostgreSQL: an order is charged once, whoever asks, how many, and whenever they die.
import { spawn } from 'node:child_process'
import { once as happened } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import type { Account, Accounts, Decision } from '../../examples/shop/accounts.ts'
import { PaymentRefunded } from '../../examples/shop/contracts.ts'
import { applied } from '../../examples/shop/effects.ts'
import { Faults } from '../../examples/shop/faults.ts'
import { PostgresAccounts } from '../../examples/shop/postgres-accounts.ts'
import { paymentService } from '../../examples/shop/services/payment.ts'
import { SqliteAccounts } from '../../examples/shop/sqlite-accounts.ts'
import { contextOf, deeds, startShop, styles } from '../../examples/shop/testing.ts'
import { DEFINITION } from '../../src/define/definition-symbol.ts'
import type { OperationContext } from '../../src/define/definition.ts'
import { servicesOf } from '../chaos/shop-process.ts'
import { endingAt } from './ending-at.ts'
import { Proxy } from './proxy.ts'
import { connection, newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A Payment at some node. */
interface Payment {
  readonly accounts: Accounts
  readonly faults: Faults
  readonly charge: (given: OperationContext, order?: object) => Promise<unknown>
  readonly refund: (given: OperationContext) => Promise<unknown>
}

function paymentOn(make: (faults: Faults) => Accounts): Payment {
  const faults = new Faults()
  const accounts = make(faults)
  closing.push(() => accounts.close())
  const { operations } = paymentService(accounts)[DEFINITION]
  const run = async (name: string, input: object, context: OperationContext): Promise<unknown> =>
    operations.find((operation) => operation.name === `payment.${name}`)?.run?.(input, context)
  return {
    accounts,
    faults,
    charge: (context, more = {}) => run('charge', { ...order, amount: 24_900, ...more }, context),
    refund: (context) => run('refund', { orderId: order.orderId }, context),
  }
}

/** A schema of its own, and Payment at as many nodes as wanted. */
async function newDatabase(): Promise<{ schema: string; url: string; node: (at?: string) => Payment }> {
  const place = await newPlace()
  closing.push(() => place.drop())
  const url = place.url()
  return {
    schema: `${place.schema}_shop`,
    url,
    node: (at = url) => paymentOn((faults) => new PostgresAccounts(at, faults)),
  }
}

const order = {
  orderId: '8841',
  items: [{ sku: 'tutu', qty: 1 }],
  customer: { name: 'Odette', email: 'odette@example.com', card: '4000', city: 'Paris' },
}
const context = (op: string, more: Partial<OperationContext> = {}): OperationContext =>
  contextOf(op, { cause: 'event:shop:8841', ...more })
const undo = (op: string): OperationContext => context(`undo-${op}`, { undoes: `store:run:0:${op}` })
const written = async ({ accounts }: Payment): Promise<string[]> => deeds(await accounts.ledger())

describe.each([
  ['SQLite', async () => paymentOn((faults) => new SqliteAccounts(null, faults))],
  ['PostgreSQL', async () => (await newDatabase()).node()],
])('accounts in %s', (_name, make) => {
  test('a repeat is answered alike, and has its line; the money is taken and given back once', async () => {
    const payment = await make()
    const answer = await payment.charge(context('charge'))
    expect(answer).toMatchObject({ type: 'payment.approved', data: { amount: 24_900, receipt: 'receipt-8841' } })
    expect(await payment.charge(context('charge', { attempt: 2 }))).toEqual(answer)
    const refunded = await payment.refund(undo('charge'))
    expect(refunded).toMatchObject({ type: 'payment.refunded', data: { amount: 24_900 } })
    expect(await payment.refund(undo('charge'))).toEqual(refunded)
    expect(await payment.refund(context('again'))).toMatchObject({ type: 'payment.nothing-to-refund' })
    expect(await written(payment)).toEqual([
      'charge applied 24900',
      'charge deduped',
      'refund applied 24900',
      'refund deduped',
      'refund refused',
    ])
    const [line] = await payment.accounts.ledger()
    const key = 'store:run:0:charge'
    expect(line).toMatchObject({ run: '8841', key, event: key, cause: '8841', epoch: 5, amount: 24_900 })
  })

  test('a charge that comes after its undo is refused for good; one of another call is declined', async () => {
    const payment = await make()
    expect(await payment.refund(undo('charge'))).toMatchObject({ type: 'payment.nothing-to-refund' })
    await expect(payment.charge(context('charge'))).rejects.toMatchObject({ terminal: true })
    const reason = 'it was taken back'
    expect(await payment.charge(context('other'))).toMatchObject({ type: 'payment.declined', data: { reason } })
    expect(await written(payment)).toEqual(['refund refused', 'charge refused', 'charge refused'])
  })

  test('an engine that was replaced is refused, and what it asked for can still be done by the other', async () => {
    const payment = await make()
    const card = { customer: { ...order.customer, card: 'card-declined' } }
    const declined = await payment.charge(context('first', { fence: '1.0.6' }), card)
    expect(declined).toMatchObject({ type: 'payment.declined', data: { reason: 'the card was declined' } })
    await expect(payment.charge(context('charge'))).rejects.toMatchObject({ terminal: true })
    expect(await payment.charge(context('charge', { fence: '1.0.6' }))).toMatchObject({ type: 'payment.approved' })
    // A new incarnation counts from the beginning, another shard and another store for themselves.
    await payment.charge(context('charge', { fence: '2.0.1' }))
    await expect(payment.charge(context('charge', { fence: '1.0.7' }))).rejects.toMatchObject({ terminal: true })
    await payment.charge(context('charge', { fence: '1.1.1' }))
    const lines = ['charge refused', 'charge refused', 'charge applied 24900']
    expect(await written(payment)).toEqual([...lines, 'charge deduped', 'charge refused', 'charge deduped'])
  })

  test('what was told to break, to answer nonsense or to lose its answer is on the record', async () => {
    const payment = await make()
    payment.faults.set({ service: 'payment', failTimes: 1 })
    await expect(payment.charge(context('charge'))).rejects.toThrow('payment broke')
    payment.faults.set({ service: 'payment', garble: true })
    expect(await payment.charge(context('charge'))).toMatchObject({ type: 'nonsense' })
    payment.faults.set({ service: 'payment', loseAnswers: 1 })
    await expect(payment.charge(context('charge'))).rejects.toThrow('the answer of payment was lost')
    await payment.charge(context('charge'))
    const lines = ['charge failed', 'charge failed', 'charge applied 24900', 'charge deduped']
    expect(await written(payment)).toEqual(lines)
  })

  test('a rule that throws leaves nothing behind, and an order is not charged by two calls', async () => {
    const payment = await make()
    const broken = payment.accounts.once(context('charge'), { orderId: '8841', operation: 'charge' }, breaking)
    await expect(broken).rejects.toThrow('in the middle')
    await payment.charge(context('charge'))
    await expect(payment.charge(context('another'))).rejects.toThrow('has been charged by another call')
    expect(await written(payment)).toEqual(['charge applied 24900'])
  })
})

function breaking(account: Account): Decision<ReturnType<typeof PaymentRefunded>> {
  if (account.charged === null) throw new RangeError('in the middle')
  return applied(PaymentRefunded({ orderId: '8841', amount: 0 }))
}

/** The same charge, asked for by many nodes at once. */
async function askedByAll(nodes: readonly Payment[]): Promise<unknown[]> {
  const asked = nodes.flatMap((node) => Array.from({ length: 4 }, () => node.charge(context('charge'))))
  return Promise.all(asked)
}

test('two nodes that ask at once take the money once, and all hear the same', async () => {
  const { node } = await newDatabase()
  const nodes = [node(), node()]
  const answers = await askedByAll(nodes)
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  const lines = (await written(nodes[0] as Payment)).toSorted()
  expect(lines).toEqual(['charge applied 24900', ...Array.from({ length: 7 }, () => 'charge deduped')])
})

test('it is the primary key that does this: without it the same two nodes are not answered alike', async () => {
  const { schema, node } = await newDatabase()
  const sql = await connection()
  await node().accounts.open()
  await sql.unsafe(`CREATE TABLE ${schema}.ballet_tx (key text, output text, undone boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT now())`)
  await expect(askedByAll([node(), node()])).rejects.toThrow('has been charged by another call')
})

test('F9: the answer to the commit of a charge is lost: the next attempt finds the money taken', async () => {
  const { url, node } = await newDatabase()
  const proxy = await Proxy.before(url)
  closing.push(() => proxy.close())
  const payment = node(proxy.url(url))
  // The tables are made, so that the next commit is that of the charge.
  await payment.charge(context('before'), { orderId: '8840' })
  const other = 'charge applied 24900'
  const struck = proxy.next('lose-reply')
  await expect(payment.charge(context('charge'))).rejects.toThrow(/CONNECTION_CLOSED|ECONNRESET/)
  await struck
  expect(await written(node())).toEqual([other, 'charge applied 24900'])
  expect(await payment.charge(context('charge'))).toMatchObject({ type: 'payment.approved' })
  expect(await written(payment)).toEqual([other, 'charge applied 24900', 'charge deduped'])
})

test('a connection that carries nothing any more is given up, and the next attempt has another', async () => {
  const { url, node } = await newDatabase()
  const proxy = await Proxy.before(url)
  closing.push(() => proxy.close())
  const payment = node(proxy.url(url))
  await payment.accounts.open()
  proxy.deafen(true)
  await expect(payment.charge(context('charge'))).rejects.toMatchObject({ code: 'CONNECTION_DESTROYED' })
  proxy.deafen(false)
  expect(await payment.charge(context('charge'))).toMatchObject({ type: 'payment.approved' })
  expect(await written(payment)).toEqual(['charge applied 24900'])
})

/** Holds what others need in the database, until it is let go. */
async function hold(statement: string): Promise<{ readonly letGo: () => Promise<void> }> {
  const sql = await connection()
  const held = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const done = sql.begin(async (tx) => {
    await tx.unsafe(statement)
    held.resolve()
    await over.promise
  })
  await Promise.race([held.promise, done])
  return { letGo: () => (over.resolve(), done.then(() => {})) }
}

/** Resolves when so many sessions wait for somebody else's lock in the schema. */
async function waiting(schema: string, count: number): Promise<void> {
  const sql = await connection()
  for (let seen = -1; seen !== count;) {
    const [row] = await sql<
      { seen: number }[]
    >`SELECT count(*)::int AS seen FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE NOT granted AND EXISTS (SELECT FROM pg_locks mine JOIN pg_class ON pg_class.oid = mine.relation
        WHERE mine.pid = pg_locks.pid AND pg_class.relnamespace = ${schema}::regnamespace)`
    seen = row?.seen ?? 0
  }
}

const newer = { fence: '1.0.6' }

test('an engine that stands still before the account is replaced by the one that asks meanwhile', async () => {
  const { schema, node } = await newDatabase()
  const [old, successor] = [node(), node()]
  await old.accounts.open()
  const sql = await connection()
  await sql.unsafe(`INSERT INTO ${schema}.accounts (order_id) VALUES ('8841')`)
  const account = await hold(`SELECT FROM ${schema}.accounts WHERE order_id = '8841' FOR UPDATE`)
  const late = Promise.allSettled([old.charge(context('charge'))])
  await waiting(schema, 1)
  const charged = successor.charge(context('charge', newer))
  await waiting(schema, 2)
  await account.letGo()
  expect(await late).toMatchObject([{ status: 'rejected', reason: { terminal: true } }])
  expect(await charged).toMatchObject({ type: 'payment.approved' })
  expect((await successor.accounts.ledger()).map(({ outcome, epoch }) => `${outcome} by ${epoch}`).toSorted()).toEqual([
    'applied by 6',
    'refused by 5',
  ])
})

test('what an engine did happened when it passed the fence, however long it stood still behind it', async () => {
  const { schema, node } = await newDatabase()
  const [old, successor] = [node(), node()]
  await old.accounts.open()
  const books = await hold(`LOCK TABLE ${schema}.ledger IN SHARE MODE`)
  const slow = old.charge(context('charge'))
  await waiting(schema, 1)
  const repeat = successor.charge(context('charge', newer))
  await waiting(schema, 2)
  const sql = await connection()
  const [now] = await sql<{ t: number }[]>`SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS t`
  await books.letGo()
  expect(await repeat).toEqual(await slow)
  const ledger = await successor.accounts.ledger()
  expect(ledger.map(({ outcome, epoch }) => `${outcome} by ${epoch}`)).toEqual(['applied by 5', 'deduped by 6'])
  expect(ledger[0]?.t).toBeLessThan(now?.t ?? 0)
})

const dying = fileURLToPath(new URL('shop-death.ts', import.meta.url))

test('F1: the process dies between the commit of a charge and its answer: the next one does not take the money again', async () => {
  for (const style of styles) {
    const { url: store, node } = await newDatabase()
    const root = mkdtempSync(join(tmpdir(), 'ballet-payment-'))
    closing.push(() => rmSync(root, { recursive: true }))
    const folder = servicesOf(root)
    const env = { ...process.env, BALLET_STORE: `${store}&lease=1`, BALLET_SERVICES: folder }
    const child = spawn(process.execPath, [dying, '8841', style], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    const [, signal] = (await happened(child, 'exit')) as readonly unknown[]
    expect(signal).toBe('SIGKILL')
    expect(await written(node())).toEqual(['charge applied 24900'])
    const shop = await startShop({ place: { store: `${store}&lease=1`, folder, payments: store } })
    closing.push(() => shop.close())
    // Until the lease of the dead is over nobody carries its runs.
    while ((await shop.get('/readyz')).status !== 200);
    expect(await shop.over('8841')).toMatchObject({ status: 'confirmed', paid: 24_900, style })
    const charges = deeds(await shop.ledger('8841')).filter((deed) => deed.startsWith('charge'))
    expect(charges).toEqual(['charge applied 24900', 'charge deduped'])
  }
})

test('a connection that ends while the tables are made fails the attempt, and not the process', async () => {
  const { url, node } = await newDatabase()
  const door = await endingAt(url, 'CREATE TABLE')
  closing.push(door.close)
  await expect(node(door.url).charge(context('a'))).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
  expect(await node().charge(context('a'))).toMatchObject({ type: 'payment.approved' })
})

test('a new connection is asked nothing whose failure would end the process', async () => {
  const { url, node } = await newDatabase()
  // Of the question for the types of arrays.
  const door = await endingAt(url, 'typarray')
  closing.push(door.close)
  expect(await node(door.url).charge(context('a'))).toMatchObject({ type: 'payment.approved' })
})
