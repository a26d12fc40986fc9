// Conformance of stores: what each query selects, in which order, and where it stops.
import assert from 'node:assert/strict'
import type { EventRow, RunRow, Store } from '../core/store.ts'
import type { EventQuery, RunQuery } from '../core/store-queries.ts'
import {
  NS,
  SHARD,
  aChange,
  aRun,
  aTimer,
  aTurn,
  anEvent,
  anItem,
  commitAfter,
  commitFirst,
  type StoreCase,
} from './store-rows.ts'

/** Ten runs that differ in everything that can be asked for. */
const tenRuns: readonly RunRow[] = Array.from({ length: 10 }, (_, index) => {
  const num = index + 1
  return aRun(num, {
    name: num % 2 === 0 ? 'checkout' : 'refund',
    kind: num <= 5 ? 'workflow' : 'operation',
    key: num % 3 === 0 ? null : `orderId:A${num % 3}`,
    root: num <= 4 ? 'run:run-1' : `run:run-${num}`,
    parent: num >= 2 && num <= 4 ? 1 : null,
    status: (['running', 'stuck', 'completed', 'failed', 'cancelled'] as const)[index % 5] ?? 'running',
    reason: index % 5 === 1 ? 'call' : null,
    ns: num === 10 ? 'other' : NS,
  })
})

async function nums(store: Store, query: Partial<RunQuery>): Promise<number[]> {
  const runs = await store.runs(SHARD, { ns: NS, limit: 100, ...query })
  const names = await store.runNames(SHARD, { ns: NS, limit: 100, ...query })
  assert.deepEqual(
    names,
    runs.map(({ num, id }) => ({ num, id })),
  )
  return runs.map((run) => run.num)
}

const manyEvents: readonly EventRow[] = Array.from({ length: 12 }, (_, index) => {
  const pos = index + 1
  return anEvent(pos, {
    type: ['OrderPlaced', 'OrderPaid', 'OrderShipped'][index % 3] ?? '',
    key: `orderId:A${pos % 2}`,
    root: pos <= 6 ? 'event:shop:event-1' : 'run:run-9',
    published: pos % 4 !== 0,
    ns: pos === 12 ? 'other' : NS,
  })
})

async function positions(store: Store, query: Partial<EventQuery>): Promise<number[]> {
  const events = await store.events(SHARD, { ns: NS, limit: 100, ...query })
  return events.map((event) => event.pos)
}

