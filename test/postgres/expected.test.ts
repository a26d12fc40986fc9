// What a transaction asks of a shard that another node owns: that node is told to look, and need not wait for its poll.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, workflow } from '../../src/index.ts'
import { gate, openForTest } from '../support/applications.ts'
import { connection, newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** How often a node looks for what nobody has told of. */
const POLL_MS = 1000

test('a start in a transaction for another node is taken in a moment', async () => {
  const place = await newPlace()
  closing.push(place.drop)
  const store = place.url('&shards=8&lease=2&pool=4')
  const begun = gate()
  const flow = workflow('flow', { input: z.null(), output: z.null() }, async (run) => {
    await run.step('tell', () => begun.open())
    return null
  })
  const definition = (version: string) => ballet({ name: 'shop', version, services: [], workflows: [flow] })
  let polls = 0
  // A node that never gets to its poll: what it finds it was told of.
  const deaf: Clock = {
    ...systemClock,
    after: (ms, ring) => (ms === POLL_MS ? (polls++, () => {}) : systemClock.after(ms, ring)),
  }
  const owner = await openForTest(definition('2'), { store, clock: deaf, address: 'http://127.0.0.1:9' })
  const old = await openForTest(definition('1'), { store })
  old.hints.listen((_to, hint) => owner.hints.take(hint))
  const sql = await connection()
  await sql.begin(async (tx) => {
    await old.start(flow(null), { id: 'told', tx })
  })
  // Nobody asks its owner anything, which would make it look.
  await begun.promise
  expect(polls).toBeGreaterThan(0)
})
