// Conformance of stores: every row comes back as it was given, text as text, bytes as bytes, to the last character.
import assert from 'node:assert/strict'
import type { Payload } from '../core/codec.ts'
import type { InboxItem, JournalRow, RunRow } from '../core/store.ts'
import type { RunStatus } from '../core/store-queries.ts'
import {
  NOON,
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
  commitFirst,
  type StoreCase,
} from './store-rows.ts'

const allBytes = Uint8Array.from({ length: 256 }, (_, index) => index)

const payloads: readonly Payload[] = [
  '{"text":"plain"}',
  '',
  '0',
  '12345678901234567890',
  '1e400',
  'null',
  '"😀 \\ud83d\\u0000 \\" \\\\ é\\n"',
  'a\u0000b',
  '日本語 עברית \u202E\uFEFF\u2028',
  "'; DROP TABLE runs; --",
  new Uint8Array(0),
  allBytes,
  // A view into a larger buffer, as a codec may hand it out.
  allBytes.subarray(10, 20),
  new TextEncoder().encode('{"text":"bytes"}'),
]

/** A run in which nothing is null. */
const fullRun: RunRow = {
  num: 1,
  ns: 'tenant-1',
  id: 'Order:A-1_x.y@z=1',
  kind: 'reaction',
  name: 'payment:order.Placed',
  call: 'payment.charge',
  version: 'v2+3f',
  key: 'orderId:A1',
  status: 'failed',
  phase: 'paying 💳',
  reason: 'call',
  root: 'event:shop:1',
  cause: 'event:shop:2',
  parent: 77,
  parentOp: 'charge#0',
  generation: 3,
  input: '{"a":"é"}',
  output: allBytes,
  error: '{"message":"\\n"}',
  created: NOON,
  ended: NOON + 1,
  since: 41,
  deadline: NOON + 2,
  at: NOON - 1,
}

export const storeRowCases: readonly StoreCase[] = [
  {
    name: 'a run with every field set, and one with every field that may be null',
    async run({ store }) {
      await commitFirst(store, { runs: [fullRun, aRun(2)] })
      assert.deepEqual(await store.run(SHARD, 1), fullRun)
      assert.deepEqual(await store.run(SHARD, 2), aRun(2))
      assert.equal(await store.run(SHARD, 3), null)
    },
  },
  {
    name: 'runs of every kind and status',
    async run({ store }) {
      const statuses: readonly RunStatus[] = ['running', 'stuck', 'completed', 'failed', 'cancelled']
      const kinds = ['workflow', 'operation', 'reaction', 'choreography'] as const
      const runs = statuses.flatMap((status, row) =>
        kinds.map((kind, at) => aRun(row * kinds.length + at + 1, { status, kind })),
      )
      await commitFirst(store, { runs })
      assert.deepEqual(await store.runs(SHARD, { ns: NS, after: 0, limit: 100 }), runs)
    },
  },
  {
    name: 'payloads of runs, in text and in bytes',
    async run({ store }) {
      const runs = payloads.map((input, index) => aRun(index + 1, { input }))
      const first = await commitFirst(store, { runs })
      const changes = payloads.map((payload, index) => aChange(index + 1, { output: payload, error: payload }))
      await commitAfter(store, first, { changes })
      const found = await store.runs(SHARD, { ns: NS, after: 0, limit: 100 })
      assert.deepEqual(
        found.map((run) => [run.input, run.output, run.error]),
        payloads.map((payload) => [payload, payload, payload]),
      )
    },
  },
  {
    name: 'journal rows of every kind and payload',
    async run({ store }) {
      const kinds: readonly JournalRow['kind'][] = ['turn', 'note', 'mail']
      const rows = payloads.map((data, index) =>
        aTurn(index + 1, 1, index, { data, kind: kinds[index % 3] ?? 'turn', at: NOON + index }),
      )
      await commitFirst(store, { journal: rows })
      assert.deepEqual(await store.journal(SHARD, 1, -1, 100), rows)
    },
  },
  {
    name: 'events, published and not, with every payload',
    async run({ store }) {
      const events = payloads.map((data, index) =>
        anEvent(index + 1, { data, published: index % 2 === 0, cause: index % 2 === 0 ? 'run:run-1' : null }),
      )
      await commitFirst(store, { events })
      assert.deepEqual(await store.events(SHARD, { ns: NS, limit: 100 }), events)
    },
  },
  {
    name: 'inbox items of every kind and payload',
    async run({ store }) {
      const kinds: readonly InboxItem['kind'][] = ['start', 'signal', 'event']
      const items = payloads.map((data, index) =>
        anItem(`target-${index}`, { data, kind: kinds[index % 3] ?? 'start' }),
      )
      await store.post(SHARD, items)
      const rows = await store.inbox(SHARD, NS, 100)
      assert.deepEqual(
        rows.map(({ id: _id, ...item }) => item),
        items,
      )
    },
  },
  {
    name: 'claims with and without an end',
    async run({ store }) {
      const claims = [aClaim('a', 1), aClaim('b', 2, { until: NOON }), aClaim('😀 c', 3, { hash: '' })]
      await commitFirst(store, { claims })
      assert.deepEqual(await store.claims(SHARD, NS, 'run', ['a', 'b', '😀 c']), claims)
    },
  },
  {
    name: 'times and numbers up to what JavaScript counts exactly',
    async run({ store }) {
      const largest = Number.MAX_SAFE_INTEGER
      const timer = aTimer(largest - 1, largest, 'far#0')
      const first = await commitFirst(store, { head: largest - 1, timers: [timer] })
      await commitAfter(store, first, { journal: [aTurn(largest, largest, largest, { at: 8.64e15 })] })
      assert.deepEqual(await store.timers(SHARD, 0, largest, 10), [timer])
      const [row] = await store.journal(SHARD, largest, -1, 10)
      assert.deepEqual(row, aTurn(largest, largest, largest, { at: 8.64e15 }))
      assert.equal((await store.tenure(SHARD)).head, largest)
    },
  },
  {
    name: 'a payload of 1 MB, in text and in bytes',
    async run({ store }) {
      const text = JSON.stringify('é😀x'.repeat(150_000))
      const bytes = new Uint8Array(1_048_576).map((_, index) => (index * 31) % 251)
      await commitFirst(store, { journal: [aTurn(1, 1, 0, { data: text }), aTurn(2, 1, 1, { data: bytes })] })
      const rows = await store.journal(SHARD, 1, -1, 10)
      assert.equal(rows[0]?.data, text)
      assert.deepEqual(rows[1]?.data, bytes)
    },
  },
]
