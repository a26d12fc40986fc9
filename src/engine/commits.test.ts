// Batches that are sent before the one that they continue has been answered.
import { expect, test } from 'vitest'
import { keptLog, gate } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import type { Batch, Store, Tenure } from '../core/store.ts'
import { NS, aFlow, aTurn, batchAfter } from '../testing/store-rows.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { systemClock } from './clock.ts'
import { Commits } from './commits.ts'
import { Space } from './space.ts'
import { Counts } from './counts.ts'

/** What happens to each commit on its way: by default it arrives. */
type Way = (pass: () => Promise<void>, count: number, batch: Batch) => Promise<void>

async function commitsOver(way: Way, check: () => void = () => {}) {
  const own = memory()
  await own.open()
  const tenure = await own.acquire(0, 'owner')
  const sent: Batch[] = []
  const store: Store = guarded(own, 'commit', (pass, batch) => way(pass, sent.push(batch), batch))
  const clock = systemClock
  const counts = new Counts()
  const space = new Space({ store, clock, log: keptLog(), counts, onFailure: () => {} })
  const commits = new Commits({ store, tenure, space, counts, now: () => clock.now(), check })
  const send = (pos: number): Promise<void> => commits.send(rowsOf({ ...tenure, head: pos - 1 }, pos))
  /** Whether its new flows turned out to be there. */
  const sendAll = async (pos: number, rows: Partial<Batch>): Promise<boolean> => {
    const all = { ...rowsOf({ ...tenure, head: pos - 1 }, pos), ...rows }
    await commits.send(all)
    return all.areFlowsThere
  }
  const written = async (): Promise<number[]> => (await own.journal(0, 1, -1, 9)).map((row) => row.pos)
  return { own, sent, send, sendAll, written, space, commits, clock }
}

const rowsOf = (tenure: Tenure, pos: number) => ({
  ...batchAfter(tenure, { journal: [aTurn(pos, 1, pos)] }),
  areFlowsThere: false,
  size: 1,
})

test('F9: the reply to the first of two commits is lost, and the second is there: so is the first, and neither is sent again', async () => {
  const { send, sent, written } = await commitsOver(async (pass, count) => {
    await pass()
    if (count === 1) throw fault('COMMIT_UNKNOWN')
  })
  await Promise.all([send(1), send(2)])
  expect(sent).toHaveLength(2)
  expect(await written()).toEqual([1, 2])
})

test('F9: the replies to two commits are lost: both are found by the head, also when only the first was written', async () => {
  for (const writtenAtOnce of [2, 1]) {
    const { send, sent, written } = await commitsOver(async (pass, count) => {
      if (count > 2 || count <= writtenAtOnce) await pass()
      if (count <= 2) throw fault('COMMIT_UNKNOWN')
    })
    await Promise.all([send(1), send(2)])
    expect(sent.map(({ head }) => head)).toEqual(writtenAtOnce === 2 ? [1, 2] : [1, 2, 2])
    expect(await written()).toEqual([1, 2])
  }
})

test('F9: a commit whose reply is lost can be read, and the store cannot say yet whether it is durable: it counts when it can', async () => {
  const { own, send, sent, written, commits } = await commitsOver(async (pass, count) => {
    await pass()
    if (count === 1) throw fault('COMMIT_UNKNOWN')
  })
  const answers = ['COMMIT_UNKNOWN', 'STORE_FULL'] as const
  let asked = 0
  const settle: Store['settle'] = async (shard) => {
    expect(commits.durable).toBe(0)
    const code = answers[asked++]
    if (code !== undefined) throw fault(code, { problem: 'no space' })
    return own.tenure(shard)
  }
  Object.assign(own, { settle })
  await send(1)
  expect(asked).toBe(3)
  expect(sent.map(({ head }) => head)).toEqual([1, 1, 1])
  expect(commits.durable).toBe(1)
  expect(await written()).toEqual([1])
})

