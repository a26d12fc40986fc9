// One transaction for batches of several shards, of which one is refused: the others hold, once, and only that one fails.
import { afterEach, expect, test } from 'vitest'
import { Proxy } from '../../../test/postgres/proxy.ts'
import { newPlace, serverUrl } from '../../../test/postgres/subject.ts'
import type { Batch, Store, Tenure } from '../../core/store.ts'
import { systemClock } from '../../engine/clock.ts'
import { aChange, aClaim, aFlow, anItem, aRun, aTurn, batchAfter, NS } from '../../testing/store-rows.ts'
import { postgres } from './postgres-store.ts'

const SHARDS = [0, 1, 2, 3]
const BAD = 2
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A store of four shards, which it has taken, and how to open another on the same place. */
async function opened(more = '', by: (url: string) => string = (url) => url) {
  const place = await newPlace()
  closing.push(() => place.drop())
  const open = async (): Promise<Store> => {
    const store = postgres({ url: by(place.url(`&shards=4${more}`)), clock: systemClock })
    await store.open()
    closing.push(() => store.close())
    return store
  }
  const store = await open()
  for (const shard of SHARDS) await store.acquire(shard, 'test')
  return { store, open }
}

interface Refusal {
  readonly name: string
  readonly code: string
  /** What makes the batch of one shard impossible. */
  readonly part: (tenure: Tenure) => Partial<Batch>
  readonly before?: (open: () => Promise<Store>) => Promise<unknown>
}

const taken = async (open: () => Promise<Store>): Promise<unknown> => (await open()).acquire(BAD, 'another')
const refusals: readonly Refusal[] = [
  { name: 'its shard was taken', code: 'SHARD_FENCED', part: () => ({}), before: taken },
  { name: 'it changes a run that is not there', code: 'INVARIANT', part: () => ({ changes: [aChange(77)] }) },
  { name: 'it drains a row that is not there', code: 'INBOX_GONE', part: () => ({ drained: [123_456] }) },
  {
    name: 'it has a flow for new that is there',
    code: 'FLOW_THERE',
    part: () => ({ flowsNew: [aFlow('orderId:there')] }),
  },
  {
    name: 'it has a position twice',
    code: 'INVARIANT',
    part: ({ head }) => ({ journal: [aTurn(head + 1, 99, head + 1), aTurn(head + 1, 98, 0)] }),
  },
  {
    name: 'it has a text that no server keeps',
    code: 'INVARIANT',
    part: ({ head }) => ({ runs: [aRun(head + 2, { key: 'a\0b' })] }),
  },
]

for (const more of ['', '&prepare=false'])
  test.each(refusals)(`$name: only it fails${more}`, async ({ code, part, before }) => {
    const { store, open } = await opened(more)
    const t0 = await Promise.all(SHARDS.map((shard) => store.tenure(shard)))
    // Something to change, to drain, and a flow.
    await Promise.all(
      t0.map((tenure) =>
        store.commit(
          batchAfter(tenure, { runs: [aRun(1)], journal: [aTurn(2, 1, 0)], flows: [aFlow('orderId:there')] }),
        ),
      ),
    )
    await Promise.all(SHARDS.map((shard) => store.post(shard, [anItem('x')])))
    const tenures = await Promise.all(SHARDS.map((shard) => store.tenure(shard)))
    const drained = await Promise.all(
      SHARDS.map(async (shard) => (await store.inbox(shard, NS, 10)).map(({ id }) => id)),
    )
    await before?.(open)
    const results = await Promise.allSettled(
      tenures.map((tenure) => {
        const { shard, head } = tenure
        const good: Partial<Batch> = {
          runs: [aRun(head + 2)],
          claims: [aClaim(`new-${shard}`, head + 2)],
          journal: [aTurn(head + 1, 99, head + 1)],
          changes: [aChange(1)],
          drained: drained[shard] ?? [],
          // Into the inbox of the next shard.
          posts: [anItem(`from-${shard}`, { slot: (shard + 1) % 4 })],
        }
        return store.commit(
          batchAfter(
            tenure,
            shard === BAD ? { ...good, ...part(tenure), head: head + 2 } : { ...good, head: head + 2 },
          ),
        )
      }),
    )
    expect(results.map((one) => (one.status === 'fulfilled' ? 'held' : (one.reason as { code: string }).code))).toEqual(
      SHARDS.map((shard) => (shard === BAD ? code : 'held')),
    )
    for (const shard of SHARDS) {
      const tenure = tenures[shard] as Tenure
      const isBad = shard === BAD
      expect((await store.tenure(shard)).head).toBe(isBad ? tenure.head : tenure.head + 2)
      expect((await store.run(shard, 1))?.status).toBe(isBad ? 'running' : 'completed')
      expect((await store.run(shard, tenure.head + 2)) === null).toBe(isBad)
      expect((await store.claims(shard, NS, 'run', [`new-${shard}`]))[0] === null).toBe(isBad)
      const targets = (await store.inbox(shard, NS, 10)).map(({ target }) => target)
      const from = (shard + 3) % 4
      expect(targets).toEqual([...(isBad ? ['x'] : []), ...(from === BAD ? [] : [`from-${from}`])])
    }
  })

