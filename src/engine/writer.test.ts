// What a batch of one kind of rows alone comes to, and when a batch goes out.
import { expect, test } from 'vitest'
import { gate, keptLog } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import type { Clock } from '../core/clock.ts'
import type { Batch, Store } from '../core/store.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { NS } from '../testing/store-rows.ts'
import { systemClock } from './clock.ts'
import { Space } from './space.ts'
import { Writer } from './writer.ts'
import { Counts } from './counts.ts'

const onFailure = (error: unknown): never => {
  throw error
}

async function writerOver(
  store: Store,
  clock: Clock = systemClock,
  turns = { idle: true, size: 0 },
  counts = new Counts(),
) {
  await store.open()
  const tenure = await store.acquire(0, 'owner')
  const space = new Space({ store, clock, log: keptLog(), counts, onFailure })
  return new Writer(store, tenure, { space, onFailure, onCaughtUp: () => {}, turns, clock, counts })
}

test('timers and claims are waited for like every other row', async () => {
  const store = memory()
  const writer = await writerOver(store)
  writer.rows.timers.push({ due: 5, run: 1, op: 'nap' })
  await writer.barrier()
  expect(await store.timers(0, 0, 10, 10)).toHaveLength(1)
  writer.rows.claims.push({ ns: NS, space: 'run', id: 'a', num: 1, hash: '', until: null })
  await writer.barrier()
  expect(await store.claims(0, NS, 'run', ['a'])).toMatchObject([{ num: 1 }])
})

/**
 * A process whose turns take `turnMs` each, over a store that takes 0.3 ms for a commit and 0.005 for each row of it. Commits wait
 * while `hold` is called, until it is released.
 * @param others rows of other shards for each of this one, which the turns take their time for as well
 */
async function busyWriter(turnMs: number, others = 0) {
  let now = 0
  let busy = 0
  const sizes: number[] = []
  let held = Promise.resolve()
  const own = memory()
  const store = guarded(own, 'commit', async (pass, batch: Batch) => {
    sizes.push(batch.timers.length)
    await held
    now += 0.3 + batch.timers.length * 0.005
    return pass()
  })
  const turns = { idle: false, size: 0 }
  const clock: Clock = { ...systemClock, elapsed: () => now, busy: () => busy }
  const counts = new Counts()
  const writer = await writerOver(store, clock, turns, counts)
  let due = 0
  const turn = (): void => {
    turns.size -= 1
    busy += turnMs
    writer.rows.timers.push({ due: ++due, run: 1, op: 'nap' })
    writer.turnEnded()
  }
  const make = (count: number): void => {
    for (let made = 0; made < count; made++) turn()
  }
  let seen = 0
  // Until it knows how long both take.
  for (let round = 0; round < 200; round++) {
    turns.size = 20 + (round % 2) * 40
    turns.idle = true
    for (let left = turns.size; left > 0; left--) {
      turns.size -= 1
      busy += turnMs
      writer.rows.timers.push({ due: ++due, run: 1, op: 'nap' })
    }
    counts.rows += due * others - seen
    seen = due * others
    await writer.barrier()
  }
  turns.idle = false
  sizes.length = 0
  return {
    writer,
    turns,
    sizes,
    make,
    hold: () => {
      const door = gate()
      held = door.promise
      return door
    },
  }
}

test('half of the turns goes out while the other half is made, where they take longer than a commit costs', async () => {
  const { turns, sizes, make, writer, hold } = await busyWriter(0.01)
  turns.size = 64
  const first = hold()
  make(31)
  expect(sizes).toEqual([])
  make(1)
  expect(sizes).toEqual([32])
  // The other half goes out behind it, as soon as it is there, and waits in the store.
  make(31)
  expect(sizes).toEqual([32])
  make(1)
  expect(sizes).toEqual([32, 32])
  first.open()
  turns.idle = true
  await writer.barrier()
})

test('turns that take less than a commit costs go out together, when there is none left', async () => {
  const { turns, sizes, make, writer } = await busyWriter(0.003)
  turns.size = 64
  make(64)
  expect(sizes).toEqual([])
  turns.idle = true
  await writer.barrier()
  expect(sizes).toEqual([64])
})

test('the time of the event loop is shared with the rows of other shards', async () => {
  const { turns, sizes, make, writer } = await busyWriter(0.01, 4)
  turns.size = 64
  make(64)
  expect(sizes).toEqual([])
  turns.idle = true
  await writer.barrier()
})

test('a batch that is full goes out at the end of a turn, however many are left', async () => {
  const { turns, sizes, make, writer } = await busyWriter(0.01)
  turns.size = 10_000
  make(511)
  expect(sizes).toEqual([])
  make(1)
  writer.seal()
  expect(sizes).toEqual([])
  make(1)
  expect(sizes).toEqual([512])
  turns.idle = true
  await writer.barrier()
})