test('the store was put back to an earlier state while commits were under way: this is not its owner any more', async () => {
  const { own, send, written } = await commitsOver(async (pass, count) => {
    if (count === 1) return pass()
    throw fault('COMMIT_UNKNOWN')
  })
  const before = await own.tenure(0)
  await send(1)
  Object.assign(own, { tenure: () => Promise.resolve(before) })
  const both = await Promise.allSettled([send(2), send(3)])
  expect(both).toMatchObject([{ reason: { code: 'SHARD_FENCED' } }, { reason: { code: 'SHARD_FENCED' } }])
  expect(await written()).toEqual([1])
})

test('F7: the first of two commits does not fit: the second misses, and both are sent again in their order', async () => {
  const { send, sent, written, space } = await commitsOver(async (pass, count) => {
    if (count === 1) throw fault('STORE_FULL', { problem: 'no space' })
    return pass()
  })
  await Promise.all([send(1), send(2)])
  space.stop()
  expect(sent.map(({ head, urgent }) => [head, urgent])).toEqual([
    [1, false],
    [2, false],
    [1, true],
    [2, false],
  ])
  expect(await written()).toEqual([1, 2])
})

test('the first of two commits has a flow that has a row: it is written without its new flows and what counts on them', async () => {
  for (const isLost of [false, true]) {
    const { own, send, sendAll, sent, written } = await commitsOver(async (pass, count) => {
      await pass()
      if (isLost && count > 2) throw fault('COMMIT_UNKNOWN')
    })
    await send(1)
    await sendAll(2, { flows: [aFlow('a')] })
    const rows = { flows: [aFlow('', { pos: 9 }), aFlow('b')], flowsNew: [aFlow('c'), aFlow('a', { pos: 3 })] }
    expect(await Promise.all([sendAll(3, rows), sendAll(4, {})])).toEqual([true, false])
    expect(sent.map(({ head }) => head)).toEqual([1, 2, 3, 4, 3, 4])
    expect(await written()).toEqual([1, 2, 3, 4])
    const found = await own.flowsOf(0, NS, 'fulfilment', ['', 'a', 'b', 'c'])
    expect(found.map((row) => row?.pos ?? null)).toEqual([null, 1, 1, null])
  }
})

test('the second is there before the first is answered: it counts when the first does', async () => {
  const hold = gate()
  const { send } = await commitsOver(async (pass, count) => {
    await pass()
    if (count === 1) await hold.promise
  })
  const order: number[] = []
  const first = send(1).then(() => order.push(1))
  const second = send(2).then(() => order.push(2))
  await new Promise((resolve) => setImmediate(resolve))
  expect(order).toEqual([])
  hold.open()
  await Promise.all([first, second])
  expect(order).toEqual([1, 2])
})

test('F6: the first of two commits fails: so does the second, which missed', async () => {
  const { send, written } = await commitsOver(async (pass, count) => {
    if (count === 1) throw fault('STORE_FAILED', { problem: 'the disk is gone' })
    return pass()
  })
  const answers = await Promise.allSettled([send(1), send(2)])
  expect(answers).toMatchObject([{ reason: { code: 'STORE_FAILED' } }, { reason: { code: 'STORE_FAILED' } }])
  expect(await written()).toEqual([])
})

test('F10: another has taken over while two commits are under way: a miss behind another is told from it by reading', async () => {
  const { send, own, written } = await commitsOver((pass) => pass())
  await own.acquire(0, 'another')
  const answers = await Promise.allSettled([send(1), send(2)])
  expect(answers).toMatchObject([{ reason: { code: 'SHARD_FENCED' } }, { reason: { code: 'SHARD_FENCED' } }])
  expect(await written()).toEqual([])
})

test('nothing is sent again once the shard has stopped', async () => {
  let stopped = false
  const { send, sent } = await commitsOver(
    async () => {
      stopped = true
      throw fault('COMMIT_UNKNOWN')
    },
    () => {
      if (stopped) throw fault('APP_CLOSED')
    },
  )
  await expect(send(1)).rejects.toMatchObject({ code: 'APP_CLOSED' })
  expect(sent).toHaveLength(1)
})
