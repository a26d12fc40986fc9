// The line of a service that fetches its calls: no call begins without room for it, and that nobody comes is said once.
import { expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import type { KeptRoom, Room } from '../core/transport.ts'
import { CallLimits, type CallPlace } from './call-limits.ts'
import { StopSignal } from './stop-signal.ts'

/** Room as a desk has it, which a test gives. */
class GivenRoom implements Room {
  given = 0
  kept = 0
  unaskedSince: number | null = 0
  readonly #tells = new Set<() => void>()

  get free(): number {
    return this.given - this.kept
  }

  reserve(): KeptRoom {
    this.kept += 1
    return { begins: () => {}, over: () => void (this.kept -= 1) }
  }

  whenFree(tell: () => void): () => void {
    this.#tells.add(tell)
    return () => this.#tells.delete(tell)
  }

  give(more: number): void {
    this.given += more
    const tells = [...this.#tells]
    this.#tells.clear()
    for (const tell of tells) tell()
  }

  get listeners(): number {
    return this.#tells.size
  }
}

function setUp() {
  const clock = new SteppedClock(0)
  const log = keptLog()
  const limits = new CallLimits(clock, log)
  const room = new GivenRoom()
  const limit = { name: 'bank', atOnce: null, rate: null, per: null, words: 'fetched by the service', room }
  const begun: number[] = []
  const call = (index: number, isUndo = false): CallPlace => {
    const place = limits.place({
      bounds: [{ limit, value: '' }],
      isUndo,
      age: limits.age(),
      given: () => {
        begun.push(index)
        place.begun(new StopSignal())
      },
    })
    place.enter()
    return place
  }
  return { clock, log, limits, room, call, begun }
}

test('calls begin as there is room, undos first, and whoever gives up leaves nothing behind', () => {
  const { room, call, begun, limits } = setUp()
  const places = [call(0), call(1), call(2), call(3, true)]
  expect(begun).toEqual([])
  expect(limits.counts).toEqual([{ name: 'bank (fetched)', waiting: 4, running: 0 }])
  expect(places[0]?.view).toEqual({
    at: 'bank',
    limit: 'fetched by the service',
    before: 1,
    fetched: { running: 0, unasked: '1970-01-01T00:00:00.000Z' },
  })
  places[0]?.leave()
  room.give(2)
  expect(begun).toEqual([3, 1])
  expect(room.free).toBe(0)
  for (const place of places) place.leave()
  expect([room.kept, room.listeners]).toEqual([0, 0])
  expect(limits.counts).toEqual([{ name: 'bank (fetched)', waiting: 0, running: 0 }])
})

test('that nobody asks is said after half a minute, once, and that somebody does again', () => {
  const { clock, log, room, call } = setUp()
  const first = call(0)
  clock.pass(29_999)
  expect(log.lines).toEqual([])
  clock.pass(1)
  call(1)
  clock.pass(60_000)
  expect(log.lines).toEqual([
    'warn Calls wait at bank, and nobody has asked for its work since 1970-01-01T00:00:00.000Z',
  ])
  room.unaskedSince = null
  room.give(2)
  expect(log.lines.slice(1)).toEqual(['info The work of bank is fetched again'])
  first.leave()
})

test('whoever has waited and is fetched is not looked for any more', () => {
  const { clock, log, room, call } = setUp()
  room.unaskedSince = null
  const calls = [call(0), call(1)]
  room.give(1)
  room.give(1)
  for (const one of calls) one.leave()
  room.unaskedSince = 0
  clock.pass(120_000)
  expect([log.lines, room.listeners]).toEqual([[], 0])
})

test('nothing is said while somebody asks and has no room', () => {
  const { clock, log, room, call } = setUp()
  room.unaskedSince = null
  call(0)
  clock.pass(60_000)
  expect(log.lines).toEqual([])
  room.unaskedSince = 60_000
  clock.pass(30_000)
  expect(log.lines).toHaveLength(1)
})
