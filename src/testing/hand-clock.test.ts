// The clock that a test moves, as its users have it: over the real engine, in memory and on a file, and by itself.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { ballet, signal, workflow } from '../index.ts'
import { HandClock } from './hand-clock.ts'

const Answer = signal('answer', z.string())
const ask = workflow(
  'ask',
  { input: z.string(), output: z.array(z.string()), signals: [Answer] },
  async (run, within) => {
    const began = run.now()
    const answer = await run.receive(Answer, { within: within as '2d' })
    return [began.toISOString(), run.now().toISOString(), answer?.data ?? 'nobody']
  },
)
const definition = ballet({ services: [], workflows: [ask] })

test('days pass at one go, and not before they are let', async () => {
  const clock = new HandClock()
  const app = await openForTest(definition, { clock })
  const { id } = await app.start(ask('2d'))
  clock.pass('47.9h')
  expect(await app.run(id)).toMatchObject({ status: 'running', waits: [{ until: '2030-01-03T00:00:00.000Z' }] })
  clock.pass('0.1h')
  expect(await app.result(id)).toEqual(['2030-01-01T00:00:00.000Z', '2030-01-03T00:00:00.000Z', 'nobody'])
})

test('time passes while nothing is open', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hand-clock-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const store = `file:${join(folder, 'a.db')}`
  const clock = new HandClock(new Date('2026-02-28T12:00:00Z'))
  const first = await openForTest(definition, { store, clock })
  const { id } = await first.start(ask('1d'))
  await first.close()
  clock.pass('36h')
  const second = await openForTest(definition, { store, clock })
  expect(await second.result(id)).toEqual(['2026-02-28T12:00:00.000Z', '2026-03-02T00:00:00.000Z', 'nobody'])
})

test('what is due is called once, the earliest first; what was called off is not', () => {
  const clock = new HandClock(0)
  const called: string[] = []
  const call = (name: string) => (): void => void called.push(`${name} at ${clock.now()}`)
  clock.after(300, call('c'))
  clock.after(100, call('a'))
  const off = clock.after(150, call('off'))
  clock.after(200, call('b'))
  off()
  clock.pass('250ms')
  clock.pass('0ms')
  expect(called).toEqual(['a at 250', 'b at 250'])
  clock.pass('1s')
  expect(called.slice(2)).toEqual(['c at 1250'])
  expect(() => clock.pass('2 days' as '2d')).toThrow('HandClock.pass "2 days" is not a duration')
})