const runCases: readonly StoreCase[] = [
  {
    name: 'runs: newest first, below and above a number, and up to a limit',
    async run({ store }) {
      await commitFirst(store, { runs: tenRuns })
      assert.deepEqual(await nums(store, {}), [9, 8, 7, 6, 5, 4, 3, 2, 1])
      assert.deepEqual(await nums(store, { limit: 3 }), [9, 8, 7])
      assert.deepEqual(await nums(store, { limit: 3, before: 7 }), [6, 5, 4])
      assert.deepEqual(await nums(store, { limit: 3, before: 1 }), [])
      assert.deepEqual(await nums(store, { limit: 3, after: 0 }), [1, 2, 3])
      assert.deepEqual(await nums(store, { limit: 3, after: 7 }), [8, 9])
      const between = await nums(store, { after: 2, before: 6 })
      assert.deepEqual(new Set(between), new Set([3, 4, 5]))
      assert.deepEqual(await nums(store, { limit: 0 }), [])
    },
  },
  {
    name: 'runs: by one status and by several',
    async run({ store }) {
      await commitFirst(store, { runs: tenRuns })
      assert.deepEqual(await nums(store, { status: ['running'] }), [6, 1])
      assert.deepEqual(await nums(store, { status: ['running', 'stuck'], after: 0 }), [1, 2, 6, 7])
      assert.deepEqual(await nums(store, { status: ['running', 'stuck'], after: 1, limit: 2 }), [2, 6])
      assert.deepEqual(await nums(store, { status: ['completed'] }), [8, 3])
      assert.deepEqual(await nums(store, { status: ['failed', 'cancelled'] }), [9, 5, 4])
      assert.deepEqual(await nums(store, { status: ['stuck', 'failed'], before: 9 }), [7, 4, 2])
      assert.deepEqual(await nums(store, { status: ['completed', 'failed', 'completed'], limit: 3 }), [9, 8, 4])
      assert.deepEqual(await nums(store, { status: [] }), [])
    },
  },
  {
    name: 'runs: how many of the newest of a status stand alike',
    async run({ store }) {
      const alike = { kind: 'workflow', name: 'checkout' } as const
      const stuck = (num: number, reason: string, ns = NS): RunRow =>
        aRun(num, { ...alike, status: 'stuck', reason, ns })
      await commitFirst(store, {
        runs: [
          stuck(1, 'threw'),
          stuck(2, 'call'),
          stuck(3, 'call'),
          stuck(4, 'call', 'other'),
          aRun(5, { ...alike, status: 'running', phase: 'undoing' }),
          aRun(6, { ...alike, status: 'running' }),
          aRun(7, { kind: 'reaction', name: 'checkout', status: 'running' }),
          aRun(8, { ...alike, status: 'completed' }),
        ],
      })
      const counted = async (status: RunRow['status'], limit = 100): Promise<ReadonlySet<string>> => {
        const rows = await store.runCounts(SHARD, NS, status, limit)
        const words = rows.map(({ kind, name, phase, reason, runs }) => [runs, kind, name, phase, reason].join(' '))
        assert.equal(new Set(words).size, words.length)
        return new Set(words)
      }
      assert.deepEqual(await counted('stuck'), new Set(['2 workflow checkout  call', '1 workflow checkout  threw']))
      assert.deepEqual(await counted('stuck', 2), new Set(['2 workflow checkout  call']))
      const running = ['1 workflow checkout undoing ', '1 workflow checkout  ', '1 reaction checkout  ']
      assert.deepEqual(await counted('running'), new Set(running))
      assert.deepEqual(await counted('completed'), new Set(['1 workflow checkout  ']))
      assert.deepEqual(await counted('failed'), new Set())
    },
  },
  {
    name: 'runs: a status as it is after a change',
    async run({ store }) {
      const first = await commitFirst(store, { runs: [aRun(1), aRun(2), aRun(3)] })
      const stuck = aChange(3, { status: 'stuck', output: null, ended: null })
      const second = await commitAfter(store, first, { changes: [aChange(1, { status: 'failed' }), stuck] })
      assert.deepEqual(await nums(store, { status: ['running'] }), [2])
      assert.deepEqual(await nums(store, { status: ['stuck'] }), [3])
      assert.deepEqual(await nums(store, { status: ['failed', 'cancelled'] }), [1])
      await commitAfter(store, second, { changes: [aChange(1), aChange(2), aChange(3)] })
      assert.deepEqual(await nums(store, { status: ['running', 'stuck'], after: 0 }), [])
      assert.deepEqual(await nums(store, { status: ['completed'] }), [3, 2, 1])
      assert.deepEqual(await nums(store, { status: ['failed'] }), [])
    },
  },
  {
    name: 'runs: by key, name, kind, reason, root and parent',
    async run({ store }) {
      await commitFirst(store, { runs: tenRuns })
      assert.deepEqual(await nums(store, { reason: 'call' }), [7, 2])
      assert.deepEqual(await nums(store, { reason: 'call', status: ['stuck'], kind: 'workflow' }), [2])
      assert.deepEqual(await nums(store, { reason: 'threw' }), [])
      assert.deepEqual(await nums(store, { key: 'orderId:A1' }), [7, 4, 1])
      assert.deepEqual(await nums(store, { name: 'refund' }), [9, 7, 5, 3, 1])
      assert.deepEqual(await nums(store, { kind: 'operation' }), [9, 8, 7, 6])
      assert.deepEqual(await nums(store, { root: 'run:run-1', after: 0 }), [1, 2, 3, 4])
      assert.deepEqual(await nums(store, { parent: 1 }), [4, 3, 2])
      assert.deepEqual(await nums(store, { key: 'orderId:A9' }), [])
    },
  },
  {
    name: 'runs: conditions together',
    async run({ store }) {
      await commitFirst(store, { runs: tenRuns })
      assert.deepEqual(await nums(store, { key: 'orderId:A1', name: 'refund', before: 7 }), [1])
      assert.deepEqual(await nums(store, { name: 'checkout', status: ['running'] }), [6])
      assert.deepEqual(await nums(store, { root: 'run:run-1', status: ['stuck'], parent: 1 }), [2])
      assert.deepEqual(await nums(store, { kind: 'operation', status: ['running', 'stuck'], after: 6 }), [7])
      assert.deepEqual(await nums(store, { key: 'orderId:A2', limit: 2, after: 2 }), [5, 8])
    },
  },
  {
    name: 'runs: namespaces are apart',
    async run({ store }) {
      await commitFirst(store, { runs: tenRuns })
      assert.deepEqual(await nums(store, { ns: 'other' }), [10])
      assert.deepEqual(await nums(store, { ns: 'third' }), [])
      assert.deepEqual(await nums(store, { ns: 'other', status: ['cancelled'], kind: 'operation' }), [10])
    },
  },
]

