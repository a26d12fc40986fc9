// The limits of an application are those of all its shards together, and nodes share them as they share the shards.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ownerOf } from '../../src/core/shares.ts'
import { ballet, signal, workflow, type Application } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Go = signal('go', z.string())
const waiter = workflow('waiter', { input: z.null(), output: z.json(), signals: [Go] }, async (run) => {
  return (await run.receive(Go)).data
})
const definition = ballet({ name: 'shop', services: [], workflows: [waiter] })
const LIMIT = 64

async function newStore(shards: number): Promise<string> {
  const place = await newPlace()
  closing.push(() => place.drop())
  return place.url(`&shards=${shards}&pool=4`)
}

/** How many of so many starts are taken; what is refused says so. */
async function taken(apps: readonly Application[], count: number): Promise<number> {
  let sum = 0
  for (let at = 0; at < count; at++) {
    const work = apps[at % apps.length]?.start(waiter(null))
    await work?.then(
      () => (sum += 1),
      (error: unknown) => expect(error).toMatchObject({ code: 'OVERLOADED' }),
    )
  }
  return sum
}

test('runs may be open as many as the limit says, in all shards together', async () => {
  const app = await openForTest(definition, { store: await newStore(8), limits: { openRuns: LIMIT } })
  expect(await taken([app], LIMIT + 8)).toBe(LIMIT)
  await expect(app.start(waiter(null))).rejects.toMatchObject({
    message: expect.stringContaining(`${LIMIT} runs are open`) as unknown,
  })
  const open = (await app.runs({ status: ['running'], limit: 200 })).items
  expect(open.length).toBe(LIMIT)
  const [first] = open
  await app.signal(first?.id ?? '', Go('on'))
  await app.result(first?.id ?? '')
  expect(await taken([app], 3)).toBe(1)
})

test('two nodes take on together what one may, and none more for shards of the other than for its own', async () => {
  const store = await newStore(64)
  const open = async (): Promise<Application> => openForTest(definition, { store, limits: { openRuns: LIMIT } })
  const apps = [await open(), await open()]
  const nodes = apps.map(({ standing }) => ({ id: standing.node }))
  for (;;) {
    const { shards } = (await apps[0]?.nodes()) ?? { shards: [] }
    if (shards.every(({ shard, owner }) => owner === ownerOf(shard, nodes)?.id)) break
  }
  expect(await taken(apps, 2 * LIMIT)).toBe(LIMIT)
  // By name it may be for a shard of either: both are full.
  for (const [at, app] of apps.entries())
    for (let n = 0; n < 4; n++)
      await expect(app.start(waiter(null), { id: `w:${at}-${n}` })).rejects.toMatchObject({ code: 'OVERLOADED' })
  expect((await apps[1]?.runs({ limit: 200 }))?.items.length).toBe(LIMIT)
})
