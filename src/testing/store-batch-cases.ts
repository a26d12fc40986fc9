// Conformance of stores: what the parts of a batch do to the rows that are there: changes, claims, timers, inbox.
import assert from 'node:assert/strict'
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
  commitFirst,
  type StoreCase,
} from './store-rows.ts'

export const storeBatchCases: readonly StoreCase[] = [
  {
    name: 'a change sets what may change of a run and leaves the rest',
    async run({ store }) {
      const run = aRun(1, { key: 'orderId:A1', input: '{"a":1}', phase: 'paying' })
      const first = await commitFirst(store, { runs: [run, aRun(2)] })
      const stuck = aChange(1, { status: 'stuck', phase: 'paying', reason: 'call', output: null, ended: null })
      const second = await commitAfter(store, first, { changes: [stuck] })
      assert.deepEqual(await store.run(SHARD, 1), { ...run, ...stuck })
      const failed = aChange(1, { status: 'failed', output: null, error: '{"code":"X"}' })
      await commitAfter(store, second, { changes: [failed] })
      assert.deepEqual(await store.run(SHARD, 1), { ...run, ...failed })
      assert.deepEqual(await store.run(SHARD, 2), aRun(2))
    },
  },
  {
    name: 'a run may start and end in one batch',
    async run({ store }) {
      await commitFirst(store, { runs: [aRun(1)], changes: [aChange(1)], journal: [aTurn(2, 1, 0)] })
      assert.deepEqual(await store.run(SHARD, 1), { ...aRun(1), ...aChange(1) })
    },
  },
  {
    name: 'a claim that is taken is left as it is, and the batch holds',
    async run({ store }) {
      const first = await commitFirst(store, { claims: [aClaim('A1', 1, { until: 5 })] })
      const other = aClaim('A1', 2, { hash: 'other' })
      await commitAfter(store, first, { claims: [other, aClaim('A2', 3)], journal: [aTurn(1, 1, 0)] })
      const found = await store.claims(SHARD, NS, 'run', ['A1', 'A2'])
      assert.deepEqual(found, [aClaim('A1', 1, { until: 5 }), aClaim('A2', 3)])
      assert.equal((await store.journal(SHARD, 1, -1, 10)).length, 1)
    },
  },
  {
    name: 'of two claims of one name in a batch the first one holds',
    async run({ store }) {
      await commitFirst(store, { claims: [aClaim('A1', 1), aClaim('A1', 2)] })
      assert.deepEqual(await store.claims(SHARD, NS, 'run', ['A1']), [aClaim('A1', 1)])
    },
  },
  {
    name: 'claims of runs and of events, and of namespaces, are apart',
    async run({ store }) {
      const claims = [aClaim('A1', 1), aClaim('A1', 2, { space: 'event' }), aClaim('A1', 3, { ns: 'other' })]
      await commitFirst(store, { claims })
      assert.deepEqual(await store.claims(SHARD, NS, 'run', ['A1']), [claims[0]])
      assert.deepEqual(await store.claims(SHARD, NS, 'event', ['A1']), [claims[1]])
      assert.deepEqual(await store.claims(SHARD, 'other', 'run', ['A1']), [claims[2]])
      assert.deepEqual(await store.claims(SHARD, 'other', 'event', ['A1']), [null])
    },
  },
  {
    name: 'claims are answered in the order of the ids, with null for a free one',
    async run({ store }) {
      await commitFirst(store, { claims: ['a', 'b', 'c'].map((id, index) => aClaim(id, index + 1)) })
      const found = await store.claims(SHARD, NS, 'run', ['c', 'free', 'a', 'c', 'A'])
      assert.deepEqual(
        found.map((claim) => claim?.num ?? null),
        [3, null, 1, 3, null],
      )
      assert.deepEqual(await store.claims(SHARD, NS, 'run', []), [])
    },
  },
  {
    name: 'a timer is removed exactly, and one that is not there does no harm',
    async run({ store }) {
      const timers = [aTimer(5, 1, 'a'), aTimer(5, 1, 'b'), aTimer(5, 2, 'a'), aTimer(6, 1, 'a')]
      const first = await commitFirst(store, { timers })
      await commitAfter(store, first, { timersGone: [aTimer(5, 1, 'a'), aTimer(7, 1, 'a')] })
      assert.deepEqual(await store.timers(SHARD, 0, 10, 10), timers.slice(1))
    },
  },
  {
    name: 'a timer that is set twice is one timer',
    async run({ store }) {
      const first = await commitFirst(store, { timers: [aTimer(5, 1, 'a'), aTimer(5, 1, 'a')] })
      const second = await commitAfter(store, first, { timers: [aTimer(5, 1, 'a')] })
      assert.deepEqual(await store.timers(SHARD, 0, 10, 10), [aTimer(5, 1, 'a')])
      await commitAfter(store, second, { timersGone: [aTimer(5, 1, 'a')] })
      assert.deepEqual(await store.timers(SHARD, 0, 10, 10), [])
    },
  },
  {
    name: 'a timer that is set and gone in one batch is gone',
    async run({ store }) {
      await commitFirst(store, { timers: [aTimer(5, 1, 'a')], timersGone: [aTimer(5, 1, 'a')] })
      assert.deepEqual(await store.timers(SHARD, 0, 10, 10), [])
    },
  },
  {
    name: 'posts of a batch are in the inbox after it',
    async run({ store }) {
      await commitFirst(store, { posts: [anItem('a'), anItem('b', { kind: 'event', slot: 3 })] })
      const rows = await store.inbox(SHARD, NS, 10)
      assert.deepEqual(
        rows.map(({ id: _id, ...item }) => item),
        [anItem('a'), anItem('b', { kind: 'event', slot: 3 })],
      )
    },
  },
  {
    name: 'the inbox takes items without a tenure, and its head stays',
    async run({ store }) {
      await store.post(SHARD, [])
      await Promise.all(Array.from({ length: 50 }, (_, index) => store.post(SHARD, [anItem(`item-${index}`)])))
      const rows = await store.inbox(SHARD, NS, 100)
      assert.equal(new Set(rows.map((row) => row.id)).size, 50)
      assert.equal(new Set(rows.map((row) => row.target)).size, 50)
      assert.equal((await store.tenure(SHARD)).head, 0)
    },
  },
  {
    name: 'what is drained is gone, and the rest is there, whatever came in between',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      await store.post(SHARD, [anItem('a'), anItem('b'), anItem('c')])
      const [a, , c] = await store.inbox(SHARD, NS, 10)
      assert.ok(a !== undefined && c !== undefined)
      await store.post(SHARD, [anItem('d')])
      await commitAfter(store, tenure, { drained: [c.id, a.id], journal: [aTurn(1, 1, 0)] })
      assert.deepEqual(
        (await store.inbox(SHARD, NS, 10)).map((row) => row.target),
        ['b', 'd'],
      )
    },
  },
  {
    name: 'an id of the inbox is never used again',
    async run({ store, reopen }) {
      const tenure = await store.acquire(SHARD, 'one')
      await store.post(SHARD, [anItem('a'), anItem('b')])
      const drained = (await store.inbox(SHARD, NS, 10)).map((row) => row.id)
      await commitAfter(store, tenure, { drained })
      const again = await reopen()
      await again.post(SHARD, [anItem('c')])
      const [row] = await again.inbox(SHARD, NS, 10)
      assert.ok(row !== undefined && row.id > Math.max(...drained))
    },
  },
  {
    name: 'a batch of 1,000 rows is one commit',
    async run({ store }) {
      const runs = Array.from({ length: 1_000 }, (_, index) => aRun(index + 1))
      const journal = runs.map((run) => aTurn(1_000 + run.num, run.num, 0))
      const claims = runs.map((run) => aClaim(run.id, run.num))
      await commitFirst(store, { runs, journal, claims })
      assert.deepEqual(await store.runs(SHARD, { ns: NS, after: 0, limit: 2_000 }), runs)
      assert.deepEqual(await store.journal(SHARD, 1_000, -1, 10), [journal.at(-1)])
      const ids = runs.map((run) => run.id)
      assert.deepEqual(await store.claims(SHARD, NS, 'run', ids), claims)
    },
  },
  {
    name: 'queries beside a commit see all of it or nothing',
    async run({ store }) {
      const events = Array.from({ length: 500 }, (_, index) => anEvent(index + 1))
      const state = { inFlight: true }
      const commit = commitFirst(store, { events }).finally(() => {
        state.inFlight = false
      })
      while (state.inFlight) {
        const seen = await store.events(SHARD, { ns: NS, limit: 1_000 })
        assert.ok(seen.length === 0 || seen.length === 500, `${seen.length} of 500 events were seen`)
        // Lets a store that answers at once get on with its commit.
        await new Promise((resolve) => setImmediate(resolve))
      }
      await commit
      assert.equal((await store.events(SHARD, { ns: NS, limit: 1_000 })).length, 500)
    },
  },
]
