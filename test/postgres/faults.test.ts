// What a network and a server do to a store, between a real one and a real server: no call hangs, what is not known is
// said to be unknown, and a transaction that somebody left open holds nobody up for long.
import { afterEach, expect, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { readAddress } from '../../src/stores/postgres/address.ts'
import { loadDriver } from '../../src/stores/postgres/driver.ts'
import { migrate } from '../../src/stores/postgres/layout.ts'
import { openLink } from '../../src/stores/postgres/link.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { NS, SHARD, aRun, aTurn, anItem, batchAfter, commitAfter } from '../../src/testing/store-rows.ts'
import type { Store } from '../../src/core/store.ts'
import { Proxy } from './proxy.ts'
import { connection, newPlace } from './subject.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function setting(options = '&deadline=2&patience=30', clock: Clock = systemClock) {
  const place = await newPlace()
  closing.push(() => place.drop())
  const proxy = await Proxy.before(place.url())
  closing.push(() => proxy.close())
  const opened = async (url: string): Promise<Store> => {
    const store = postgres({ url, clock })
    await store.open()
    closing.push(() => store.close())
    return store
  }
  const store = await opened(proxy.url(place.url(options)))
  return { place, proxy, store, direct: () => opened(place.url()) }
}

test('F9: a COMMIT whose reply is lost: it is unknown, the head tells that it happened, and it does not happen twice', async () => {
  const { proxy, store } = await setting()
  const tenure = await store.acquire(SHARD, 'one')
  await store.post(SHARD, [anItem('a')])
  const drained = (await store.inbox(SHARD, NS, 10)).map((row) => row.id)
  const batch = batchAfter(tenure, { runs: [aRun(1)], journal: [aTurn(2, 1, 0)], drained })
  const lost = proxy.next('lose-reply')
  await expect(store.commit(batch)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  await lost
  expect(await store.tenure(SHARD)).toEqual({ ...tenure, head: 2 })
  await expect(store.commit(batch)).rejects.toMatchObject({ code: 'SHARD_FENCED' })
  expect(await store.journal(SHARD, 1, -1, 10)).toEqual([aTurn(2, 1, 0)])
  expect(await store.inbox(SHARD, NS, 10)).toEqual([])
})

test('F9: a COMMIT that does not arrive: it is unknown, the head tells that it did not happen, and it is sent again', async () => {
  const { proxy, store } = await setting()
  const tenure = await store.acquire(SHARD, 'one')
  const batch = batchAfter(tenure, { runs: [aRun(1)], journal: [aTurn(2, 1, 0)] })
  const cut = proxy.next('cut-before')
  await expect(store.commit(batch)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  await cut
  expect(await store.tenure(SHARD)).toEqual(tenure)
  await store.commit(batch)
  expect(await store.run(SHARD, 1)).toEqual(aRun(1))
})

test('F8: a batch that hangs before its COMMIT: the deadline ends it, and who comes next ends its session', async () => {
  const { proxy, store, direct } = await setting()
  const tenure = await store.acquire(SHARD, 'one')
  const batch = batchAfter(tenure, { journal: [aTurn(1, 1, 0)] })
  const held = proxy.next('hold')
  await expect(store.commit(batch)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  await held
  // The session at the server has the row of the shard, and hears nothing of the end.
  const other = await direct()
  const next = await other.acquire(SHARD, 'two')
  expect(next).toEqual({ ...tenure, epoch: next.epoch, crashes: 1 })
  await expect(store.commit(batch)).rejects.toMatchObject({ code: 'SHARD_FENCED' })
})

test('F8: a session that still has a batch which nobody waits for: the same batch is sent again past it', async () => {
  const { proxy, store } = await setting()
  const tenure = await store.acquire(SHARD, 'one')
  const batch = batchAfter(tenure, { journal: [aTurn(1, 1, 0)] })
  const held = proxy.next('hold')
  await expect(store.commit(batch)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  await held
  expect(await store.tenure(SHARD)).toEqual(tenure)
  await store.commit(batch)
  expect(await store.tenure(SHARD)).toEqual({ ...tenure, head: 1 })
})

test('F8: a session of somebody else that holds up a batch: it is not ended, and the batch ends by its deadline', async () => {
  const { place, store } = await setting()
  const tenure = await store.acquire(SHARD, 'one')
  const sql = await connection()
  await sql.begin(async (tx) => {
    await tx.unsafe(`SELECT * FROM ${place.schema}.shards FOR UPDATE`)
    const batch = batchAfter(tenure, { journal: [aTurn(1, 1, 0)] })
    await expect(store.commit(batch)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
    await tx`SELECT 1`
  })
  await commitAfter(store, await store.tenure(SHARD), { head: 5 })
})

test('F8: a network that carries nothing: a read ends by its deadline, and is made again when it does', async () => {
  const { proxy, store } = await setting()
  const { epoch } = await store.acquire(SHARD, 'one')
  proxy.deafen(true)
  const reading = store.tenure(SHARD)
  const writing = store.post(SHARD, [anItem('a')])
  await expect(writing).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  proxy.deafen(false)
  expect(await reading).toMatchObject({ epoch })
})

test('F8: a large answer over a slow network: it takes longer than the deadline, and arrives', async () => {
  const { proxy, store } = await setting('&deadline=1&patience=0')
  const tenure = await store.acquire(SHARD, 'one')
  const data = 'é'.repeat(1_000_000)
  await commitAfter(store, tenure, { journal: [aTurn(1, 1, 0, { data })] })
  const from = systemClock.now()
  proxy.slowDown(30_000)
  const [row] = await store.journal(SHARD, 1, -1, 10)
  expect(row?.data === data).toBe(true)
  // Otherwise nothing was slow.
  expect(systemClock.now() - from).toBeGreaterThan(1000)
})

test('F8: a server that stays away: patience ends, and says where it looked, without the password', async () => {
  const { proxy, store } = await setting('&deadline=1&patience=1')
  await proxy.close()
  const failure = await store.tenure(SHARD).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'STORE_UNREACHABLE' })
  const secret = postgres({ url: `postgres://ann:hush-hush@127.0.0.1:${proxy.port}/db`, clock: systemClock })
  const refused = await secret.open().catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'STORE_UNREACHABLE' })
  expect(`${String(refused)} ${JSON.stringify(refused)} ${secret.name}`).not.toContain('hush-hush')
  await secret.close()
})

/** The clock of the machine, which somebody sets. */
function setClock(): Clock & { offsetMs: number } {
  const clock = { ...systemClock, offsetMs: 0, now: () => systemClock.now() + clock.offsetMs }
  return clock
}

test('a clock that is set forward by an hour while the server is away: there is as much patience as before', async () => {
  const clock = setClock()
  const { proxy, store } = await setting('&deadline=1&patience=2', clock)
  await proxy.close()
  const from = performance.now()
  const reading = store.tenure(SHARD)
  await new Promise((resolve) => setImmediate(resolve))
  clock.offsetMs += 3_600_000
  await expect(reading).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' })
  // The longest pause is a second: it does not begin one that would end too late.
  expect(performance.now() - from).toBeGreaterThan(1000)
})

test('a clock that is set back by an hour while a store ends and its server is away: it waits no longer than for a call', async () => {
  const clock = setClock()
  const { proxy, store } = await setting('&deadline=1&patience=86400', clock)
  await proxy.close()
  store.ending?.()
  clock.offsetMs -= 3_600_000
  await expect(store.tenure(SHARD)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' })
})

test('F9: connections that are cut while nothing is asked, or in the middle of everything: the next calls find others', async () => {
  const { proxy, store } = await setting()
  let tenure = await store.acquire(SHARD, 'one')
  for (let round = 0; round < 20; round++) {
    const batch = batchAfter(tenure, { journal: [aTurn(tenure.head + 1, 1, tenure.head)] })
    const work = store.commit(batch).catch((error: unknown) => error)
    const reads = Array.from({ length: 5 }, () => store.events(SHARD, { ns: NS, limit: 1 }))
    if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
    proxy.cut()
    for (const read of reads) expect(await read).toEqual([])
    const failure = await work
    expect([undefined, 'COMMIT_UNKNOWN']).toContain((failure as { code?: string } | undefined)?.code)
    tenure = await store.tenure(SHARD)
    expect(failure === undefined ? [batch.head] : [batch.base, batch.head]).toContain(tenure.head)
    // As the engine does: it is sent again until it is known to be there.
    while (tenure.head === batch.base) {
      await store.commit(batch).catch(() => undefined)
      tenure = await store.tenure(SHARD)
    }
    expect((await store.journal(SHARD, 1, -1, 100)).length).toBe(round + 1)
  }
})

test('F9: the answer to taking a shard is lost: it is taken once, and counted as no crash', async () => {
  const { proxy, store } = await setting()
  await store.acquire(SHARD, 'one')
  const lost = proxy.next('lose-reply')
  const two = await store.acquire(SHARD, 'two')
  expect(two.crashes).toBe(1)
  await lost
  const again = proxy.next('lose-reply')
  await store.release(SHARD, two.epoch)
  await again
  expect(await store.acquire(SHARD, 'three')).toMatchObject({ crashes: 0 })
})

test.each(['cut', 'deaf'] as const)(
  'F8: a store that is closed while something is under way, and the network goes: it ends all the same: %s',
  async (how) => {
    const { proxy, store } = await setting()
    await store.acquire(SHARD, 'one')
    const writing = store.acquire(SHARD, 'two').catch((error: unknown) => error)
    const ending = store.close()
    if (how === 'cut') proxy.cut()
    else proxy.deafen(true)
    await ending
    expect(await writing).toBeDefined()
  },
)

test('F8: a network that carries nothing any more while a store is being opened: the look at its layout ends by its deadline', async () => {
  const { place, proxy } = await setting()
  const link = await openLink(await loadDriver(), readAddress(proxy.url(place.url('&deadline=1'))), systemClock)
  proxy.deafen(true)
  const opening = migrate(link, { schema: place.schema, store: 'it', shards: 1 })
  await expect(opening).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' })
})
