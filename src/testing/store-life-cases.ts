// Conformance of stores: opening, identity, taking a shard over, closing.
import assert from 'node:assert/strict'
import { SCHEMA_VERSION, SLOT_COUNT, type Store } from '../core/store.ts'
import {
  SHARD,
  NS,
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

export const storeLifeCases: readonly StoreCase[] = [
  {
    name: 'a new store has an identity, the present layout and its slots',
    async run({ store, info }) {
      assert.ok(info.id.length >= 16)
      assert.ok(info.incarnation >= 0)
      assert.equal(info.schema, SCHEMA_VERSION)
      assert.equal(info.slots, SLOT_COUNT)
      assert.ok(info.shards >= 1)
      assert.deepEqual(await store.info(), info)
    },
  },
  {
    name: 'opening an open store changes nothing',
    async run({ store, info }) {
      assert.deepEqual(await store.open(), info)
    },
  },
  {
    name: 'the identity stays the same when the store is opened again',
    async run({ info, reopen }) {
      assert.deepEqual(await (await reopen()).info(), info)
    },
  },
  {
    name: 'a new shard begins at position 0',
    async run({ store }) {
      assert.equal((await store.tenure(SHARD)).head, 0)
    },
  },
  {
    name: 'a namespace belongs to the application that asks first, for good, and to one that had its name',
    async run({ store, reopen }) {
      assert.equal(await store.belongsTo('default', 'shop', null), 'shop')
      assert.equal(await store.belongsTo('default', 'crm', null), 'shop')
      assert.equal(await store.belongsTo('other', 'crm', 'shop'), 'crm')
      const again = await reopen()
      assert.equal(await again.belongsTo('default', 'crm', 'other'), 'shop')
      assert.equal(await again.belongsTo('default', 'store', 'shop'), 'store')
      assert.equal(await again.belongsTo('default', 'store', 'shop'), 'store')
      assert.equal(await again.belongsTo('default', 'shop', null), 'store')
      const [one, two] = await Promise.all(['a', 'b'].map((name) => again.belongsTo('new', name, null)))
      assert.equal(one, two)
      assert.deepEqual(await again.namespaces(10), ['default', 'new', 'other'])
      assert.deepEqual(await again.namespaces(2), ['default', 'new'])
    },
  },
  {
    name: 'acquire raises the epoch and keeps the head',
    async run({ store }) {
      const first = await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
      const second = await store.acquire(SHARD, 'second')
      assert.ok(second.epoch > first.epoch)
      assert.deepEqual(second, { shard: SHARD, epoch: second.epoch, head: 1, crashes: 1 })
      assert.deepEqual(await store.tenure(SHARD), second)
    },
  },
  {
    name: 'two who acquire at once get different epochs',
    async run({ store }) {
      const [a, b] = await Promise.all([store.acquire(SHARD, 'a'), store.acquire(SHARD, 'b')])
      assert.notEqual(a.epoch, b.epoch)
      assert.equal((await store.tenure(SHARD)).epoch, Math.max(a.epoch, b.epoch))
    },
  },
  {
    name: 'an owner that does not let the shard go is counted as a crash by the next one, in a row, also when it is opened again',
    async run({ store, reopen }) {
      assert.equal((await store.acquire(SHARD, 'first')).crashes, 0)
      assert.equal((await store.acquire(SHARD, 'second')).crashes, 1)
      assert.equal((await store.tenure(SHARD)).crashes, 1)
      const again = await reopen()
      assert.equal((await again.tenure(SHARD)).crashes, 1)
      const third = await again.acquire(SHARD, 'third')
      assert.equal(third.crashes, 2)
      assert.deepEqual(await again.tenure(SHARD), third)
    },
  },
  {
    name: 'a shard that was released is taken over without a crash, and the crashes before are forgotten',
    async run({ store, reopen }) {
      await store.acquire(SHARD, 'first')
      const second = await store.acquire(SHARD, 'second')
      await store.release(SHARD, second.epoch)
      assert.deepEqual(await store.tenure(SHARD), { ...second, crashes: 0 })
      const again = await reopen()
      const third = await again.acquire(SHARD, 'third')
      assert.ok(third.epoch > second.epoch)
      assert.deepEqual(third, { ...second, epoch: third.epoch, crashes: 0 })
      assert.equal((await again.acquire(SHARD, 'fourth')).crashes, 1)
    },
  },
  {
    name: 'a shard may be released with the crashes that count on: its next owner has them, below 0, and when that dies one more',
    async run({ store, reopen }) {
      await store.acquire(SHARD, 'first')
      const second = await store.acquire(SHARD, 'second')
      await store.release(SHARD, second.epoch, 2)
      assert.deepEqual(await store.tenure(SHARD), { ...second, crashes: -2 })
      const again = await reopen()
      const third = await again.acquire(SHARD, 'third')
      assert.ok(third.epoch > second.epoch)
      assert.deepEqual(third, { ...second, epoch: third.epoch, crashes: -2 })
      assert.equal((await again.acquire(SHARD, 'fourth')).crashes, 3)
    },
  },
  {
    name: 'an owner that is steady has no crashes before it, and is one itself when it dies',
    async run({ store }) {
      await store.acquire(SHARD, 'first')
      const second = await store.acquire(SHARD, 'second')
      await store.steady(SHARD, second.epoch)
      assert.deepEqual(await store.tenure(SHARD), { ...second, crashes: 0 })
      assert.equal((await store.acquire(SHARD, 'third')).crashes, 1)
    },
  },
  {
    name: 'an owner of an earlier epoch can neither release the shard nor be steady, and is not told',
    async run({ store }) {
      const first = await store.acquire(SHARD, 'first')
      const second = await store.acquire(SHARD, 'second')
      await store.release(SHARD, first.epoch)
      await store.steady(SHARD, first.epoch)
      assert.deepEqual(await store.tenure(SHARD), second)
      assert.equal((await store.acquire(SHARD, 'third')).crashes, 2)
    },
  },
  {
    name: 'epoch and head are kept when the store is opened again, and the epoch rises on',
    async run({ store, reopen }) {
      const before = await commitFirst(store, { journal: [aTurn(1, 1, 0), aTurn(2, 1, 1)] })
      const again = await reopen()
      assert.deepEqual(await again.tenure(SHARD), before)
      const after = await again.acquire(SHARD, 'again')
      assert.ok(after.epoch > before.epoch)
      assert.deepEqual(after, { ...before, epoch: after.epoch, crashes: 1 })
    },
  },
  {
    name: 'everything that was committed is there when the store is opened again',
    async run({ store, reopen }) {
      await commitFirst(store, {
        runs: [aRun(1)],
        claims: [aClaim('run-1', 1)],
        journal: [aTurn(2, 1, 0)],
        events: [anEvent(3)],
        timers: [aTimer(10, 1, 'sleep#0')],
        posts: [anItem('later')],
      })
      const again = await reopen()
      assert.deepEqual(await again.run(SHARD, 1), aRun(1))
      assert.deepEqual(await again.claims(SHARD, NS, 'run', ['run-1']), [aClaim('run-1', 1)])
      assert.deepEqual(await again.journal(SHARD, 1, -1, 10), [aTurn(2, 1, 0)])
      assert.deepEqual(await again.events(SHARD, { ns: NS, limit: 10 }), [anEvent(3)])
      assert.deepEqual(await again.timers(SHARD, 0, 100, 10), [aTimer(10, 1, 'sleep#0')])
      const [row] = await again.inbox(SHARD, NS, 10)
      assert.equal(row?.target, 'later')
    },
  },
  {
    name: 'a store has room for urgent batches and others',
    async run({ store }) {
      const first = await commitFirst(store, { urgent: true, journal: [aTurn(1, 1, 0)] })
      await commitAfter(store, first, { urgent: false, journal: [aTurn(2, 1, 1)] })
      assert.equal((await store.journal(SHARD, 1, -1, 10)).length, 2)
      assert.equal(await store.hasRoom(), true)
    },
  },
  {
    name: 'closing waits for the commit that is in flight',
    async run({ store, reopen }) {
      const tenure = await store.acquire(SHARD, 'closer')
      const commit = commitAfter(store, tenure, { journal: [aTurn(1, 1, 0)] })
      const again = await reopen()
      await commit
      assert.deepEqual(await again.journal(SHARD, 1, -1, 10), [aTurn(1, 1, 0)])
    },
  },
  {
    name: 'closing twice is safe',
    async run({ store }) {
      await Promise.all([store.close(), store.close()])
      await store.close()
    },
  },
  {
    name: 'every call after close fails with STORE_FAILED',
    async run({ store }) {
      await store.close()
      for (const call of allCalls(store)) await assert.rejects(call, { code: 'STORE_FAILED' })
      await assert.rejects(store.open(), { code: 'STORE_FAILED' })
    },
  },
]

function allCalls(store: Store): Promise<unknown>[] {
  const calls = [
    store.info(),
    store.acquire(SHARD, 'late'),
    store.release(SHARD, 1),
    store.steady(SHARD, 1),
    store.tenure(SHARD),
    store.commit(batchAfter({ shard: SHARD, epoch: 1, head: 0, crashes: 0 }, {})),
    store.post(SHARD, [anItem('late')]),
    store.hasRoom(),
    store.claims(SHARD, NS, 'run', ['late']),
    store.run(SHARD, 1),
    store.runs(SHARD, { ns: NS, limit: 1 }),
    store.journal(SHARD, 1, -1, 1),
    store.events(SHARD, { ns: NS, limit: 1 }),
    store.shardsOf(NS, { key: 'a:1' }),
    store.timers(SHARD, 0, 1, 1),
    store.inbox(SHARD, NS, 1),
    store.suspects(SHARD),
    store.aged(SHARD, NS, 0, 1),
    store.agedEvents(SHARD, NS, 0, 1),
    store.agedClaims(SHARD, NS, 0, 1),
  ]
  // They are awaited one after the other, and all fail at once.
  for (const call of calls) call.catch(() => undefined)
  return calls
}
