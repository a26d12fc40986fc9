// What a batch of one kind of rows alone comes to.
import { expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { NS } from '../testing/store-rows.ts'
import { systemClock as clock } from './clock.ts'
import { Space } from './space.ts'
import { Writer } from './writer.ts'
import { Counts } from './counts.ts'

test('timers and claims are waited for like every other row', async () => {
  const store = memory()
  await store.open()
  const tenure = await store.acquire(0, 'owner')
  const onFailure = (): void => {}
  const counts = new Counts()
  const space = new Space({ store, clock, log: keptLog(), counts, onFailure })
  const writer = new Writer(store, tenure, {
    space,
    onFailure,
    onCaughtUp: () => {},
    isQuiet: () => true,
    clock,
    counts,
  })
  writer.rows.timers.push({ due: 5, run: 1, op: 'nap' })
  await writer.barrier()
  expect(await store.timers(0, 0, 10, 10)).toHaveLength(1)
  writer.rows.claims.push({ ns: NS, space: 'run', id: 'a', num: 1, hash: '', until: null })
  await writer.barrier()
  expect(await store.claims(0, NS, 'run', ['a'])).toMatchObject([{ num: 1 }])
})
