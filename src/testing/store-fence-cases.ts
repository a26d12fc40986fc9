// Conformance of stores: only the holder of the newest epoch writes, only after the head that it knows, and a batch
// that is refused leaves no trace.
import assert from 'node:assert/strict'
import type { Batch, Store } from '../core/store.ts'
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
  batchAfter,
  commitAfter,
  commitFirst,
  type StoreCase,
} from './store-rows.ts'

/** Something for every table, on positions 11 to 13. */
const everything: Partial<Batch> = {
  runs: [aRun(11)],
  changes: [aChange(11)],
  claims: [aClaim('run-11', 11)],
  journal: [aTurn(12, 11, 0)],
  events: [anEvent(13)],
  timers: [aTimer(5, 11, 'sleep#0')],
  posts: [anItem('never')],
  continued: [{ num: 11, generation: 1, since: 1, input: '"never"' }],
  suspects: [{ run: 11, what: 'never', deaths: 1 }],
  claimsUntil: [{ ns: NS, space: 'run', id: 'run-11', until: 1 }],
}

async function assertNothingOf(store: Store): Promise<void> {
  assert.equal(await store.run(SHARD, 11), null)
  assert.deepEqual(await store.claims(SHARD, NS, 'run', ['run-11']), [null])
  assert.deepEqual(await store.journal(SHARD, 11, -1, 10), [])
  assert.deepEqual(await store.events(SHARD, { ns: NS, limit: 10 }), [])
  assert.deepEqual(await store.timers(SHARD, 0, 10, 10), [])
  assert.deepEqual(await store.suspects(SHARD), [])
  assert.deepEqual(await store.agedClaims(SHARD, NS, NOON, 10), [])
  const targets = (await store.inbox(SHARD, NS, 10)).map((row) => row.target)
  assert.ok(!targets.includes('never'))
}

/** The batch fails with a code, has written nothing, and the store goes on. */
async function assertRefused(store: Store, batch: Batch, code: string): Promise<void> {
  const before = await store.tenure(SHARD)
  await assert.rejects(store.commit(batch), { code })
  assert.deepEqual(await store.tenure(SHARD), before)
  await assertNothingOf(store)
  const after = await store.acquire(SHARD, 'next')
  await commitAfter(store, after, { journal: [aTurn(after.head + 1, 99, after.head)] })
}

