// What the renewal of flows that go on keeps in memory, however many there are.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { live } from '../../test/support/sweeps.ts'
import { takeEvent } from '../core/flow-account.ts'
import { choreography, event, seq } from '../index.ts'
import { flowKey, MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { FlowReads } from './flow-reads.ts'
import { renewFlows } from './flow-renewal.ts'
import { rowOf } from './flow-rows.ts'
import { flowOf, followedOf, isCrowded } from './followed.ts'
import type { ShardContext } from './shard-context.ts'

const body = z.object({ id: z.string() })
const [Sent, Read] = [event('sent', body, { key: 'id' }), event('read', body, { key: 'id' })]
const letters = choreography('letters', { key: 'id' }, seq(Sent, Read))
const FLOWS = 12_000

/** So many flows of an older Ballet, which did not say by which contract it followed them. */
async function world() {
  const data = new MemoryData()
  const first = { type: 'sent', pos: 1, at: 0, source: 'test', id: 'a', root: 'a' }
  const account = takeEvent(letters.flow, null, first)
  if (account === null) throw new Error('it has not begun')
  const knowledge = { producers: () => [], undoables: () => [] }
  const row = rowOf('default', { choreography: letters, key: '', account }, knowledge)
  for (let flow = 0; flow < FLOWS; flow++) {
    const one = { ...row, key: `id:${flow}` }
    data.flows.set(flowKey(one), one)
  }
  const store = memory(data)
  await store.open()
  const clock = new SteppedClock()
  const log = keptLog()
  const context = { store, shard: 0, ns: 'default', clock, log } as unknown as ShardContext
  const followed = followedOf(letters)
  followed.from = 1000
  return { context, clock, log, store, followed }
}

const nothing = (): void => {}
const isStopped = (): boolean => false

test('flows that say what they said are let go of, though nothing is written', async () => {
  const { context, followed } = await world()
  expect(await renewFlows(context, followed, new FlowReads(context, nothing, nothing), isStopped)).toBe(true)
  expect(isCrowded(followed)).toBe(false)
})

test('while those that are in memory cannot be written, on a full disk say, no more are read', async () => {
  const { context, clock, followed } = await world()
  const unwritten = Array.from({ length: 10_001 }, (_, flow) => ({
    ...flowOf(followed, `other:${flow}`, null),
    writes: 1,
  }))
  for (const flow of unwritten) followed.flows.set(flow.key, flow)
  const renewal = renewFlows(context, followed, new FlowReads(context, nothing, nothing), isStopped)
  await live(clock, 10)
  expect(followed.flows.size).toBe(unwritten.length)
  for (const flow of unwritten) flow.writes = 0
  await live(clock, 10)
  expect(await renewal).toBe(true)
  expect(isCrowded(followed)).toBe(false)
})

test('a store that closes with the shard is no failure, and nothing waits for it', async () => {
  const { context, log, store, followed } = await world()
  await store.close()
  expect(await renewFlows(context, followed, new FlowReads(context, nothing, nothing), () => true)).toBe(false)
  expect(log.lines).toEqual([])
})

test('it is over when those of before have been read, though others are asked for all the time', async () => {
  const { context, store, followed } = await world()
  let asked = 0
  const busy = guarded(store, 'flowsOf', (pass) => {
    const other = flowOf(followed, `busy:${++asked}`, null)
    followed.flows.set(other.key, other)
    reads.ask(other)
    return pass()
  })
  const reads: FlowReads = new FlowReads({ ...context, store: busy }, nothing, nothing)
  expect(await renewFlows({ ...context, store: busy }, followed, reads, isStopped)).toBe(true)
  expect(asked).toBeGreaterThan(1)
})
