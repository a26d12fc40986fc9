// Whoever waits until the rows of flows are read hears of it, also when nothing is read any more.
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
