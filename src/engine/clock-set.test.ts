// The clock of the machine is set, back above all, and what does not wait for a time of day goes on: it waits for time that passes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import type { Clock } from '../core/clock.ts'
import {
  ballet,
  choreography,
  event,
  operation,
  seq,
  service,
  signal,
  sqlite,
  workflow,
  type Application,
} from '../index.ts'
import { systemClock } from './clock.ts'

const DAY_MS = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'ballet-set-back-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The clock of the machine, which somebody sets. */
function setClock(): Clock & { offsetMs: number } {
  const clock = { ...systemClock, offsetMs: 0, now: () => systemClock.now() + clock.offsetMs }
  return clock
}

test('an attempt that is due after a restart waits no longer than its policy ever lets it', async () => {
  const clock = setClock()
  let attempts = 0
  const failed = Promise.withResolvers<void>()
  const psp = service('psp', {
    charge: operation({
      input: z.null(),
      output: z.string(),
      retry: { backoff: '100ms' },
      run: () => {
        if (++attempts > 1) return 'paid'
        failed.resolve()
        throw new Error('flaky')
      },
    }),
  })
  const definition = ballet({ services: [psp], workflows: [] })
  const file = join(folder, 'retry.db')
  const first = await openForTest(definition, { store: sqlite({ file }), clock, graceMs: 0 })
  await first.start(psp.charge(null), { id: 'one' })
  await failed.promise
  await first.close()
  expect(attempts).toBe(1)
  clock.offsetMs = -DAY_MS
  const later = await openForTest(definition, { store: sqlite({ file }), clock })
  expect(await later.result('one')).toBe('paid')
})

test.each([
  ['back', -DAY_MS],
  ['forward', DAY_MS],
])('set %s: what may be under way from an earlier process is taken back when its time is over', async (way, by) => {
  const clock = setClock()
  const begun = Promise.withResolvers<void>()
  const undone = Promise.withResolvers<string>()
  const psp = service('psp', {
    charge: operation({
      input: z.null(),
      timeout: '1s',
      run: () => new Promise<void>(() => begun.resolve()),
    }),
    refund: operation({ input: z.null(), undoes: 'charge', run: () => undone.resolve('taken back') }),
  })
  const buy = workflow('buy', { input: z.null(), output: z.json() }, async (run) => {
    await run.call(psp.charge(null), { undo: psp.refund(null) })
    return null
  })
  const definition = ballet({ services: [psp], workflows: [buy] })
  const file = join(folder, `linger-${way}.db`)
  const first = await openForTest(definition, { store: sqlite({ file }), clock, graceMs: 0 })
  await first.start(buy(null), { id: 'one' })
  await begun.promise
  await first.close()
  const from = performance.now()
  const later = await openForTest(definition, { store: sqlite({ file }), clock })
  clock.offsetMs = by
  await later.cancel('one', { by: 'me' })
  expect(await undone.promise).toBe('taken back')
  expect(performance.now() - from).toBeGreaterThanOrEqual(1000)
})

test('flows that go on are written', async () => {
  const clock = setClock()
  const Order = z.object({ orderId: z.string() })
  const Placed = event('placed', Order, { key: 'orderId' })
  const Sent = event('sent', Order, { key: 'orderId' })
  const flow = choreography('flow', { key: 'orderId' }, seq(Placed, Sent))
  const definition = ballet({ services: [], events: [Placed, Sent], choreographies: [flow] })
  const store = sqlite({ file: join(folder, 'flows.db') })
  const app = await openForTest(definition, { store, clock })
  await app.publish(Placed({ orderId: 'before' }))
  clock.offsetMs = -DAY_MS
  await app.publish(Placed({ orderId: 'after' }))
  const written = async (): Promise<readonly string[]> =>
    (await store.flows(0, { ns: 'default', name: 'flow', limit: 10 })).map(({ key }) => key)
  while ((await written()).length < 2);
  expect(await written()).toEqual(['orderId:after', 'orderId:before'])
})

test('a clock that was a day ahead for a moment: what begins to wait afterwards waits for as long as it says, also over a restart', async () => {
  const clock = setClock()
  const Go = signal('go', z.null())
  const idle = workflow('idle', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
    await run.receive(Go)
    return null
  })
  const nap = workflow('nap', { input: z.null(), output: z.number(), signals: [Go] }, async (run) => {
    const from = run.now().getTime()
    await run.sleep('300ms')
    await run.receive(Go, { within: '300ms' })
    return run.now().getTime() - from
  })
  const definition = ballet({ services: [], workflows: [idle, nap] })
  const file = join(folder, 'ahead.db')
  const first = await openForTest(definition, { store: sqlite({ file }), clock })
  clock.offsetMs = DAY_MS
  await first.start(idle(null), { id: 'open' })
  clock.offsetMs = 0
  const passed = async (app: Application, id: string, from: number): Promise<void> => {
    expect(await app.result(id)).toBeGreaterThanOrEqual(600)
    expect(performance.now() - from).toBeGreaterThanOrEqual(600)
  }
  let from = performance.now()
  await first.start(nap(null), { id: 'afterwards' })
  await passed(first, 'afterwards', from)
  await first.start(nap(null), { id: 'over-a-restart' })
  await first.close()
  from = performance.now()
  const later = await openForTest(definition, { store: sqlite({ file }), clock })
  await passed(later, 'over-a-restart', from)
  from = performance.now()
  await later.start(nap(null), { id: 'after-a-restart' })
  await passed(later, 'after-a-restart', from)
})

test('a clock that is a day behind for a moment: what begins to wait meanwhile is not over early', async () => {
  const clock = setClock()
  let early = 0
  const quick = workflow('quick', { input: z.null(), output: z.null() }, async () => null)
  const nap = workflow('nap', { input: z.null(), output: z.null() }, async (run) => {
    const from = performance.now()
    await run.sleep('500ms')
    if (performance.now() - from < 500) early += 1
    return null
  })
  const definition = ballet({ services: [], workflows: [quick, nap] })
  const app = await openForTest(definition, { store: sqlite({ file: join(folder, 'behind.db') }), clock })
  await app.start(quick(null), { id: 'right' })
  clock.offsetMs = -DAY_MS
  await app.start(nap(null), { id: 'nap' })
  clock.offsetMs = 0
  await app.result('nap')
  expect(early).toBe(0)
})