test('batches behind a group of which one is refused hold all the same, in their order', async () => {
  const { store, open } = await opened()
  const tenures = await Promise.all(SHARDS.map((shard) => store.tenure(shard)))
  await taken(open)
  // Three of each shard at once: the second group is behind the first.
  const asked = tenures.flatMap((tenure) =>
    [0, 1, 2].map((nth) => {
      const base = tenure.head + nth
      return store
        .commit(batchAfter({ ...tenure, head: base }, { journal: [aTurn(base + 1, 99, base)], head: base + 1 }))
        .then(
          () => 'held',
          (error: { code: string }) => error.code,
        )
    }),
  )
  const answers = await Promise.all(asked)
  expect(answers).toEqual(SHARDS.flatMap((shard) => [0, 1, 2].map(() => (shard === BAD ? 'SHARD_FENCED' : 'held'))))
  for (const shard of SHARDS) {
    expect((await store.tenure(shard)).head).toBe(shard === BAD ? 0 : 3)
    expect((await store.journal(shard, 99, -1, 10)).length).toBe(shard === BAD ? 0 : 3)
  }
})

test.each(['lose-reply', 'cut-before'] as const)(
  'a COMMIT of several shards of which the answer does not come (%s): unknown to each of them, and all or nothing is there',
  async (mishap) => {
    const proxy = await Proxy.before(await serverUrl())
    closing.push(() => proxy.close())
    const { store } = await opened('&deadline=2', (url) => proxy.url(url))
    const tenures = await Promise.all(SHARDS.map((shard) => store.tenure(shard)))
    const batches = tenures.map((tenure) =>
      batchAfter(tenure, {
        runs: [aRun(1)],
        journal: [aTurn(2, 1, 0)],
        posts: [anItem('x', { slot: (tenure.shard + 1) % 4 })],
      }),
    )
    const done = proxy.next(mishap)
    const answers = await Promise.allSettled(batches.map((batch) => store.commit(batch)))
    await done
    expect(answers.map((one) => one.status === 'rejected' && (one.reason as { code: string }).code)).toEqual(
      SHARDS.map(() => 'COMMIT_UNKNOWN'),
    )
    const heads = await Promise.all(SHARDS.map(async (shard) => (await store.tenure(shard)).head))
    expect(heads).toEqual(SHARDS.map(() => (mishap === 'lose-reply' ? 2 : 0)))
    // Sent once more, as the engine does when it does not know: it happens once.
    const again = await Promise.allSettled(batches.map((batch) => store.commit(batch)))
    expect(again.map(({ status }) => status)).toEqual(
      SHARDS.map(() => (mishap === 'lose-reply' ? 'rejected' : 'fulfilled')),
    )
    for (const shard of SHARDS) expect((await store.inbox(shard, NS, 10)).map(({ target }) => target)).toEqual(['x'])
  },
)
