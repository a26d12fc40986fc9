// What the log says when shards change their node, on a real server: which, from whom and to whom, after how long.
import { afterEach, expect, test } from 'vitest'
import { ballet, type Json, type Log, type LogAbout } from '../../src/index.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { openForTest } from '../support/applications.ts'
import { connection, newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Line {
  readonly message: string
  readonly data: Json | undefined
  readonly about: LogAbout | undefined
}

/** A log in which a line is waited for. */
function watchedLog(): Log & { line(words: RegExp): Promise<Line> } {
  const lines: Line[] = []
  const looks = new Set<() => void>()
  const keep: Log['info'] = (message, data, about) => {
    lines.push({ message, data, about })
    for (const look of looks) look()
  }
  const line = (words: RegExp): Promise<Line> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = lines.find(({ message }) => words.test(message))
        if (found === undefined) return
        looks.delete(look)
        resolve(found)
      }
      looks.add(look)
      look()
    })
  return { info: keep, warn: keep, error: keep, line }
}

const LEASE_MS = 1000

async function newUrl(shards: number) {
  const found = await newPlace()
  closing.push(() => found.drop())
  return { url: found.url(`&shards=${shards}&lease=${LEASE_MS / 1000}`), schema: found.schema }
}

/** A node that has taken all shards and is heard of no more. */
async function ghostOn(url: string, shards: readonly number[]): Promise<void> {
  const store = postgres({ url, clock: systemClock })
  closing.push(() => store.close())
  await store.open()
  const ghost = { id: 'ghost', app: 'shop', version: '1', ballet: '0', address: 'http://ghost:1' }
  await store.leases?.join(ghost)
  await store.leases?.takeAll(shards, ghost.id, ghost.app)
}

/** It is there until it ends, however long the next one takes to begin. */
const live = async (schema: string): Promise<unknown> =>
  (await connection()).unsafe(`UPDATE ${schema}.nodes SET until = until + 3600000 WHERE id = 'ghost'`)

const end = async (schema: string): Promise<unknown> =>
  (await connection()).unsafe(`UPDATE ${schema}.nodes SET until = 1 WHERE id = 'ghost'`)

const shop = ballet({ name: 'shop', version: '1', services: [] })

test('a node that takes over from one that is gone says from whom and how long it was silent; what it hands on, to whom', async () => {
  // So many that each of two nodes gets some.
  const shards = [...Array(16).keys()]
  const { url, schema } = await newUrl(shards.length)
  await ghostOn(url, shards)
  await live(schema)
  const log = watchedLog()
  const first = await openForTest(shop, { store: url, log })
  await end(schema)
  const taken = await log.line(/^Took over /)
  expect(taken.message).toMatch(
    /^Took over the shards 0, 1, .*, 15 of the node ghost at http:\/\/ghost:1, silent for \S+, and took up what runs there in \S+$/,
  )
  expect(taken.data).toMatchObject({ shards, from: 'ghost' })
  // It was heard of last when its lease was renewed, which is as long ago as that lease is.
  expect((taken.data as { readonly silentMs: number }).silentMs).toBeGreaterThanOrEqual(LEASE_MS)
  const others = watchedLog()
  const second = await openForTest(shop, { store: url, log: others })
  const handed = await log.line(/^Handed on /)
  expect(handed.message).toMatch(
    new RegExp(`^Handed on the shards? [\\d, ]+ to the node ${second.standing.node}, in \\S+$`),
  )
  expect(handed.data).toMatchObject({ to: second.standing.node })
  const got = await others.line(/which gave them back/)
  expect(got.message).toMatch(
    new RegExp(
      `^Took over the shards? [\\d, ]+ of the node ${first.standing.node}, which gave them back, and took up `,
    ),
  )
})

test('a node that stood by says from whom it took the only shard', async () => {
  const { url, schema } = await newUrl(1)
  await ghostOn(url, [0])
  const log = watchedLog()
  await openForTest(shop, { store: url, log })
  await end(schema)
  expect(await log.line(/^Took over /)).toMatchObject({
    message: expect.stringMatching(/^Took over the shard 0 of the node ghost at \S+, silent for \S+, and took up /),
    data: { shards: [0], from: 'ghost' },
  })
})
