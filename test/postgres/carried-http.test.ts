// What is asked over HTTP at a node that does not carry the run, while the node that does cannot answer: its server is gone, or it
// takes the request and says nothing.
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, operation, service, workflow, type Application } from '../../src/index.ts'
import { serve } from '../../src/server.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { placeForTest } from './two-versions.ts'

const nodeSecret = 'a secret of the nodes of this test'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface World {
  /** Carries every run; its server is not what it says. */
  readonly carrier: Application
  readonly other: Application
  readonly ask: (path: string, body?: unknown) => Promise<readonly [status: number, body: { readonly code?: string }]>
}

/** Two nodes and a stuck call; the bank opens when it has been called once. @param address of the server of the carrier. */
async function world(address: string): Promise<World> {
  let calls = 0
  const bank = service('bank', {
    charge: operation({
      input: z.null(),
      output: z.string(),
      retry: { attempts: 1 },
      run: () => {
        calls += 1
        if (calls === 1) throw new Error('the bank is closed')
        return 'charged'
      },
    }),
  })
  const pay = workflow('pay', { input: z.null(), output: z.string() }, async (run) => run.call(bank.charge(null)))
  const definition = (version: string) => ballet({ name: 'shop', version, services: [bank], workflows: [pay] })
  const store = (await placeForTest()).url('&shards=8&lease=2&pool=4')
  const carrier = await openForTest(definition('2'), { store, address })
  const other = await openForTest(definition('1'), { store })
  await carrier.start(pay(null), { id: 'a' })
  await until(carrier, null, async () => (await carrier.run('a'))?.status === 'stuck')
  const server = await serve(other, { port: 0, nodeSecret, log: keptLog() })
  closing.push(() => server.close())
  await until(other, null, async () => other.carrierOf('a') !== null)
  const ask: World['ask'] = async (path, body) => {
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(`${server.url}${path}`, init)
    return [response.status, (await response.json()) as { readonly code?: string }]
  }
  return { carrier, other, ask }
}

test('F8: the server of the carrier is gone: what a person asks is done by way of the inbox, and a wait goes on', async () => {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  const { other, ask } = await world(`http://127.0.0.1:${port}`)
  const waiting = ask('/api/runs/a?wait=30s')
  expect(await ask('/api/runs/a/retry', { by: 'ann' })).toMatchObject([202, { action: 'retry', changed: true }])
  expect(await waiting).toMatchObject([200, { status: 'completed', output: 'charged' }])
  expect(await other.result('a')).toBe('charged')
})

test('F8: the carrier takes requests and says nothing: a question is answered here, and an action is told when the run is elsewhere', async () => {
  const mute = createServer().listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const { port } = mute.address() as AddressInfo
  closing.push(() => mute.close())
  const asked = once(mute, 'connection')
  const { carrier, ask } = await world(`http://127.0.0.1:${port}`)
  expect(await ask('/api/runs/a?wait=100ms')).toMatchObject([200, { status: 'stuck' }])
  const retried = ask('/api/runs/a/retry', { by: 'ann' })
  await asked
  await carrier.close()
  expect(await retried).toMatchObject([502, { code: 'OWNER_SILENT' }])
  expect(await ask('/api/runs/a/retry', { by: 'ann' })).toMatchObject([202, { changed: true }])
})
