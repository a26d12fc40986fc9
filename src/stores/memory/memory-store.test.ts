import { describe, expect, test } from 'vitest'
import { storeConformance } from '../../testing/store-conformance.ts'
import { SHARD, aTurn, batchAfter, commitFirst } from '../../testing/store-rows.ts'
import { MemoryData } from './memory-data.ts'
import { memory } from './memory-store.ts'

describe('memory store', () => {
  storeConformance(
    async () => {
      const data = new MemoryData()
      return { store: memory(data), reopen: async () => memory(data) }
    },
    { describe, test },
  )

  test('F10: a second store over the same data: it fences the first', async () => {
    const data = new MemoryData()
    const [first, second] = [memory(data), memory(data)]
    await Promise.all([first.open(), second.open()])
    const tenure = await commitFirst(first, { journal: [aTurn(1, 1, 0)] })
    expect(await second.acquire(SHARD, 'second')).toEqual({ shard: SHARD, epoch: 2, head: 1, crashes: 1 })
    await expect(first.commit(batchAfter(tenure, {}))).rejects.toMatchObject({ code: 'SHARD_FENCED' })
    expect(await second.journal(SHARD, 1, -1, 10)).toEqual([aTurn(1, 1, 0)])
  })

  test('two stores without shared data have nothing in common', async () => {
    const [one, two] = [memory(), memory()]
    expect((await one.open()).id).not.toBe((await two.open()).id)
    await one.acquire(SHARD, 'one')
    expect(await two.tenure(SHARD)).toEqual({ shard: SHARD, epoch: 0, head: 0, crashes: 0 })
  })

  test('a store is not usable before it is open', async () => {
    await expect(memory().info()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})
