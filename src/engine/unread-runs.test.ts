// A run that cannot be read when the application is opened, and can be a while later.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded, inboxItem } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import { ballet, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { rounds } from '../testing/simulation/world.ts'

const Go = signal('go', z.string())
const limited = workflow('limited', { input: z.null(), output: z.string(), signals: [Go] }, async (run) => {
  return (await run.receive(Go, { within: '5s' }))?.data ?? 'too late'
})
const waiting = workflow(
  'waiting',
  { input: z.null(), output: z.string(), signals: [Go] },
  async (run) => (await run.receive(Go)).data,
)
const definition = ballet({ services: [], workflows: [limited, waiting] })

test('F5: open runs that cannot be read at the opening: they go on when they can be, with what came for them meanwhile', async () => {
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(limited(null), { id: 'limited' })
  await first.start(waiting(null), { id: 'waiting' })
  await first.close()
  let isUnread = true
  const read = async <T>(pass: () => Promise<T>): Promise<T> => {
    if (isUnread) throw fault('STORE_FAILED', { problem: 'the disk does not answer' })
    return pass()
  }
  const store = guarded(
    guarded(memory(data), 'run', (pass) => read(pass)),
    'runs',
    (pass) => read(pass),
  )
  const clock = new SteppedClock()
  const log = keptLog()
  const app = await openForTest(definition, { store, clock, log })
  expect(log.lines.filter((line) => line.includes('cannot be read, and is left alone'))).toHaveLength(2)
  data.post(0, [inboxItem('signal', 'waiting', { run: 'waiting', name: 'go', id: 's', data: 'on' })])
  clock.pass(20_000)
  await rounds(20)
  // A look that finds them as they were.
  clock.pass(15_000)
  await rounds(20)
  expect(log.lines.filter((line) => line.includes('can be read again'))).toEqual([])
  isUnread = false
  clock.pass(30_000)
  await rounds(20)
  clock.pass(2000)
  expect(await app.result('limited')).toBe('too late')
  expect(await app.result('waiting')).toBe('on')
  expect(log.lines.filter((line) => line.includes('can be read again'))).toHaveLength(2)
  expect(log.lines.filter((line) => line.includes('cannot be read, and is left alone'))).toHaveLength(2)
})
