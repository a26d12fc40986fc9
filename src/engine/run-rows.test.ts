import { expect, test } from 'vitest'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import type { RunRow } from '../core/store.ts'
import { aRun, batchAfter, NS } from '../testing/store-rows.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { eachOpenRow, runRows } from './run-rows.ts'

/** Five runs; no page of them can be read, the second run cannot either, and the third is gone when it is asked for. */
async function damaged() {
  const own = memory()
  await own.open()
  const tenure = await own.acquire(0, 'owner')
  await own.commit(batchAfter(tenure, { runs: [1, 2, 3, 4, 5].map((num) => aRun(num)) }))
  const bad = (): never => {
    throw fault('STORE_FAILED', { problem: 'malformed' })
  }
  return guarded(
    guarded(own, 'runs', async () => bad()),
    'run',
    async (pass, _shard, num) => (num === 2 ? bad() : num === 3 ? null : pass()),
  )
}

test('F5: a page that cannot be read: its runs are read alone, and each keeps its place, also one that is gone by then', async () => {
  const rows = await runRows(await damaged(), 0, { ns: NS, after: 0, limit: 3 })
  expect(rows).toMatchObject([{ num: 1 }, { num: 2, unread: { code: 'STORE_FAILED' } }, { num: 3, unread: null }])
})

test('every open run is met, and what cannot be read is told apart from what is gone', async () => {
  const met: RunRow[] = []
  const skipped: unknown[] = []
  const place = { ns: NS, shard: 0, store: await damaged() }
  await eachOpenRow(
    place,
    (rows) => void met.push(...rows),
    (run) => skipped.push([run.num, run.unread === null]),
  )
  expect(met.map(({ num }) => num)).toEqual([1, 4, 5])
  expect(skipped).toEqual([
    [2, false],
    [3, true],
  ])
})
