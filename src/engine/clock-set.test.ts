// The clock of the machine is set, back above all, and what does not wait for a time of day goes on: it waits for time that passes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import type { Clock } from '../core/clock.ts'
import { ballet, choreography, event, operation, seq, service, sqlite, workflow } from '../index.ts'
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
