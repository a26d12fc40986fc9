// A release that is taken back with work of it under way: nothing of that is lost, and it goes on when the release is there again.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { ballet, open, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Go = signal('go', z.string())
const output = z.string()
const waits = workflow('waits', { input: z.null(), output, signals: [Go] }, async (run) => (await run.receive(Go)).data)
/** As the release before had it. */
const sleeps = workflow('waits', { input: z.null(), output }, async (run) => (await run.sleep('1h'), 'slept'))
const sends = workflow('sends', { input: z.null(), output }, async (run) => {
  const child = run.start(waits(null), { id: 'child' })
  await run.sleep('1ms')
  child.signal(Go('gone'))
  return child.result()
})
const newer = ballet({ services: [], workflows: [sends, waits] })

test.each([
  ['does not have its workflow', ballet({ services: [], workflows: [] })],
  ['has its workflow without that signal', ballet({ services: [], workflows: [sleeps] })],
])(
  'a signal of a run to a run that another release has to take, which %s, is there when that is back',
  async (_, older) => {
    const data = await diedWithSignal()
    const log = keptLog()
    const before = await openForTest(older, { store: memory(data), log })
    await until(before, null, async () => data.inbox.size === 0)
    expect(log.lines.filter((line) => line.includes('was not taken'))).toEqual([])
    await before.close()
    const back = await openForTest(newer, { store: memory(data) })
    expect(await back.result('parent')).toBe('gone')
  },
)

/** What is left by a process that died behind the commit by which the parent says the signal. */
async function diedWithSignal(): Promise<MemoryData> {
  const data = new MemoryData()
  const death = Promise.withResolvers<void>()
  const store = guarded(memory(data), 'commit', async (pass) => {
    const done = await pass()
    if (data.inbox.size === 0) return done
    death.resolve()
    // A dead process hears of nothing any more.
    return new Promise<never>(() => {})
  })
  const app = await open(newer, { store, log: keptLog(), graceMs: 0 })
  await app.start(sends(null), { id: 'parent' })
  await death.promise
  return data
}

test('whoever signals a run of a workflow that is not there is told that, and not that the run takes no such signal', async () => {
  const data = new MemoryData()
  const first = await openForTest(newer, { store: memory(data) })
  await first.start(waits(null), { id: 'w' })
  await first.close()
  const before = await openForTest(ballet({ services: [], workflows: [] }), { store: memory(data) })
  await expect(before.signal('w', Go('on'))).rejects.toMatchObject({
    code: 'CODE_MISSING',
    message: 'The run "w" needs waits, which this application does not have.',
  })
})
