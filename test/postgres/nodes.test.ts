// Several nodes of the shop on one store, as processes: one owns it, the others stand by, pass requests on and take over:
// when the owner is killed, when it gives the store back, and when it was frozen for longer than its lease. The books of
// the services say that everything happened once.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { sampleOf, styles } from '../../examples/shop/testing.ts'
import { readAllEffects } from '../chaos/campaign.ts'
import { ShopProcess, servicesOf } from '../chaos/shop-process.ts'
import { newPlace } from './subject.ts'

const SECRET = 'a secret of the nodes of this test'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Nodes = z.object({
  leaseMs: z.number(),
  nodes: z.array(z.object({ id: z.string(), address: z.string(), state: z.string(), self: z.boolean() })),
  shards: z.array(z.object({ owner: z.string().nullable(), address: z.string().nullable(), epoch: z.number() })),
})

interface Node {
  readonly process: ShopProcess
  readonly url: string
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

async function ask({ url }: Node, path: string, body?: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(
    url + path,
    body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) },
  )
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

/** Until it holds of the nodes, as one of them sees them. */
async function until(node: Node, holds: (seen: z.infer<typeof Nodes>) => boolean): Promise<z.infer<typeof Nodes>> {
  for (;;) {
    const seen = Nodes.parse((await ask(node, '/api/nodes')).body)
    if (holds(seen)) return seen
  }
}

const isOwnedBy =
  ({ url }: Node) =>
  ({ nodes }: z.infer<typeof Nodes>): boolean =>
    nodes.some(({ address, state }) => state === 'owner' && address === url)

async function cluster(secret = SECRET): Promise<{ start: () => Promise<Node>; folder: string; store: string }> {
  const place = await newPlace()
  closing.push(() => place.drop())
  const folder = mkdtempSync(join(tmpdir(), 'ballet-nodes-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const env = { BALLET_STORE: place.url('&lease=1'), BALLET_SERVICES: servicesOf(folder), BALLET_NODE_SECRET: secret }
  return {
    folder,
    store: place.url(),
    start: async () => {
      const process = new ShopProcess(folder, { env })
      closing.push(async () => {
        process.kill()
        await process.exit
      })
      const url = await process.ready
      if (url === null) throw new Error(process.output)
      return { process, url }
    },
  }
}

/** Orders placed at some node, whoever has the store. */
async function order(node: Node, ids: readonly string[]): Promise<void> {
  for (const [index, orderId] of ids.entries()) {
    const style = styles[index % 2]
    expect(await ask(node, `/orders?style=${style}`, { ...sampleOf('ok'), orderId })).toMatchObject({ status: 202 })
  }
}

/** The end of an order, asked for until a node tells it: while a store changes hands nobody does. */
async function ended(node: Node, id: string): Promise<void> {
  for (;;) {
    const { status, body } = await ask(node, `/orders/${id}?wait=20s`)
    if ([502, 503].includes(status)) continue
    expect(body).toMatchObject({ status: 'confirmed' })
    return
  }
}

/** The orders whose charge happened, as often as it did. */
async function charged(folder: string, url: string): Promise<string[]> {
  const effects = await readAllEffects(folder, url)
  const charges = effects.filter(({ step, outcome }) => step === 'charge' && outcome === 'applied')
  return charges.map(({ run }) => run).toSorted()
}

test('a second node stands by: it is seen, answers questions, and passes on what only the owner can do', async () => {
  const { start } = await cluster()
  const one = await start()
  await one.process.welcomed
  const two = await start()
  const seen = await until(two, ({ nodes }) => nodes.length === 2)
  expect(seen).toMatchObject({ leaseMs: 1000, shards: [{ address: one.url }] })
  expect(seen.nodes).toMatchObject([
    { address: one.url, state: 'owner', self: false },
    { address: two.url, state: 'standby', self: true },
  ])
  expect(await ask(two, '/readyz')).toMatchObject({ status: 200, body: { status: 'standby', owner: one.url } })
  await order(two, ['passed-on', 'passed-on-too'])
  await ended(two, 'passed-on')
  expect(await ask(two, '/api/runs/checkout:passed-on')).toMatchObject({ body: { status: 'completed' } })
  expect(await ask(two, '/api/runs/checkout:passed-on/cancel', {})).toMatchObject({
    status: 409,
    body: { code: 'RUN_ENDED' },
  })
  expect(await ask(two, '/orders', { wrong: true })).toMatchObject({ status: 422 })
})

test('F1: the owner is killed in the middle of orders: the other takes over, and every effect happened once', async () => {
  const { start, folder, store } = await cluster()
  const one = await start()
  await one.process.welcomed
  const two = await start()
  const ids = Array.from({ length: 12 }, (_, index) => `kill-${index}`)
  await order(two, ids)
  one.process.kill()
  await until(two, isOwnedBy(two))
  for (const id of ids) await ended(two, id)
  expect(await charged(folder, store)).toEqual(['first-orchestrated', 'first-choreographed', ...ids].toSorted())
})

test('the owner is told to end: it gives the store back, and the other has it', async () => {
  const { start, folder, store } = await cluster()
  const one = await start()
  await one.process.welcomed
  const two = await start()
  const ids = Array.from({ length: 6 }, (_, index) => `term-${index}`)
  await order(two, ids)
  one.process.close()
  const seen = await until(two, isOwnedBy(two))
  expect(await one.process.exit).toBe(0)
  expect(seen.nodes.filter(({ state }) => state !== 'gone').map(({ address }) => address)).not.toContain(one.url)
  for (const id of ids) await ended(two, id)
  expect(await charged(folder, store)).toEqual(['first-orchestrated', 'first-choreographed', ...ids].toSorted())
})

test('F10: the owner is frozen for longer than its lease: it acknowledges nothing when it wakes, and stands by', async () => {
  const { start, folder, store } = await cluster()
  const one = await start()
  await one.process.welcomed
  const two = await start()
  const ids = Array.from({ length: 12 }, (_, index) => `freeze-${index}`)
  await order(one, ids)
  one.process.freeze()
  const asked = ask(one, '/orders?style=orchestrated', { ...sampleOf('ok'), orderId: 'asked-while-frozen' })
  await until(two, isOwnedBy(two))
  one.process.thaw()
  // It is passed on, or refused: never acknowledged by a node that does not own the store. Either way it can be asked again.
  expect([202, 502, 503]).toContain((await asked).status)
  // It takes part again: passes on, and takes over in its turn.
  await until(one, ({ nodes }) => nodes.some(({ self, state }) => self && state === 'standby'))
  for (const id of ids) await ended(two, id)
  await order(two, ['asked-while-frozen', 'after'])
  await ended(two, 'asked-while-frozen')
  two.process.kill()
  await until(one, isOwnedBy(one))
  await ended(one, 'after')
  expect(await charged(folder, store)).toEqual(
    ['first-orchestrated', 'first-choreographed', 'asked-while-frozen', 'after', ...ids].toSorted(),
  )
})

test('without a secret a node that stands by refuses, and names the owner', async () => {
  const { start } = await cluster('')
  const one = await start()
  const two = await start()
  const refused = await ask(two, '/orders', sampleOf('ok'))
  expect(refused).toMatchObject({ status: 503, body: { code: 'NODE_STANDBY', details: { address: one.url } } })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await ask(two, '/readyz')).toMatchObject({ status: 503, body: { code: 'NODE_STANDBY' } })
  expect(await ask(two, '/api/runs')).toMatchObject({ status: 200 })
})
