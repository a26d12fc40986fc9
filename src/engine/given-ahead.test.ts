// A crowd of reactions on a file: what they write goes to the store while others of them are still answered.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { countsOf, sumOf, type AheadKind } from '../core/ahead.ts'
import type { Batch, Store } from '../core/store.ts'
import { ballet, event, operation, service, workflow } from '../index.ts'
import { sqlite } from '../stores/sqlite/sqlite-store.ts'

type AheadRows = Pick<Batch, AheadKind>

const Order = z.object({ orderId: z.string() })
const Placed = event('order.placed', Order, { key: 'orderId' })
const Paid = event('order.paid', Order, { key: 'orderId' })
const Sent = event('order.sent', Order, { key: 'orderId' })
const shop = service('shop', {
  pay: operation({ input: Order, outcomes: [Paid], run: (order) => Paid(order) }),
  send: operation({ input: Order, outcomes: [Sent], run: (order) => Sent(order) }),
})
shop.on(Placed, (order) => shop.pay(order))
shop.on(Paid, (order) => shop.send(order))
const nap = workflow('nap', { input: Order, output: z.null() }, async (run) => {
  await run.sleep('1h')
  return null
})
const definition = ballet({ name: 'ahead', services: [shop], workflows: [nap] })
const CROWD = 100

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-given-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Seen {
  readonly store: Store
  /** By batch: its parts, as they were given. */
  readonly parts: Map<number, AheadRows[]>
  readonly batches: Batch[]
}

function seenStore(): Seen {
  const store = sqlite({ file: join(folder, 'app.db') })
  const parts = new Map<number, AheadRows[]>()
  const batches: Batch[] = []
  const takeAhead = store.takeAhead?.bind(store)
  store.takeAhead = (shard, of, rows) => {
    const { runs, changes, claims, journal, events } = rows
    const copy = {
      runs: [...runs],
      changes: [...changes],
      claims: [...claims],
      journal: [...journal],
      events: [...events],
    }
    const known = parts.get(of.batch) ?? []
    expect(of.part).toBe(known.length)
    parts.set(of.batch, [...known, copy])
    takeAhead?.(shard, of, rows)
  }
  const commit = store.commit.bind(store)
  store.commit = (batch) => {
    batches.push(batch)
    return commit(batch)
  }
  return { store, parts, batches }
}

const orders = Array.from({ length: CROWD }, (_, at) => `o${at}`)

test('a crowd of reactions is given ahead in parts, which are the first rows of their batch', async () => {
  const { store, parts, batches } = seenStore()
  const app = await openForTest(definition, { store })
  await Promise.all(orders.map((orderId) => app.publish(Placed({ orderId }))))
  await until(app, null, async () => {
    const { items } = await app.runs({ kind: 'reaction', status: ['completed'], limit: 1000 })
    return items.length === 2 * CROWD
  })
  const given = batches.filter(({ ahead }) => ahead !== undefined)
  expect(given.length).toBeGreaterThan(0)
  for (const batch of given) {
    const all = parts.get(batch.ahead?.batch ?? -1) ?? []
    expect(all.length).toBe(batch.ahead?.parts)
    const events = all.flatMap((part) => part.events)
    const runs = all.flatMap((part) => part.runs)
    expect(events).toEqual(batch.events.slice(0, events.length))
    expect(runs).toEqual(batch.runs.slice(0, runs.length))
    expect(all.reduce((sum, part) => sum + sumOf(countsOf(part)), 0)).toBe(sumOf(batch.ahead?.rows ?? countsOf(batch)))
  }
  await app.close()
  // Whatever came ahead is there as well for whoever opens the file anew.
  const again = await openForTest(definition, { store: sqlite({ file: join(folder, 'app.db') }) })
  const { events } = await again.key('orderId', 'o7')
  expect(events.map(({ type }) => type)).toEqual(['order.placed', 'order.paid', 'order.sent'])
  await again.close()
})

test('a batch with rows of other kinds comes as a whole', async () => {
  const { store, batches } = seenStore()
  const app = await openForTest(definition, { store })
  const placed = orders.map((orderId) => app.publish(Placed({ orderId })))
  const begun = orders.map((orderId) => app.start(nap({ orderId })))
  await Promise.all([...placed, ...begun])
  await until(
    app,
    null,
    async () => (await app.runs({ kind: 'reaction', status: ['completed'], limit: 1000 })).items.length === 2 * CROWD,
  )
  const withTimers = batches.filter(({ timers }) => timers.length > 0)
  expect(withTimers.length).toBeGreaterThan(0)
  expect(withTimers.every(({ ahead }) => ahead === undefined)).toBe(true)
  await app.close()
})
