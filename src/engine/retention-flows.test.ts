// What a retention leaves of the flows of choreographies: as long as one stands, its events tell how it came to that.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live, sweep } from '../../test/support/sweeps.ts'
import { ballet, choreography, event, many, optional, seq, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Trip = z.object({ tripId: z.string() })
const byTrip = { key: 'tripId' } as const
const Begun = event('trip.begun', Trip, byTrip)
const Seen = event('trip.seen', Trip, byTrip)
const Ended = event('trip.ended', Trip, byTrip)
const Rated = event('trip.rated', Trip, byTrip)

const trip = choreography('trip', byTrip, seq(Begun, many(Seen), Ended, optional(Rated)))
const definition = ballet({ services: [], choreographies: [trip], events: [Begun, Seen, Ended, Rated] })
const retention = { runs: '100s' } as const

const typesOf = async (app: Application, value: string): Promise<readonly string[]> =>
  (await app.events({ key: `tripId:${value}` })).items.map(({ type }) => type)

test.each([
  ['may end', [Begun, Ended]],
  ['broken', [Begun, Rated]],
  ['complete', [Begun, Ended, Rated]],
] as const)('a flow that is there has all of its events, and they go with it: %s', async (state, made) => {
  const clock = new SteppedClock()
  const app = await openForTest(definition, { store: memory(new MemoryData()), clock, retention })
  const tripId = 'a'
  for (const make of made.slice(0, -1)) await app.publish(make({ tripId }))
  await live(clock, 60)
  await app.publish((made.at(-1) ?? Ended)({ tripId }))
  // The first is older than runs may be, the last is not.
  await live(clock, 60)
  await sweep(clock)
  expect(await app.flow('trip', tripId)).toMatchObject({ state })
  expect(await typesOf(app, tripId)).toEqual(made.map(({ type }) => type))
  await live(clock, 50)
  await sweep(clock)
  expect(await app.flow('trip', tripId)).toBeNull()
  expect(await typesOf(app, tripId)).toEqual([])
})

test('what holds the events of a key is asked once for many of them', async () => {
  const clock = new SteppedClock()
  const store = memory(new MemoryData())
  const asked: string[] = []
  const real = store.flowsOf.bind(store)
  store.flowsOf = (shard, ns, name, keys) => {
    asked.push(...keys)
    return real(shard, ns, name, keys)
  }
  const app = await openForTest(definition, { store, clock, retention })
  const tripId = 'a'
  await app.publish(Begun({ tripId }))
  for (let number = 0; number < 300; number++) await app.publish(Seen({ tripId }))
  await live(clock, 110)
  asked.length = 0
  await sweep(clock)
  expect(await app.flow('trip', tripId)).toMatchObject({ state: 'on track' })
  const own = asked.filter((key) => key === 'tripId:a').length
  expect([own > 0, own < 30]).toEqual([true, true])
})

test('a flow of a changed choreography takes no events of one before it that was forgotten, also where a run holds them', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const Back = signal('back', z.null())
  const rest = workflow('rest', { input: Trip, output: z.null(), ...byTrip, signals: [Back] }, async (run) => {
    await run.receive(Back)
    return null
  })
  const openWith = (...ends: readonly [typeof Ended] | readonly [typeof Ended, typeof Rated]) => {
    const one = choreography('trip', byTrip, seq(Begun, ...ends))
    const events = [Begun, Seen, Ended, Rated]
    const changed = ballet({ services: [], workflows: [rest], choreographies: [one], events })
    return openForTest(changed, { store: memory(data), clock, retention })
  }
  const first = await openWith(Ended)
  const tripId = 'a'
  await first.start(rest({ tripId }))
  for (const make of [Begun, Ended]) await first.publish(make({ tripId }))
  expect(await first.flow('trip', tripId)).toMatchObject({ state: 'complete' })
  await live(clock, 110)
  await sweep(clock)
  expect(await first.flow('trip', tripId)).toBeNull()
  expect(await typesOf(first, tripId)).toEqual(['trip.begun', 'trip.ended'])
  await first.publish(Begun({ tripId }))
  expect(await first.flow('trip', tripId)).toMatchObject({ state: 'on track' })
  await first.close()
  const app = await openWith(Ended, Rated)
  await app.publish(Ended({ tripId }))
  expect(await app.flow('trip', tripId)).toMatchObject({ state: 'on track', breaks: 0 })
})

test('flows that are young are not walked through by every sweep, and those that are old are found by their events', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const store = memory(data)
  let walked = 0
  const real = store.flows.bind(store)
  store.flows = async (shard, query) => {
    const flows = await real(shard, query)
    walked += flows.length
    return flows
  }
  const app = await openForTest(definition, { store, clock, retention })
  await sweep(clock)
  const trips = async (from: string): Promise<void> => {
    for (let number = 0; number < 200; number++) {
      const tripId = `${from}${number}`
      for (const make of [Begun, Ended, Rated]) await app.publish(make({ tripId }))
    }
    await live(clock, 1)
  }
  await trips('a')
  await live(clock, 60)
  await trips('b')
  expect([data.flows.size, walked]).toEqual([401, 0])
  await live(clock, 60)
  await sweep(clock)
  expect(await app.flow('trip', 'a0')).toBeNull()
  expect(await app.flow('trip', 'b0')).toMatchObject({ state: 'complete' })
  expect([data.flows.size, data.events.length, walked]).toEqual([201, 600, 0])
})
