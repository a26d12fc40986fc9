// What comes for a run whose code cannot go on is given to it in the order in which it came, whatever was under way then.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { inboxItem } from '../../test/support/stores.ts'
import { ballet, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Add = signal('add', z.string())

/** A log that tells of an error in the moment in which the engine does: a turn has ended, and the next has not begun. */
function tellingLog() {
  const told = gate()
  return { told: told.promise, log: { ...keptLog(), error: () => told.open() } }
}

/** A run that lists what it is given, and throws at the first unless it is mended. */
function collecting(count: number, { isMended = false } = {}) {
  const flow = workflow('flow', { input: z.null(), output: z.array(z.string()), signals: [Add] }, async (run) => {
    const given: string[] = []
    while (given.length < count) {
      given.push((await run.receive(Add)).data)
      if (!isMended) throw new RangeError('a bug')
    }
    return given
  })
  return { flow, definition: ballet({ services: [], workflows: [flow] }) }
}

test('a turn that throws while others are queued: what comes meanwhile is kept behind those', async () => {
  const data = new MemoryData()
  const { flow, definition } = collecting(3)
  const { log, told } = tellingLog()
  const app = await openForTest(definition, { store: memory(data), log })
  await app.start(flow(null), { id: 'f' })
  const sent = ['first', 'second'].map((word) => app.signal('f', Add(word)))
  await told
  await Promise.all([...sent, app.signal('f', Add('third'))])
  await app.close()
  const mended = await openForTest(collecting(3, { isMended: true }).definition, { store: memory(data) })
  expect(await mended.result('f')).toEqual(['first', 'second', 'third'])
})

test('a run that goes on with mended code is given what was kept for it before what has come since', async () => {
  const data = new MemoryData()
  const { flow, definition } = collecting(3)
  const app = await openForTest(definition, { store: memory(data) })
  await app.start(flow(null), { id: 'f' })
  await app.signal('f', Add('first'))
  await until(app, null, async () => (await app.run('f'))?.reason === 'threw')
  await app.signal('f', Add('kept'))
  await app.close()
  data.post(0, [inboxItem('signal', 'f', { run: 'f', name: 'add', data: 'later', id: 'later' })])
  const mended = await openForTest(collecting(3, { isMended: true }).definition, { store: memory(data) })
  expect(await mended.result('f')).toEqual(['first', 'kept', 'later'])
})