export const storeFenceCases: readonly StoreCase[] = [
  {
    name: 'a commit moves the head',
    async run({ store }) {
      const tenure = await commitFirst(store, { head: 5, journal: [aTurn(3, 1, 0)] })
      assert.deepEqual(await store.tenure(SHARD), { ...tenure, head: 5 })
    },
  },
  {
    name: 'a commit without rows may move the head or leave it',
    async run({ store }) {
      const first = await commitFirst(store, {})
      const second = await commitAfter(store, first, { head: 2 })
      assert.deepEqual(await store.tenure(SHARD), { ...second, head: 2 })
    },
  },
  {
    name: 'settling a shard tells its tenure, and changes nothing, nor does asking whether all of it stands',
    async run({ store }) {
      const tenure = await commitFirst(store, { head: 5, journal: [aTurn(3, 1, 0)] })
      for (const settled of [await store.settle?.(SHARD), await store.settle?.(SHARD)])
        if (settled !== undefined) assert.deepEqual(settled, { ...tenure, head: 5 })
      await store.stands?.(SHARD)
      await commitAfter(store, { ...tenure, head: 5 }, { journal: [aTurn(6, 1, 1)] })
      assert.deepEqual(await store.tenure(SHARD), { ...tenure, head: 6 })
    },
  },
  {
    name: 'a batch may be sent while the one that it continues is being written',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'owner')
      const first = batchAfter(tenure, { head: 5, journal: [aTurn(3, 1, 0)] })
      const second = batchAfter({ ...tenure, head: 5 }, { head: 6, journal: [aTurn(6, 1, 1)] })
      await Promise.all([store.commit(first), store.commit(second)])
      assert.deepEqual(await store.tenure(SHARD), { ...tenure, head: 6 })
      assert.equal((await store.journal(SHARD, 1, -1, 10)).length, 2)
    },
  },
  {
    name: 'a batch behind one that is refused is refused as well, and nothing of either is written',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'owner')
      const first = batchAfter(
        { ...tenure, head: tenure.head + 1 },
        { head: tenure.head + 2, journal: [aTurn(2, 1, 0)] },
      )
      const second = batchAfter({ ...tenure, head: tenure.head + 2 }, { head: 13, ...everything })
      const answers = await Promise.allSettled([store.commit(first), store.commit(second)])
      assert.deepEqual(
        answers.map((answer) => answer.status === 'rejected' && (answer.reason as { readonly code: string }).code),
        ['SHARD_FENCED', 'SHARD_FENCED'],
      )
      assert.deepEqual(await store.tenure(SHARD), tenure)
      assert.deepEqual(await store.journal(SHARD, 1, -1, 10), [])
      await assertNothingOf(store)
    },
  },
  {
    name: 'an old epoch is fenced, and nothing of its batch is written',
    async run({ store }) {
      const old = await store.acquire(SHARD, 'old')
      await store.acquire(SHARD, 'new')
      await assertRefused(store, batchAfter(old, everything), 'SHARD_FENCED')
    },
  },
  {
    name: 'an epoch that nobody has yet is fenced',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      await assertRefused(store, batchAfter({ ...tenure, epoch: tenure.epoch + 1 }, everything), 'SHARD_FENCED')
    },
  },
  {
    name: 'a base below the head is fenced',
    async run({ store }) {
      const tenure = await commitFirst(store, { head: 3 })
      await assertRefused(store, batchAfter({ ...tenure, head: 2 }, everything), 'SHARD_FENCED')
    },
  },
  {
    name: 'a base above the head is fenced',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      await assertRefused(store, batchAfter({ ...tenure, head: tenure.head + 1 }, everything), 'SHARD_FENCED')
    },
  },
  {
    name: 'a shard that the store does not have is fenced',
    async run({ store, info }) {
      const tenure = await store.acquire(SHARD, 'one')
      await assertRefused(store, batchAfter({ ...tenure, shard: info.shards }, everything), 'SHARD_FENCED')
    },
  },
  {
    name: 'of two commits after the same base one holds',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      const results = await Promise.allSettled([
        store.commit(batchAfter(tenure, { journal: [aTurn(1, 1, 0, { data: '"a"' })] })),
        store.commit(batchAfter(tenure, { journal: [aTurn(1, 1, 0, { data: '"b"' })] })),
      ])
      assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
      assert.equal((await store.journal(SHARD, 1, -1, 10)).length, 1)
      assert.equal((await store.tenure(SHARD)).head, 1)
    },
  },
  {
    name: 'a fenced batch consumes nothing from the inbox',
    async run({ store }) {
      const old = await store.acquire(SHARD, 'old')
      await store.post(SHARD, [anItem('kept')])
      const rows = await store.inbox(SHARD, NS, 10)
      await store.acquire(SHARD, 'new')
      await assertRefused(store, batchAfter(old, { drained: rows.map((row) => row.id) }), 'SHARD_FENCED')
      assert.deepEqual(await store.inbox(SHARD, NS, 10), rows)
    },
  },
  {
    name: 'draining what is not there fails with INBOX_GONE and undoes the whole batch',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      await store.post(SHARD, [anItem('a'), anItem('b')])
      const rows = await store.inbox(SHARD, NS, 10)
      const [a, b] = rows.map((row) => row.id)
      assert.ok(a !== undefined && b !== undefined)
      await assertRefused(store, batchAfter(tenure, { ...everything, drained: [a, b, b + 1] }), 'INBOX_GONE')
      assert.deepEqual(await store.inbox(SHARD, NS, 10), rows)
    },
  },
  {
    name: 'draining a row twice fails with INBOX_GONE, in one batch and in two',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      await store.post(SHARD, [anItem('a')])
      const drained = (await store.inbox(SHARD, NS, 10)).map((row) => row.id)
      const twice = batchAfter(tenure, { ...everything, drained: [...drained, ...drained] })
      await assertRefused(store, twice, 'INBOX_GONE')
      const after = await commitAfter(store, await store.acquire(SHARD, 'again'), { drained })
      await assertRefused(store, batchAfter(after, { ...everything, drained }), 'INBOX_GONE')
    },
  },
  {
    name: 'a position outside of the batch breaks an INVARIANT',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      await assertRefused(store, batchAfter(tenure, { ...everything, head: 12 }), 'INVARIANT')
      const later = await commitAfter(store, await store.acquire(SHARD, 'two'), { head: 12 })
      await assertRefused(store, batchAfter(later, everything), 'INVARIANT')
    },
  },
  {
    name: 'a position or a seq that is used twice breaks an INVARIANT',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      const samePosition = { ...everything, journal: [aTurn(12, 11, 0), aTurn(12, 11, 1)] }
      await assertRefused(store, batchAfter(tenure, samePosition), 'INVARIANT')
      const again = await store.acquire(SHARD, 'two')
      const sameSeq = { ...everything, journal: [aTurn(12, 11, 0), aTurn(13, 11, 0)] }
      await assertRefused(store, batchAfter(again, sameSeq), 'INVARIANT')
      const last = await store.acquire(SHARD, 'three')
      // The run and seq of the row that the check above has committed.
      await assertRefused(store, batchAfter(last, { ...everything, journal: [aTurn(12, 99, 0)] }), 'INVARIANT')
    },
  },
  {
    name: 'a change of a run that is not there breaks an INVARIANT',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      const batch = batchAfter(tenure, { ...everything, changes: [aChange(11), aChange(10)] })
      await assertRefused(store, batch, 'INVARIANT')
    },
  },
  {
    name: 'a new generation of a run that is not there breaks an INVARIANT',
    async run({ store }) {
      const tenure = await store.acquire(SHARD, 'one')
      const continued = [{ num: 10, generation: 1, since: 1, input: '1' }]
      await assertRefused(store, batchAfter(tenure, { ...everything, continued }), 'INVARIANT')
    },
  },
  {
    name: 'a fenced batch takes nothing away',
    async run({ store }) {
      const rows = { runs: [aRun(1)], journal: [aTurn(2, 1, 0)], events: [anEvent(3)], timers: [aTimer(5, 1, 'a')] }
      const suspects = [{ run: 1, what: 'turn 3', deaths: 2 }]
      const old = await commitFirst(store, { ...rows, suspects, claims: [aClaim('run-1', 1)] })
      await store.acquire(SHARD, 'new')
      const gone = {
        forgotten: [1],
        eventsGone: [3],
        suspectsGone: [1],
        claimsGone: [{ ns: NS, space: 'run', id: 'run-1' }],
      }
      await assert.rejects(store.commit(batchAfter(old, gone as Partial<Batch>)), { code: 'SHARD_FENCED' })
      assert.deepEqual(await store.run(SHARD, 1), aRun(1))
      assert.deepEqual(await store.journal(SHARD, 1, -1, 10), rows.journal)
      assert.deepEqual(await store.events(SHARD, { ns: NS, limit: 10 }), rows.events)
      assert.deepEqual(await store.timers(SHARD, 0, 10, 10), rows.timers)
      assert.deepEqual(await store.suspects(SHARD), suspects)
      assert.deepEqual(await store.claims(SHARD, NS, 'run', ['run-1']), [aClaim('run-1', 1)])
    },
  },
]
