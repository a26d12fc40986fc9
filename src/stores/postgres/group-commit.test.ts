// When transactions of several shards go out, and when what was in them is told: by a server that answers when the test says so.
import { expect, test } from 'vitest'
import type { Batch } from '../../core/store.ts'
import { fault } from '../../core/errors.ts'
import { aTurn, batchAfter } from '../../testing/store-rows.ts'
import { GroupCommit } from './group-commit.ts'

interface Transaction {
  readonly shards: readonly number[]
  readonly answer: (error?: Error) => void
}

/** What was sent and is not answered yet, oldest first. */
class Server {
  readonly sent: Transaction[] = []
  readonly group = new GroupCommit(
    (batches) =>
      new Promise((resolve, reject) => {
        const answer = (error?: Error): void => (error === undefined ? resolve() : reject(error))
        this.sent.push({ shards: batches.map(({ shard }) => shard), answer })
      }),
  )

  async next(): Promise<Transaction> {
    for (let round = 0; this.sent.length === 0 && round < 100; round++) await anotherRound()
    const [next] = this.sent.splice(0, 1)
    if (next === undefined) throw new Error('nothing was sent')
    return next
  }
}

const anotherRound = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const batchOf = (shard: number, rows: number): Batch =>
  batchAfter(
    { shard, epoch: 1, head: 0, crashes: 0 },
    { journal: Array.from({ length: rows }, (_, index) => aTurn(index + 1, 1, index)) },
  )

/** Commits a batch for each shard, and another each time that it is told, for so many times. */
function keepGoing(server: Server, shards: number, rows: number, times: number): number[] {
  const told: number[] = []
  const commit = async (shard: number, left: number): Promise<void> => {
    await server.group.commit(batchOf(shard, rows))
    told.push(shard)
    if (left > 1) await commit(shard, left - 1)
  }
  for (let shard = 0; shard < shards; shard++) void commit(shard, times)
  return told
}

/** The sizes of the transactions until all has been told, each answered when nothing else is left to do or the next one is there. */
async function sizesOf(shards: number, rows: number, times: number): Promise<number[]> {
  const server = new Server()
  const told = keepGoing(server, shards, rows, times)
  const sizes: number[] = []
  while (told.length < shards * times) {
    const { shards: sent, answer } = await server.next()
    sizes.push(sent.length)
    for (let round = 0; round < 30; round++) await anotherRound()
    answer()
    for (let round = 0; round < 30; round++) await anotherRound()
  }
  return sizes
}

test('what is under way alone goes on in two halves by turns, each told when it is there', async () => {
  expect(await sizesOf(40, 2, 3)).toEqual([40, 20, 20, 20, 20])
})

test.each([
  ['many rows', 40, 4],
  ['few batches', 12, 2],
])('%s go on in one transaction', async (_what, shards, rows) => {
  expect(await sizesOf(shards, rows, 3)).toEqual([shards, shards, shards])
})

test('the second half is told also where nothing follows from the first', async () => {
  const server = new Server()
  const told = keepGoing(server, 40, 2, 1)
  const { answer } = await server.next()
  answer()
  await anotherRound()
  expect(told).toHaveLength(20)
  while (told.length < 40) await anotherRound()
  expect(server.sent).toEqual([])
})

test('two halves of what has become many rows become one again', async () => {
  const server = new Server()
  const told = keepGoing(server, 20, 2, 1)
  const first = await server.next()
  // What follows is three times as much.
  for (let shard = 0; shard < 20; shard++) void server.group.commit(batchOf(100 + shard, 6))
  const second = await server.next()
  expect(second.shards).toHaveLength(20)
  for (let shard = 0; shard < 19; shard++) void server.group.commit(batchOf(200 + shard, 6))
  first.answer()
  for (let round = 0; round < 30; round++) await anotherRound()
  expect(told).toHaveLength(20)
  // They are too few to go behind the twenty.
  expect(server.sent).toEqual([])
  second.answer()
  expect((await server.next()).shards).toHaveLength(19)
})

test('what is refused for good is sent alone, and told at once', async () => {
  const server = new Server()
  const outcomes = Promise.allSettled([0, 1].map((shard) => server.group.commit(batchOf(shard, 1))))
  const together = await server.next()
  together.answer(fault('SHARD_FENCED', { shard: 1 }))
  const [one, other] = [await server.next(), await server.next()]
  expect([one.shards, other.shards]).toEqual([[0], [1]])
  one.answer()
  other.answer(fault('SHARD_FENCED', { shard: 1 }))
  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
})
