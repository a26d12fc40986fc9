// A node that closes while it waits for what it has asked of another: whoever asked hears how that came out, or that it is not known.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, event, open, signal, workflow, type Application } from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { keptLog, openForTest } from '../support/applications.ts'
import { guarded } from '../support/stores.ts'
import { Proxy } from './proxy.ts'
import { placeForTest } from './two-versions.ts'

const Told = event('told', z.object({ id: z.string() }), { key: 'id' })
const Go = signal('go', z.null())
const waiting = workflow('waiting', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
  await run.receive(Go)
  return null
})
const shop = (version: string) => ballet({ name: 'shop', version, services: [], workflows: [waiting], events: [Told] })

interface World {
  readonly owner: Application
  /** Owns no shard, and is about to close. */
  readonly node: Application
  /** Whether the owner takes what comes. */
  readonly ears: { isOpen: boolean }
}

async function world(graceMs: number): Promise<World> {
  const url = (await placeForTest()).url('&shards=8&lease=2&pool=4')
  const ears = { isOpen: true }
  const store = guarded(postgres({ url, clock: systemClock }), 'inbox', async (pass, _shard, ns) =>
    ears.isOpen || ns !== 'default' ? pass() : [],
  )
  const owner = await openForTest(shop('2'), { store })
  const node = await open(shop('1'), { store: url, graceMs, log: keptLog() })
  await owner.start(waiting(null), { id: 'there' })
  return { owner, node, ears }
}

/** Everything that may be asked for, in one moment. */
const askAll = (node: Application): readonly Promise<unknown>[] => [
  node.start(waiting(null), { id: 'new' }),
  node.publish(Told({ id: 'k' }), { id: 'e' }),
  node.signal('there', Go(null), { id: 's' }),
]

const settled = async (asked: readonly Promise<unknown>[]): Promise<readonly unknown[]> =>
  Promise.all(asked.map((one) => one.catch((error: unknown) => error)))

test('within its grace what it has asked for is answered as it came out', async () => {
  const { owner, node } = await world(10_000)
  const asked = askAll(node)
  const ended = node.result('there')
  const [answers] = await Promise.all([settled(asked), settled([ended]), node.close()])
  expect(answers).toMatchObject([
    { id: 'new', created: true },
    { id: 'e', created: true },
    { id: 's', created: true },
  ])
  expect(await owner.run('new')).toMatchObject({ status: 'running' })
  expect(await owner.result('there')).toBeNull()
  await expect(ended).rejects.toMatchObject({ code: 'APP_CLOSED' })
  for (const error of await settled(askAll(node))) expect(error).toMatchObject({ code: 'APP_CLOSED' })
})

test('behind its grace it says what is not known, and nothing of what was not asked for', async () => {
  const { owner, node, ears } = await world(0)
  ears.isOpen = false
  // No other start can have the id that is made.
  const asked = [...askAll(node), node.start(waiting(null))]
  const waits = [node.result('there'), node.settled('there', 60_000)]
  const [answers, [result, run]] = await Promise.all([settled(asked), settled(waits), node.close()])
  expect(answers).toMatchObject([
    { code: 'OWNER_SILENT' },
    { code: 'OWNER_SILENT' },
    { code: 'OWNER_SILENT' },
    { created: true },
  ])
  expect(result).toMatchObject({ code: 'APP_CLOSED' })
  expect(run).toMatchObject({ id: 'there', status: 'running' })
  // What was put into an inbox is taken by whoever has it.
  ears.isOpen = true
  expect(await owner.result('there')).toBeNull()
  expect(await owner.run('new')).toMatchObject({ status: 'running' })
})

// It was found out again and again, a deadline each, by all that each shard had to say: a node took 105 s to end.
test('a node that ends while nothing is carried to its database finds that out once, and not for each of its shards', async () => {
  const url = (await placeForTest()).url('&shards=64&deadline=1&pool=2')
  const proxy = await Proxy.before(url)
  const node = await open(shop('1'), { store: proxy.url(url), graceMs: 0, log: keptLog() })
  proxy.deafen(true)
  const before = proxy.asked
  await node.close()
  expect(proxy.asked - before).toBeLessThan(7)
  await proxy.close()
})