const logCases: readonly StoreCase[] = [
  {
    name: 'events: oldest first, above a position, up to a limit',
    async run({ store }) {
      await commitFirst(store, { events: manyEvents })
      assert.deepEqual(await positions(store, {}), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
      assert.deepEqual(await positions(store, { limit: 2 }), [1, 2])
      assert.deepEqual(await positions(store, { after: 9 }), [10, 11])
      assert.deepEqual(await positions(store, { after: 3, limit: 3 }), [4, 5, 6])
      assert.deepEqual(await positions(store, { after: 11 }), [])
    },
  },
  {
    name: 'events: by type, key, root and published',
    async run({ store }) {
      await commitFirst(store, { events: manyEvents })
      assert.deepEqual(await positions(store, { types: ['OrderPaid'] }), [2, 5, 8, 11])
      assert.deepEqual(await positions(store, { types: ['OrderShipped', 'OrderPaid'], after: 4 }), [5, 6, 8, 9, 11])
      assert.deepEqual(await positions(store, { types: ['OrderPaid', 'OrderShipped', 'None'], limit: 3 }), [2, 3, 5])
      assert.deepEqual(await positions(store, { types: [] }), [])
      assert.deepEqual(await positions(store, { key: 'orderId:A0' }), [2, 4, 6, 8, 10])
      assert.deepEqual(await positions(store, { root: 'run:run-9' }), [7, 8, 9, 10, 11])
      assert.deepEqual(await positions(store, { published: false }), [4, 8])
      assert.deepEqual(await positions(store, { published: true, after: 6 }), [7, 9, 10, 11])
    },
  },
  {
    name: 'shards: of a key and of a root, by its runs or its events',
    async run({ store }) {
      await commitFirst(store, { runs: tenRuns, events: manyEvents })
      const found = [
        { key: 'orderId:A2' },
        { key: 'orderId:A0' },
        { root: 'run:run-1' },
        { root: 'event:shop:event-1' },
      ]
      for (const of of found) assert.deepEqual(await store.shardsOf(NS, of), [SHARD])
      assert.deepEqual(await store.shardsOf('other', { root: 'run:run-10' }), [SHARD])
      const missing = [{ key: 'orderId:A9' }, { root: 'run:run-11' }, { root: 'run:run-10' }]
      for (const of of missing) assert.deepEqual(await store.shardsOf(NS, of), [])
    },
  },
  {
    name: 'events: conditions together, and namespaces apart',
    async run({ store }) {
      await commitFirst(store, { events: manyEvents })
      const query = { key: 'orderId:A0', types: ['OrderPlaced', 'OrderPaid'], published: true, after: 2 }
      assert.deepEqual(await positions(store, query), [10])
      assert.deepEqual(await positions(store, { ns: 'other' }), [12])
      assert.deepEqual(await positions(store, { ns: 'other', key: 'orderId:A0', root: 'run:run-9' }), [12])
    },
  },
  {
    name: 'journal: of one run, by seq whatever its positions, page by page',
    async run({ store }) {
      const mine = [aTurn(5, 1, 0), aTurn(2, 1, 1), aTurn(9, 1, 2), aTurn(7, 1, 4)]
      const first = await commitFirst(store, { journal: [...mine, aTurn(1, 2, 0), aTurn(3, 2, 1)], head: 10 })
      await commitAfter(store, first, { journal: [aTurn(11, 1, 5), aTurn(12, 1, 3)] })
      const seqs = async (after: number, limit: number): Promise<number[]> =>
        (await store.journal(SHARD, 1, after, limit)).map((row) => row.seq)
      assert.deepEqual(await seqs(-1, 100), [0, 1, 2, 3, 4, 5])
      assert.deepEqual(await seqs(-1, 4), [0, 1, 2, 3])
      assert.deepEqual(await seqs(3, 4), [4, 5])
      assert.deepEqual(await seqs(5, 4), [])
      assert.deepEqual(await store.journal(SHARD, 3, -1, 10), [])
    },
  },
  {
    name: 'timers: from a time up to another one, by due',
    async run({ store }) {
      const timers = [
        aTimer(30, 1, 'a'),
        aTimer(10, 2, 'b'),
        aTimer(20, 2, 'a'),
        aTimer(20, 1, 'z'),
        aTimer(20, 1, 'c'),
      ]
      await commitFirst(store, { timers })
      const dues = async (from: number, to: number, limit = 10): Promise<number[]> =>
        (await store.timers(SHARD, from, to, limit)).map((timer) => timer.due)
      assert.deepEqual(await dues(0, 100), [10, 20, 20, 20, 30])
      assert.deepEqual(await dues(10, 30), [10, 20, 20, 20])
      assert.deepEqual(await dues(11, 31), [20, 20, 20, 30])
      assert.deepEqual(await dues(0, 100, 2), [10, 20])
      assert.deepEqual(await dues(20, 20), [])
      const behind = await store.timers(SHARD, 0, 100, 2, aTimer(20, 1, 'c'))
      assert.deepEqual(behind, [aTimer(20, 1, 'z'), aTimer(20, 2, 'a')])
      assert.deepEqual(await store.timers(SHARD, 0, 100, 9, aTimer(20, 2, 'a')), [aTimer(30, 1, 'a')])
      assert.deepEqual(await store.timers(SHARD, 0, 30, 9, aTimer(20, 2, 'a')), [])
    },
  },
  {
    name: 'inbox: of one namespace, lowest id first, up to a limit',
    async run({ store }) {
      await store.post(SHARD, [anItem('a'), anItem('x', { ns: 'other' }), anItem('b')])
      await store.post(SHARD, [anItem('c')])
      const rows = await store.inbox(SHARD, NS, 10)
      assert.deepEqual(
        rows.map((row) => row.target),
        ['a', 'b', 'c'],
      )
      const ids = rows.map((row) => row.id)
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
      )
      assert.deepEqual(await store.inbox(SHARD, NS, 2), rows.slice(0, 2))
      assert.deepEqual(await store.inbox(SHARD, NS, 1, ids[0]), rows.slice(1, 2))
      assert.deepEqual(await store.inboxIds(SHARD, NS, 2), ids.slice(0, 2))
      assert.deepEqual((await store.inboxIds(SHARD, null, 10)).length, 4)
      assert.deepEqual(
        (await store.inbox(SHARD, 'other', 10)).map((row) => row.target),
        ['x'],
      )
    },
  },
]

export const storeQueryCases: readonly StoreCase[] = [...runCases, ...logCases]
