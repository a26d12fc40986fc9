// Flows of a choreography that has left the code: they stand where they stood for as long as runs are kept, in case it comes back,
// and are then forgotten with their deadlines and their events.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live, sweep } from '../../test/support/sweeps.ts'
import { ballet, choreography, event, seq } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Trip = z.object({ tripId: z.string() })
const Begun = event('trip.begun', Trip, { key: 'tripId' })
const Ended = event('trip.ended', Trip, { key: 'tripId' })
/** Of no choreography. */
const Seen = event('trip.seen', Trip, { key: 'tripId' })
const trip = choreography('trip', { key: 'tripId' }, seq(Begun, Ended.within('30d')))
const retention = { runs: '100s' } as const

function setUp(namespace: string) {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const openWith = (...choreographies: readonly (typeof trip)[]) => {
    const definition = ballet({ services: [], choreographies, events: [Begun, Ended, Seen] })
    return openForTest(definition, { store: memory(data), clock, retention, namespace })
  }
  const kept = () => [data.flows.size, data.timers.size, data.events.length]
  return { clock, openWith, kept }
}

test.each(['default', 'tenant'])('they go when it has not been there for so long, in the namespace %s', async (ns) => {
  const { clock, openWith, kept } = setUp(ns)
  const first = await openWith(trip)
  await first.publish(Begun({ tripId: 'a' }))
  await first.publish(Begun({ tripId: 'b' }))
  await first.publish(Ended({ tripId: 'b' }))
  expect(await first.flow('trip', 'b')).toMatchObject({ state: 'complete' })
  await live(clock, 60)
  // By this a sweep knows what time it is at least.
  await first.publish(Begun({ tripId: 'c' }))
  await first.close()
  expect(kept()).toEqual([4, 2, 4])
  const without = await openWith()
  await live(clock, 50)
  await sweep(clock)
  // What waits for nothing goes as ever.
  expect(kept()).toEqual([3, 2, 2])
  await live(clock, 60)
  await sweep(clock)
  expect(kept()).toEqual([0, 0, 0])
  await without.close()
})

test('they stand as they stood when it comes back before that, and from then on count as if it had always been there', async () => {
  const { clock, openWith, kept } = setUp('default')
  const first = await openWith(trip)
  await first.publish(Begun({ tripId: 'a' }))
  await live(clock, 110)
  await first.close()
  for (let round = 0; round < 3; round++) {
    const without = await openWith()
    await live(clock, 40)
    await sweep(clock)
    await without.close()
    const back = await openWith(trip)
    await live(clock, 20)
    await sweep(clock)
    expect(await back.flow('trip', 'a')).toMatchObject({ state: 'on track' })
    // By this the next sweep knows what time it is at least.
    await back.publish(Seen({ tripId: String(round) }))
    await back.close()
  }
  expect(kept().slice(0, 2)).toEqual([2, 1])
})
