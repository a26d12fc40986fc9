// The program of the guide to events over NATS is one: an order crosses, and its end comes back. Over a real server.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findNats, startNats, type Nats } from './nats/server.ts'
import { runAsUser } from './support/users-folder.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/guides/nats.md'), 'utf8')
const [program = '', reading = ''] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = '']) => block)
const nats = findNats()

const after = `
import assert from 'node:assert/strict'
import { connect as toLook } from '@nats-io/transport-node'
const told = new Promise<string>((resolve) => {
  const look = async (): Promise<void> => {
    const { items } = await shopApp.runs({ name: 'customers:order.shipped', status: ['completed'] })
    const [run] = items
    if (run !== undefined) resolve(String((run.input as { orderId: string }).orderId))
  }
  shopApp.watch(null, () => void look())
  void look()
})
assert.equal(await told, '8841')
const seen = new Promise<unknown>((resolve) => {
  const look = async (): Promise<void> => {
    const found = await observerApp.flow('ordering', 'orderId:8841')
    if (found?.ending === 'shipped') resolve(found.state)
  }
  observerApp.watch(null, () => void look())
  void look()
})
assert.equal(await seen, 'complete')
const CustomerMoved = event('customer.moved', z.object({ customerId: z.string() }), { key: 'customerId' })
const crm =
`
const end = `
assert.equal(crm.name, 'crm')
for (const app of [shopApp, warehouseApp, observerApp]) await app.close()
`

let server: Nats | null = null
beforeAll(async () => {
  if (nats === null) return
  server = await startNats(nats)
  await server.makeStream({ name: 'ORDERS', subjects: ['orders.>'] })
})
afterAll(() => server?.close())

test('an order crosses, and its end comes back', (context) => {
  context.skip(nats === null, 'there is no nats-server here')
  expect([program, reading]).not.toContain('')
  const here = program.replaceAll("process.env['NATS_URL']", JSON.stringify(server?.url))
  runAsUser(
    here.replaceAll(/await open\((\w+)\)/g, "await open($1, { store: 'memory:' })") + after + reading + end,
    60_000,
  )
})
