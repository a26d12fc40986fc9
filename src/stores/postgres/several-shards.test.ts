// One transaction for batches of several shards, in which numbers, times and ids are the same: each changes what is its own.
import { afterEach, expect, test } from 'vitest'
import { newPlace } from '../../../test/postgres/subject.ts'
import type { Batch, Store } from '../../core/store.ts'
import { systemClock } from '../../engine/clock.ts'
import { aChange, aClaim, aRun, aTimer, aTurn, batchAfter, NOON, NS } from '../../testing/store-rows.ts'
import { postgres } from './postgres-store.ts'

const SHARDS = [0, 1, 2, 3]
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Commits a batch of each shard in one moment, behind what the shard has. */
async function commitAll(store: Store, part: (shard: number) => Partial<Batch>): Promise<void> {
  const tenures = await Promise.all(SHARDS.map((shard) => store.tenure(shard)))
  await Promise.all(
    tenures.map((tenure) => {
      const { head } = tenure
      // A position of its own, by which the batch is known.
      return store.commit(
        batchAfter(tenure, { journal: [aTurn(head + 1, 99, head + 1, { data: '"x"' })], ...part(tenure.shard) }),
      )
    }),
  )
}

test.each(['', '&prepare=false'])('what one shard changes in a transaction with others stays in it%s', async (more) => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = postgres({ url: place.url(`&shards=4${more}`), clock: systemClock })
  await store.open()
  closing.push(() => store.close())
  for (const shard of SHARDS) await store.acquire(shard, 'test')

  await commitAll(store, () => ({
    runs: [aRun(1), aRun(2), aRun(3), aRun(4)],
    journal: [1, 2, 3, 4].map((num) => aTurn(num + 4, num, 0)),
    claims: [1, 2, 3, 4].map((num) => aClaim(`run-${num}`, num)),
    timers: [1, 2, 3, 4].map((num) => aTimer(NOON, num, 'sleep#0')),
  }))
  // The shard 0 does so to the run 1, and so on; the run 4 is the shard 3's to end, and to forget.
  await commitAll(store, (shard) => ({
    changes: [aChange(shard + 1, { output: `"of ${shard}: a \\"b\\" \\\\ c\nd \u{1f35e}"` })],
    timersGone: [aTimer(NOON, shard + 1, 'sleep#0')],
    claimsUntil: [{ ns: NS, space: 'run' as const, id: `run-${shard + 1}`, until: NOON + shard }],
  }))
  await commitAll(store, (shard) => (shard === 3 ? { forgotten: [4], claimsGone: [aClaim('run-4', 4)] } : {}))

  for (const shard of SHARDS) {
    const runs = await Promise.all([1, 2, 3, 4].map((num) => store.run(shard, num)))
    expect(runs.map((run) => run?.output)).toEqual(
      [1, 2, 3, 4].map((num) => {
        if (shard === 3 && num === 4) return undefined
        return num === shard + 1 ? `"of ${shard}: a \\"b\\" \\\\ c\nd \u{1f35e}"` : null
      }),
    )
    const timers = await store.timers(shard, 0, NOON + 1, 10)
    expect(timers.map(({ run }) => run)).toEqual([1, 2, 3, 4].filter((num) => num !== shard + 1))
    const claims = await store.claims(shard, NS, 'run', ['run-1', 'run-2', 'run-3', 'run-4'])
    expect(claims.map((claim) => claim?.until)).toEqual(
      [1, 2, 3, 4].map((num) => {
        if (shard === 3 && num === 4) return undefined
        return num === shard + 1 ? NOON + shard : null
      }),
    )
  }
})
