// `until` as a user's test has it: behind it the clock may be moved, though the workflow had something to do before it waited.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { ballet, operation, service, signal, workflow } from '../index.ts'
import { HandClock } from './hand-clock.ts'
import { until } from './until.ts'

const Go = signal('go', z.null())
const desk = service('desk', { ask: operation({ input: z.null(), output: z.number(), run: () => 17 }) })
const flow = workflow(
  'flow',
  { input: z.null(), output: z.string(), state: z.number(), signals: [Go] },
  async (run) => {
    run.set(await run.call(desk.ask(null)))
    return (await run.receive(Go, { within: '2d' })) === null ? 'late' : 'gone'
  },
)

test('gives what was looked for, when it is there: then time may pass', async () => {
  const clock = new HandClock()
  const app = await openForTest(ballet({ services: [desk], workflows: [flow] }), { clock })
  const { id } = await app.start(flow(null))
  const wait = await until(app, async () => (await app.run(id))?.waits.find(({ kind }) => kind === 'receive'))
  expect(wait.for).toBe('go')
  clock.pass('2d')
  expect(await app.result(id)).toBe('late')
  // What holds already is seen without anything that is written.
  expect(await until(app, async () => (await app.run(id))?.state)).toBe(17)
})

test('looks again after a commit that came while it looked, and rejects with what the look does', async () => {
  const app = await openForTest(ballet({ services: [desk], workflows: [flow] }))
  await app.start(flow(null), { id: 'a' })
  let looks = 0
  const look = async (): Promise<boolean> => {
    looks += 1
    const run = await app.run('a')
    if (run?.ended == null && looks === 1) {
      await app.signal('a', Go(null))
      await app.result('a')
    }
    return looks > 1 && run?.status === 'completed'
  }
  expect(await until(app, look)).toBe(true)
  await expect(until(app, () => Promise.reject(new RangeError('no')))).rejects.toThrow('no')
})
