// The promise of the books: once for each key, never after it was taken back, never for an engine that was replaced.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OperationContext } from 'ballet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Books } from './books.ts'
import { PaymentRefunded } from './contracts.ts'
import { applied } from './effects.ts'
import { Faults } from './faults.ts'
import { exportLedgers } from './ledger.ts'
import { contextOf } from './testing.ts'

let folder: string
let faults: Faults
let books: Books
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shop-books-'))
  faults = new Faults()
  books = new Books('payment', 'CREATE TABLE IF NOT EXISTS deeds (order_id TEXT);', folder, faults)
})
afterEach(() => {
  books.close()
  rmSync(folder, { recursive: true })
})

const act = (given: OperationContext, operation = 'charge') =>
  books.once(given, { orderId: '8841', operation }, () => {
    books.db.prepare('INSERT INTO deeds VALUES (?)').run('8841')
    return applied(PaymentRefunded({ orderId: '8841', amount: 5 }), 5)
  })
const deedCount = (): unknown => books.db.prepare('SELECT count(*) AS deeds FROM deeds').get()
const outcomes = (): string[] => books.ledger().map(({ step, outcome }) => `${step} ${outcome}`)

test('a repeat of a key gets the stored answer and does nothing', async () => {
  const first = await act(contextOf('a'))
  const second = await act(contextOf('a', { attempt: 2 }))
  expect(second).toEqual(first)
  expect(deedCount()).toEqual({ deeds: 1 })
  expect(outcomes()).toEqual(['charge applied', 'charge deduped'])
})

test('a key that was taken back before it came is refused for ever', async () => {
  await act(contextOf('undo', { undoes: 'store:run:0:late' }), 'refund')
  const late = act(contextOf('late'))
  await expect(late).rejects.toMatchObject({ terminal: true, message: 'this call was taken back' })
  expect(outcomes()).toEqual(['refund applied', 'charge refused'])
  expect(deedCount()).toEqual({ deeds: 1 })
})

test('an engine that was replaced is refused; another store counts for itself', async () => {
  await act(contextOf('a', { fence: '1.0.6' }))
  await expect(act(contextOf('b', { fence: '1.0.5' }))).rejects.toMatchObject({ terminal: true })
  await act(contextOf('c', { fence: '2.0.1' }))
  await act(contextOf('d', { idempotencyKey: 'other:run:0:d', fence: '1.0.1' }))
  expect(outcomes()).toEqual(['charge applied', 'charge refused', 'charge applied', 'charge applied'])
})

test('work that throws leaves nothing behind', async () => {
  const broken = books.once(contextOf('a'), { orderId: '8841', operation: 'charge' }, () => {
    books.db.prepare('INSERT INTO deeds VALUES (?)').run('8841')
    throw new RangeError('broken in the middle')
  })
  await expect(broken).rejects.toThrow('broken in the middle')
  expect(deedCount()).toEqual({ deeds: 0 })
  expect(outcomes()).toEqual([])
})

test('an attempt that was told to break is in the ledger and does nothing', async () => {
  faults.set({ service: 'payment', failTimes: 1 })
  await expect(act(contextOf('a'))).rejects.toThrow('payment broke')
  await act(contextOf('a', { attempt: 2 }))
  expect(outcomes()).toEqual(['charge failed', 'charge applied'])
})

test('an attempt that was told to answer nonsense does nothing', async () => {
  faults.set({ service: 'payment', garble: true })
  expect(await act(contextOf('a'))).toMatchObject({ type: 'nonsense' })
  faults.clear()
  await act(contextOf('a', { attempt: 2 }))
  expect(outcomes()).toEqual(['charge failed', 'charge applied'])
})

test('a service that is down for a while is up again by itself', async () => {
  let now = 0
  const own = new Faults(() => now)
  own.set({ service: 'payment', operation: 'charge', downMs: 60_000 })
  const asked = (operation: string) => own.before('payment', operation, new AbortController().signal)
  expect(await asked('refund')).toBeNull()
  now = 59_999
  expect(await asked('charge')).toBe('payment is down')
  now = 60_000
  expect(await asked('charge')).toBeNull()
})

test('an attempt that is aborted while it is slow does nothing', async () => {
  faults.set({ service: 'payment', slowMs: 600_000 })
  const abort = new AbortController()
  const slow = act(contextOf('a', { signal: abort.signal }))
  abort.abort()
  await expect(slow).rejects.toThrow('aborted')
  expect(outcomes()).toEqual([])
})

test('ledgers are exported in the order of time, also while nobody runs, and time goes on after a restart', async () => {
  await act(contextOf('a', { cause: 'event:shop:8841' }))
  books.close()
  const shipping = new Books('shipping', 'CREATE TABLE IF NOT EXISTS deeds (order_id TEXT);', folder, faults)
  await shipping.once(contextOf('b'), { orderId: '8841', operation: 'ship' }, () =>
    applied(PaymentRefunded({ orderId: '8841', amount: 0 })),
  )
  shipping.close()
  await act(contextOf('c'))
  books.close()
  const rows = exportLedgers(folder)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(rows.map(({ step }) => step)).toEqual(['charge', 'ship', 'charge'])
  const times = rows.map(({ t }) => Number(t))
  expect(new Set(times).size).toBe(3)
  expect(rows[0]).toEqual({
    t: times[0],
    run: '8841',
    step: 'charge',
    key: 'store:run:0:a',
    outcome: 'applied',
    amount: 5,
    cause: '8841',
    event: 'store:run:0:a',
    epoch: 5,
  })
  expect(exportLedgers(join(folder, 'nowhere'))).toBe('')
})
