// Whoever waits until the rows of flows are read hears of it, also when nothing is read any more; and what has come for a flow meanwhile is
// part of it before anything is done with it.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate } from '../../test/support/applications.ts'
import { choreography, event, seq } from '../index.ts'
import { FlowReads } from './flow-reads.ts'
import { flowOf, followedOf } from './followed.ts'
import type { ShardContext } from './shard-context.ts'

const Sent = event('sent', z.object({ id: z.string() }), { key: 'id' })
const followed = followedOf(choreography('letters', { key: 'id' }, seq(Sent.as('done'))))

test('a monitor that stops with flows that are still to be read: whoever waits for them goes on', async () => {
  const answered = gate<readonly []>()
  const store = { flowsOf: () => answered.promise }
  const context = { store, shard: 0, ns: 'default', clock: { after: () => () => {} } }
  const reads = new FlowReads(
    context as unknown as ShardContext,
    () => {},
    () => {},
  )
  reads.ask(flowOf(followed, 'id:1', null))
  const waits = [reads.settled()]
  // This one would have been read next.
  reads.ask(flowOf(followed, 'id:2', null))
  waits.push(reads.settled())
  reads.ask(flowOf(followed, 'id:3', null))
  reads.stop()
  answered.open([])
  expect(await Promise.all(waits)).toHaveLength(2)
  await reads.settled()
})

test('what has come for a flow while its row was read is taken before anything is done with it: that may write how far all are', async () => {
  const store = { flowsOf: () => Promise.resolve([null]) }
  const context = { store, shard: 0, ns: 'default', clock: { after: () => () => {} } }
  const done: string[] = []
  const reads = new FlowReads(
    context as unknown as ShardContext,
    (_, { id }) => done.push(id),
    () => {},
  )
  const flow = flowOf(followed, 'id:1', null)
  reads.ask(flow).push(() => done.push(`something, and ${reads.firstOf(followed) ?? 'nothing'} waits`))
  for (const [index, id] of ['a', 'b'].entries())
    reads.ask(flow).push({ type: 'sent', pos: 7 + index, at: 0, source: 'test', id, root: '' })
  expect(reads.firstOf(followed)).toBe(7)
  await reads.settled()
  expect(done).toEqual(['a', 'b', 'something, and nothing waits'])
})

test('whoever waits for what was asked for by now is not held up by what is asked for meanwhile', async () => {
  let number = 1
  // As under load: something is always asked for while something is read.
  const store = {
    flowsOf: (_shard: number, _ns: string, _name: string, keys: readonly string[]) => {
      reads.ask(flowOf(followed, `id:${++number}`, null))
      return Promise.resolve(keys.map(() => null))
    },
  }
  const context = { store, shard: 0, ns: 'default', clock: { after: () => () => {} } }
  const reads: FlowReads = new FlowReads(
    context as unknown as ShardContext,
    () => {},
    () => {},
  )
  const first = flowOf(followed, 'id:1', null)
  reads.ask(first)
  await reads.settled()
  expect([first.isRead, number]).toEqual([true, 2])
})
