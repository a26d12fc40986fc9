// A wait for the end of a run, asked for over HTTP at a node that does not carry it, while the server of the node that does is
// closed: it goes on where it was asked for.
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, signal, workflow, type Application } from '../../src/index.ts'
import { serve, type Serving } from '../../src/server.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { placeForTest } from './two-versions.ts'

const nodeSecret = 'a secret of the nodes of this test'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Go = signal('go', z.null())
const wait = workflow('wait', { input: z.null(), output: z.string(), signals: [Go] }, async (run) => {
  await run.receive(Go)
  return 'gone'
})
const definition = (version: string) => ballet({ name: 'shop', version, services: [], workflows: [wait] })

async function freePort(): Promise<number> {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  await once(free, 'close')
  return port
}

/** The application, which says when somebody begins to wait for the end of a run. */
function telling(app: Application): { readonly told: Application; readonly begun: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const get = (target: Application, name: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, name, target)
    if (typeof value !== 'function') return value
    return (...given: unknown[]): unknown => {
      if (name === 'settled') resolve()
      return Reflect.apply(value, target, given)
    }
  }
  return { told: new Proxy(app, { get }), begun: promise }
}

interface World {
  readonly carrier: Application
  readonly carriers: Serving
  /** Does not carry the run. */
  readonly other: Application
  readonly others: Serving
  /** Somebody waits at the node that carries the run. */
  readonly begun: Promise<void>
  readonly ask: (path: string) => Promise<readonly [status: number, body: unknown]>
}

/** Two nodes with a server each, and the run `a`, which waits for a signal. */
async function world(shards: number): Promise<World> {
  const store = (await placeForTest()).url(`&shards=${shards}&lease=2&pool=4`)
  const port = await freePort()
  const carrier = await openForTest(definition('2'), { store, address: `http://127.0.0.1:${port}` })
  const other = await openForTest(definition('1'), { store })
  await carrier.start(wait(null), { id: 'a' })
  const serving = async (app: Application, at: number): Promise<Serving> => {
    const server = await serve(app, { port: at, nodeSecret, graceMs: 0, log: keptLog() })
    closing.push(() => server.close())
    return server
  }
  const { told, begun } = telling(carrier)
  const carriers = await serving(told, port)
  const others = await serving(other, 0)
  if (shards > 1) await until(other, null, async () => other.carrierOf('a') !== null)
  const ask: World['ask'] = async (path) => {
    const response = await fetch(`${others.url}${path}`)
    return [response.status, await response.json()]
  }
  return { carrier, carriers, other, others, begun, ask }
}

const completed = [200, { status: 'completed', output: 'gone' }]

test('the server of the node that carries a run is closed: a wait at another node goes on', async () => {
  const { carrier, carriers, begun, ask } = await world(8)
  const waiting = ask('/api/runs/a?wait=30s')
  await begun
  await carriers.close()
  await carrier.signal('a', Go(null))
  expect(await waiting).toMatchObject(completed)
})

test('the owner of a store with one shard closes: a wait at the node that stands by goes on, and so does the run there', async () => {
  const { carrier, carriers, other, begun, ask } = await world(1)
  const waiting = ask('/api/runs/a?wait=30s')
  await begun
  await carriers.close()
  await carrier.close()
  while (other.standing.role !== 'owner') await once(other.standing.over, 'abort')
  await other.signal('a', Go(null))
  expect(await waiting).toMatchObject(completed)
})

test('the owner of a store with one shard cannot be reached: a wait has its time, and the run as it is then', async () => {
  const { carriers, ask } = await world(1)
  await carriers.close()
  expect(await ask('/api/runs/a?wait=100ms')).toMatchObject([200, { status: 'running' }])
})

test.each([8, 1])(
  'the server that was asked is closed: it answers with the run as it is (%i shards)',
  async (shards) => {
    const { others, begun, ask } = await world(shards)
    const waiting = ask('/api/runs/a?wait=30s')
    await begun
    await others.close()
    expect(await waiting).toMatchObject([200, { status: 'running' }])
  },
)
