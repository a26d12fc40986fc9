// What an application does when more is asked of it than it can do: starts and events are refused before anything of them
// is kept, and everything that helps what was taken on to end goes through.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { guarded, inboxItem } from '../../test/support/stores.ts'
import type { Clock, Random } from '../core/clock.ts'
import { fault, isBalletError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { LIMITS } from '../define/limits.ts'
import { ballet, event, memory, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { Admission, type AdmissionOptions } from './admission.ts'
import { systemClock } from './clock.ts'
import { Counts } from './counts.ts'

const output = z.json()
const Go = signal('go', z.number())
const Fact = event('a.fact', z.object({ id: z.string() }), { key: 'id' })
const waiter = workflow(
  'waiter',
  { input: z.null(), output, signals: [Go] },
  async (run) => (await run.receive(Go)).data,
)
const other = workflow('other', { input: z.null(), output }, async () => 'done')
const desk = service('desk', { note: operation({ input: z.string(), output: z.null(), run: () => null }) })
desk.on(Fact, ({ id }) => desk.note(id))
const definition = ballet({ services: [desk], workflows: [waiter, other], events: [Fact] })

const random: Random = { seed: () => 0, uuid: () => 'x' }
const arrival = { workflow: 'flow', runs: 1 }

function admissionOf(part: Partial<AdmissionOptions> & { readonly queueMs?: number }): Admission {
  const limits = { ...LIMITS, queueMs: 1000, commitMs: 5000, openRuns: 10, arrivals: 3 }
  const idle = { turnWaitMs: () => 0, commitWaitMs: () => 0, openRuns: () => 0, checkSpace: () => {} }
  return new Admission({ limits, random, counts: new Counts(), ...idle, ...part })
}

/** Resolves to the codes of what was refused, in order; `taken` for what was not. */
async function codes(work: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(work)
  return settled.map((one) =>
    one.status === 'fulfilled' ? 'taken' : isBalletError(one.reason) ? one.reason.code : String(one.reason),
  )
}

/** A clock that a test sets forward. */
function movedClock(): Clock & { aheadMs: number } {
  const clock = {
    aheadMs: 0,
    now: () => systemClock.now() + clock.aheadMs,
    after: (delayMs: number, callback: () => void) => systemClock.after(delayMs, callback),
  }
  return clock
}

/** A store whose commits wait while `hold` is set. */
function withHeldCommits(store: Store): { readonly store: Store; hold: Promise<void> | null } {
  const held: { store: Store; hold: Promise<void> | null } = { store, hold: null }
  held.store = guarded(store, 'commit', async (pass) => {
    await held.hold
    return pass()
  })
  return held
}

test('what waits too long keeps others out until it waits half as long', () => {
  let waitMs = 1000
  const admission = admissionOf({ turnWaitMs: (name) => (name === 'flow' ? waitMs : 0) })
  const refused = (): boolean => admission.refusal(arrival) !== null
  const seen = [1000, 1001, 600, 501, 500, 900, 1001].map((ms) => ((waitMs = ms), refused()))
  expect(seen).toEqual([false, true, true, true, false, false, true])
  expect(admission.refusal({ workflow: 'calm', runs: 1 })).toBeNull()
})

test('what waits because the disk is full is told so, and nothing else is', () => {
  let commitMs = 0
  const full = fault('STORE_FULL', { problem: 'no space' })
  const admission = admissionOf({
    commitWaitMs: () => commitMs,
    checkSpace: () => {
      throw full
    },
  })
  // Whether there is space for it is asked when it is to be written.
  admission.enter(arrival).leave()
  commitMs = 60_000
  expect(() => admission.enter(arrival)).toThrow(full)
  const ample = admissionOf({ commitWaitMs: () => commitMs })
  expect(() => ample.enter(arrival)).toThrow(
    expect.objectContaining({ code: 'OVERLOADED', details: expect.objectContaining({ seconds: 30 }) }),
  )
})

test('a flood of one workflow keeps others out only when it waits four times as long', () => {
  let waitMs = 3999
  const admission = admissionOf({ turnWaitMs: (name) => (name === 'calm' ? 0 : waitMs) })
  const calm = (): boolean => admission.refusal({ workflow: 'calm', runs: 1 }) === null
  const fact = (): boolean => admission.refusal({ workflow: null, runs: 1 }) === null
  expect([admission.refusal(arrival) === null, calm(), fact()]).toEqual([false, true, true])
  waitMs = 4001
  expect([calm(), fact()]).toEqual([false, false])
})

test('a refusal says when to come back: as long as the wait will take, and not all at once', () => {
  const secondsOf = (waitMs: number, seed: number): unknown => {
    const draws = { ...random, seed: () => seed }
    const refusal = admissionOf({ commitWaitMs: () => waitMs, random: draws }).refusal(arrival)
    return isBalletError(refusal) ? refusal.details['seconds'] : null
  }
  expect([secondsOf(5001, 0), secondsOf(5001, 2 ** 32 - 1), secondsOf(12_000, 0)]).toEqual([3, 6, 10])
})

test('a burst is counted before the first of it is a turn, and a place is given back once', () => {
  const admission = admissionOf({})
  const places = [admission.enter(arrival), admission.enter(arrival), admission.enter(arrival)]
  expect(() => admission.enter(arrival)).toThrow(expect.objectContaining({ code: 'OVERLOADED', status: 429 }))
  places[0]?.leave()
  places[0]?.leave()
  admission.enter(arrival)
  expect(admission.refusal(arrival)).not.toBeNull()
})

test('runs that are about to be count as open, and an event as many as it will open', () => {
  let open = 7
  const admission = admissionOf({ openRuns: () => open })
  const place = admission.enter({ workflow: null, runs: 2 })
  expect(admission.refusal({ workflow: null, runs: 2 })).not.toBeNull()
  expect(admission.refusal(arrival)).toBeNull()
  open = 9
  place.born()
  expect(admission.refusal(arrival)).toBeNull()
  open = 10
  expect([admission.refusal(arrival) === null, admission.refusal({ workflow: null, runs: 0 })]).toEqual([false, null])
})

test('what would open more than may be open by itself comes in when nothing else is open', () => {
  let open = 1
  const admission = admissionOf({ openRuns: () => open })
  const many = { workflow: null, runs: 11 }
  expect(admission.refusal(many)).toMatchObject({ code: 'OVERLOADED' })
  open = 0
  expect(admission.refusal(many)).toBeNull()
  const place = admission.enter(many)
  expect(admission.refusal(many)).toMatchObject({ code: 'OVERLOADED' })
  place.leave()
})

test('F16: a burst of starts: no more runs than may be open are taken; one that is there is answered, one that ends makes room', async () => {
  const app = await openForTest(definition, { limits: { openRuns: 3 } })
  const burst = await codes(Array.from({ length: 10 }, (_, n) => app.start(waiter(null), { id: `w${n}` })))
  expect(burst).toEqual([...Array.from({ length: 3 }, () => 'taken'), ...Array.from({ length: 7 }, () => 'OVERLOADED')])
  expect(await app.start(waiter(null), { id: 'w0' })).toEqual({ id: 'w0', created: false })
  expect(await codes([app.publish(Fact({ id: 'a' })), app.start(desk.note('x'))])).toEqual(['OVERLOADED', 'OVERLOADED'])
  expect((await app.runs({ limit: 100 })).items).toHaveLength(3)
  expect((await app.events({ limit: 100 })).items).toHaveLength(0)
  await app.signal('w1', Go(1))
  expect(await app.result('w1')).toBe(1)
  expect(await codes([app.start(waiter(null), { id: 'w9' })])).toEqual(['taken'])
})

test('F16: a disk that hangs: starts and events are refused and leave nothing; signals and cancellations wait and count', async () => {
  const held = withHeldCommits(memory())
  const clock = movedClock()
  const app = await openForTest(definition, { store: held.store, clock })
  for (const id of ['signalled', 'cancelled']) await app.start(waiter(null), { id })
  const hold = gate()
  held.hold = hold.promise
  const early = app.start(waiter(null), { id: 'early' })
  const signalled = app.signal('signalled', Go(4))
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  clock.aheadMs = 6000
  const refused = await codes([
    app.start(waiter(null), { id: 'late' }),
    app.start(desk.note('late'), { id: 'note' }),
    app.publish(Fact({ id: 'late' }), { id: 'late' }),
  ])
  expect(refused).toEqual(['OVERLOADED', 'OVERLOADED', 'OVERLOADED'])
  const cancelled = app.cancel('cancelled', { why: 'tired of waiting' })
  const second = app.signal('cancelled', Go(5))
  held.hold = null
  hold.open()
  expect(await codes([early, signalled, cancelled, second])).not.toContain('OVERLOADED')
  expect(await app.result('signalled')).toBe(4)
  expect([await app.run('late'), await app.run('note'), (await app.events({ limit: 10 })).items]).toEqual([
    null,
    null,
    [],
  ])
  expect(await codes([app.start(waiter(null), { id: 'late' })])).toEqual(['taken'])
})

test('what waits for its acknowledgement is bounded, whatever holds it up', async () => {
  const hold = gate()
  let holds = false
  const store = guarded(memory(), 'claims', async (pass) => {
    if (holds) await hold.promise
    return pass()
  })
  const app = await openForTest(definition, { store, limits: { arrivals: 5 } })
  holds = true
  const burst = Array.from({ length: 20 }, (_, n) => app.start(other(null), { id: `o${n}` }))
  const settled = codes(burst)
  await new Promise((resolve) => setImmediate(resolve))
  hold.open()
  expect((await settled).filter((code) => code === 'taken')).toHaveLength(5)
  expect(await codes([app.start(other(null), { id: 'o19' })])).toEqual(['taken'])
})

test('what is refused within a transaction, under an id that was made, gives its place back', async () => {
  const spaceAgain = gate()
  let isFull = false
  const log = {
    ...keptLog(),
    info: (message: string) => void (message.includes('There is space again') && spaceAgain.open()),
  }
  const store = guarded(
    guarded(memory(), 'commit', (pass, batch) =>
      isFull && !batch.urgent ? Promise.reject(fault('STORE_FULL', { problem: 'the disk is full' })) : pass(),
    ),
    'hasRoom',
    (pass) => (isFull ? Promise.resolve(false) : pass()),
  )
  const app = await openForTest(definition, { store, log, limits: { arrivals: 2 } })
  const tx = {}
  const late = { tx, deadline: '2001-01-01T00:00:00Z' }
  for (let n = 0; n < 3; n++) await expect(app.start(other(null), late)).rejects.toMatchObject({ code: 'TIME_INVALID' })
  isFull = true
  await app.start(other(null))
  for (let n = 0; n < 3; n++)
    await expect(app.publish(Fact({ id: 'a' }), { tx })).rejects.toMatchObject({ code: 'STORE_FULL' })
  isFull = false
  await spaceAgain.promise
  expect(await app.publish(Fact({ id: 'a' }))).toMatchObject({ created: true })
  expect(await app.start(other(null))).toMatchObject({ created: true })
})

test('a start that another process left in the inbox was acknowledged, and is taken', async () => {
  const data = new MemoryData()
  const store = memory(data)
  const app = await openForTest(definition, { store, limits: { openRuns: 1 } })
  await app.start(waiter(null), { id: 'first' })
  await store.post(0, [inboxItem('start', 'posted', { call: 'other', id: 'posted', input: null })])
  expect(await codes([app.start(other(null), { id: 'by-hand' })])).toEqual(['OVERLOADED'])
  await until(app, null, async () => (await app.run('posted'))?.status === 'completed')
})

test('F16: turns of a workflow that wait too long: it is not started, another is', async () => {
  const clock = movedClock()
  const tried: { readonly early: Promise<string[]>; readonly late: Promise<string[]> }[] = []
  let app: Awaited<ReturnType<typeof openForTest>> | null = null
  const crowd = workflow('crowd', { input: z.number(), output }, async (_run, n) => {
    if (n > 0 || app === null) return n
    // The others are queued behind this turn. What it asks for here is none of its own affair.
    clock.aheadMs += 1500
    const early = codes([
      app.start(crowd(7), { id: 'more' }),
      app.start(other(null), { id: 'o1' }),
      app.publish(Fact({ id: 'f' })),
    ])
    clock.aheadMs += 4000
    const late = codes([app.start(other(null), { id: 'o2' }), app.publish(Fact({ id: 'g' }))])
    tried.push({ early, late })
    return n
  })
  app = await openForTest(ballet({ services: [desk], workflows: [crowd, other], events: [Fact] }), {
    clock,
    log: keptLog(),
  })
  await Promise.all(Array.from({ length: 300 }, (_, n) => app?.start(crowd(n), { id: `c${n}` })))
  expect(await app.result('c299')).toBe(299)
  expect(await tried[0]?.early).toEqual(['OVERLOADED', 'taken', 'taken'])
  expect(await tried[0]?.late).toEqual(['OVERLOADED', 'OVERLOADED'])
  expect(await codes([app.start(crowd(7), { id: 'more' })])).toEqual(['taken'])
  expect(await app.run('o2')).toBeNull()
})
