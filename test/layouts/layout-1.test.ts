// A file that was written by the version with layout 1 (layout-1.db.gz, made by its store, with a row of every table)
// is opened by today's store: everything in it is read as it was, and it goes on from there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SCHEMA_VERSION, type Store } from '../../src/core/store.ts'
import { sqlite } from '../../src/stores/sqlite/sqlite-store.ts'
import {
  NS,
  SHARD,
  aChange,
  aClaim,
  aRun,
  aTimer,
  aTurn,
  anEvent,
  anItem,
  commitAfter,
} from '../../src/testing/store-rows.ts'

const allBytes = Uint8Array.from({ length: 256 }, (_, index) => index)
const runs = [
  aRun(1, { key: 'orderId:A1', input: '{"a":"é\\u0000"}' }),
  { ...aRun(2, { input: allBytes }), ...aChange(2) },
  aRun(3, {
    parent: 1,
    parentOp: 'child#0',
    kind: 'operation',
    name: 'payment.charge',
    call: 'payment.charge',
    status: 'stuck',
    reason: 'call',
    error: '{"message":"no"}',
  }),
]

let folder: string
let store: Store

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-layout-1-'))
  const file = join(folder, 'store.db')
  writeFileSync(file, gunzipSync(readFileSync(new URL('./layout-1.db.gz', import.meta.url))))
  store = sqlite({ file })
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

test('everything is read as it was written, and what is new has its first value', async () => {
  expect(await store.open()).toMatchObject({ schema: SCHEMA_VERSION, incarnation: 1, shards: 1 })
  expect(await store.runs(SHARD, { ns: NS, after: 0, limit: 10 })).toEqual(runs)
  expect(await store.journal(SHARD, 1, -1, 10)).toEqual([
    aTurn(4, 1, 0),
    aTurn(5, 1, 1, { kind: 'note', data: allBytes }),
  ])
  expect(await store.events(SHARD, { ns: NS, limit: 10 })).toEqual([
    anEvent(7),
    anEvent(8, { published: false, data: allBytes }),
  ])
  expect(await store.timers(SHARD, 0, 100, 10)).toEqual([aTimer(10, 1, 'sleep#0')])
  const claims = await store.claims(SHARD, NS, 'run', ['run-1', 'run-2', 'run-3'])
  expect(claims).toEqual([aClaim('run-1', 1), aClaim('run-2', 2, { until: 9 }), aClaim('run-3', 3)])
  expect(await store.agedClaims(SHARD, NS, 9, 10)).toEqual([claims[1]])
  const [item, ...more] = await store.inbox(SHARD, NS, 10)
  expect([item, more]).toEqual([{ id: 1, ...anItem('waiting') }, []])
  expect(await store.suspects(SHARD)).toEqual([])
})

test('an owner of layout 1 is no crash, because it could not let the shard go', async () => {
  await store.open()
  expect(await store.tenure(SHARD)).toEqual({ shard: SHARD, epoch: 1, head: 8, crashes: 0 })
  const next = await store.acquire(SHARD, 'next')
  expect(next).toEqual({ shard: SHARD, epoch: next.epoch, head: 8, crashes: 0 })
  expect(next.epoch).toBeGreaterThan(1)
})

test('its rows may continue, be forgotten and be drained', async () => {
  await store.open()
  const tenure = await store.acquire(SHARD, 'next')
  const continued = { num: 1, generation: 1, since: 2, input: '2' }
  const rows = { continued: [continued], forgotten: [2], eventsGone: [7], drained: [1] }
  const after = await commitAfter(store, tenure, { ...rows, journal: [aTurn(9, 1, 2)] })
  expect(await store.run(SHARD, 1)).toEqual({ ...runs[0], ...continued })
  expect((await store.aged(SHARD, NS, 0, 10)).map((run) => run.num)).toEqual([1, 3])
  expect(await store.agedEvents(SHARD, NS, 0, 10)).toHaveLength(1)
  expect(await store.inbox(SHARD, NS, 10)).toEqual([])
  expect(await store.tenure(SHARD)).toEqual(after)
})
