// Timers of a run that continues: each generation names them alike, and none takes away what the next one set.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { ballet, memory, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const Go = signal('go', z.null())

test('a timer that is set again by the next generation, in the same moment, stands in the store', async () => {
  const data = new MemoryData()
  const now = Date.now()
  const flow = workflow('flow', { input: z.number(), output: z.null(), signals: [Go] }, async (run, generation) => {
    const sleep = run.sleep('1h')
    if (generation > 0) return sleep.then(() => null)
    await run.step('once', () => null)
    return run.continueAs(1)
  })
  const clock = { now: () => now, after: () => () => {} }
  const app = await openForTest(ballet({ services: [], workflows: [flow] }), { store: memory(data), clock })
  await app.start(flow(0), { id: 'f' })
  await until(app, null, async () => {
    const run = await app.run('f')
    return run?.generation === 1 && run.waits.length > 0
  })
  expect([...data.timers.values()]).toMatchObject([{ op: 'sleep#0', due: now + 3_600_000 }])
})

test('a timer of a generation that is over does not wake the sleep of that name in the next one, which began while it came', async () => {
  const clock = new SteppedClock()
  let isBroken = true
  const flow = workflow('flow', { input: z.number(), output: z.null(), signals: [Go] }, async (run, generation) => {
    if (generation > 1) for (;;) await run.receive(Go)
    if (generation === 1) return run.sleep('1h').then(() => null)
    await Promise.race([run.sleep('3s'), run.receive(Go)])
    if (isBroken) throw new Error('a bug')
    return run.continueAs(1)
  })
  // Its timer is due while it is brought back, and so comes while its turn waits to be made again, behind many others.
  let isDue = false
  const codec = {
    encode: (text: string) => text,
    decode: (payload: string | Uint8Array, { id }: { readonly id: string }) => {
      if (!isBroken && !isDue && id === 'one') {
        isDue = true
        setImmediate(() => {
          clock.pass(3000)
          crowd()
        })
      }
      return String(payload)
    },
  }
  const app = await openForTest(ballet({ services: [], workflows: [flow] }), { store: memory(), clock, codec })
  for (let other = 0; other < 20; other++) await app.start(flow(2), { id: `other-${other}` })
  await app.start(flow(0), { id: 'one' })
  await app.signal('one', Go(null))
  await until(app, null, async () => (await app.run('one'))?.status === 'stuck')
  isBroken = false
  const signals: Promise<unknown>[] = []
  const crowd = (): void => {
    for (let nth = 0; nth < 2000; nth++) signals.push(app.signal(`other-${nth % 20}`, Go(null)))
  }
  const retry = app.retry('one', { by: 'somebody', why: 'it is mended' })
  crowd()
  await Promise.all([...signals, retry])
  await until(app, null, async () => (await app.run('one'))?.generation === 1)
  for (let round = 0; round < 200; round++) await new Promise((resolve) => setImmediate(resolve))
  const run = await app.run('one')
  expect([isDue, run?.status, run?.waits.map(({ op }) => op)]).toEqual([true, 'running', ['sleep#0']])
})
