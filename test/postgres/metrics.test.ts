// The metrics of two nodes that share a store, each asked over HTTP: each tells of its part, and the parts add up to the whole.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ownerOf } from '../../src/core/shares.ts'
import { silentLog } from '../../src/engine/log.ts'
import { ballet, signal, workflow, type Application } from '../../src/index.ts'
import { serve } from '../../src/server/serve.ts'
import { openForTest } from '../support/applications.ts'
import { readExposition, valueOf, type ReadMetric } from '../support/exposition.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Approve = signal('approve', z.null())
const short = workflow('short', { input: z.number(), output: z.number() }, async (_run, n) => n)
const long = workflow('long', { input: z.number(), output: z.null(), signals: [Approve] }, async (run) => {
  await run.receive(Approve)
  return null
})
const shop = ballet({ name: 'shop', services: [], workflows: [short, long] })

async function scraped(app: Application): Promise<ReadonlyMap<string, ReadMetric>> {
  await using server = await serve(app, { port: 0, log: silentLog })
  return readExposition(await (await fetch(`${server.url}/api/metrics`)).text())
}

/** A log in which it is waited for that so many shards have been told of in lines with these words. */
function shardLog() {
  const told: (readonly [words: string, shards: number])[] = []
  let look = (): void => {}
  const info = (words: string, data?: unknown): void => {
    const { shards } = (data ?? {}) as { readonly shards?: readonly number[] }
    told.push([words, shards?.length ?? 0])
    look()
  }
  const shards = (words: string, count: number): Promise<void> =>
    new Promise((resolve) => {
      look = (): void => {
        if (told.reduce((sum, [line, some]) => sum + (line.includes(words) ? some : 0), 0) === count) resolve()
      }
      look()
    })
  return { info, warn: () => {}, error: () => {}, shards }
}

const SHARDS = 16
const RUNS = Array.from({ length: 30 }, (_, n) => n)

test('what two nodes tell adds up to what there is in their store, and what each took over and handed on is counted', async () => {
  const found = await newPlace()
  closing.push(() => found.drop())
  const store = found.url(`&shards=${SHARDS}&lease=2`)
  const logs = [shardLog(), shardLog()] as const
  const first = await openForTest(shop, { store, log: logs[0] })
  const second = await openForTest(shop, { store, log: logs[1] })
  const nodes = [first, second].map(({ standing }) => ({ id: standing.node }))
  const moved = Array.from({ length: SHARDS }, (_, shard) => ownerOf(shard, nodes)).filter(
    (owner) => owner === nodes[1],
  )
  await Promise.all([logs[0].shards('Handed on', moved.length), logs[1].shards('gave them back', moved.length)])

  await Promise.all(RUNS.map(async (n) => first.result((await first.start(short(n), { id: `short-${n}` })).id)))
  await Promise.all(RUNS.map((n) => second.start(long(n), { id: `long-${n}` })))
  const parts = [await scraped(first), await scraped(second)]
  const of = (name: string, labels = {}): readonly number[] => parts.map((part) => valueOf(part, name, labels))
  const sum = (name: string, labels = {}): number => of(name, labels).reduce((all, value) => all + value)
  expect(sum('ballet_runs_started_total')).toBe(2 * RUNS.length)
  expect(sum('ballet_runs_ended_total', { name: 'short', status: 'completed' })).toBe(RUNS.length)
  expect(sum('ballet_runs_open', { name: 'long', status: 'running' })).toBe(RUNS.length)
  expect(of('ballet_shards')).toEqual([SHARDS, SHARDS])
  expect(of('ballet_shards_owned')).toEqual([SHARDS - moved.length, moved.length])
  expect(of('ballet_shards_handed_on_total')).toEqual([moved.length, 0])
  expect(of('ballet_shards_taken_over_total', { how: 'given' })).toEqual([0, moved.length])

  // Of the whole store, whichever is asked.
  const counts = { counts: [{ status: 'running', kind: 'workflow', name: 'long', runs: RUNS.length }], more: false }
  expect([await first.counts(), await second.counts()]).toEqual([counts, counts])
})
