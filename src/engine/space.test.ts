// A store that says that it is full, in every way in which it can: the same rows are sent again as urgent ones, nothing
// new is taken meanwhile, and an application can be closed on it. The real full disk is in test/disk.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import type { Batch, Store } from '../core/store.ts'
import { ballet, choreography, event, memory, seq, workflow } from '../index.ts'

const flow = workflow('flow', { input: z.string(), output: z.string() }, async (_run, text) => text)
const definition = ballet({ services: [], workflows: [flow] })
const named = z.object({ order: z.string() })
const [placed, paid] = [event('placed', named, { key: 'order' }), event('paid', named, { key: 'order' })]
const followed = ballet({
  services: [],
  events: [placed, paid],
  choreographies: [choreography('order', { key: 'order' }, seq(placed, paid))],
})
const full = (): Error => fault('STORE_FULL', { problem: 'database or disk is full' })

test('F7: a batch that did not fit: it is sent again, the same rows, as urgent ones', async () => {
  const sent: Batch[] = []
  const store: Store = guarded(memory(), 'commit', (pass, batch) => {
    sent.push(batch)
    return sent.length <= 2 ? Promise.reject(full()) : pass()
  })
  const app = await openForTest(definition, { store })
  await app.start(flow('a'), { id: 'a' })
  expect(await app.result('a')).toBe('a')
  expect(sent.slice(0, 3).map((batch) => batch.urgent)).toEqual([false, true, true])
  expect({ ...sent[2], urgent: false }).toEqual(sent[0])
})

test('F7: a store that has no room: nothing new is taken, and everything as soon as it has', async () => {
  let refusing = true
  const spaceAgain = gate()
  const log = {
    info: (message: string) => void (message.includes('There is space again') && spaceAgain.open()),
    warn: () => {},
    error: () => {},
  }
  const store = guarded(
    guarded(memory(), 'commit', (pass, batch) => (refusing && !batch.urgent ? Promise.reject(full()) : pass())),
    'hasRoom',
    (pass) => (refusing ? Promise.resolve(false) : pass()),
  )
  const app = await openForTest(definition, { store, log })
  expect(await app.start(flow('a'), { id: 'a' })).toMatchObject({ created: true })
  await expect(app.start(flow('b'), { id: 'b' })).rejects.toMatchObject({ code: 'STORE_FULL', status: 507 })
  expect(await app.start(flow('a'), { id: 'a' })).toMatchObject({ created: false })
  refusing = false
  await spaceAgain.promise
  expect(await app.start(flow('b'), { id: 'b' })).toMatchObject({ created: true })
})

test('F7: an application that is closed while nothing fits: who waits is told that it was not kept', async () => {
  const asked = gate()
  const store = guarded(memory(), 'commit', (_pass, batch) => {
    if (batch.urgent) asked.open()
    return Promise.reject(full())
  })
  const app = await openForTest(definition, { store })
  const started = app.start(flow('a'), { id: 'a' }).catch((error: unknown) => error)
  await asked.promise
  await app.close()
  expect(await started).toMatchObject({ code: 'APP_CLOSED' })
})

test('F7: a disk with no room at all: the flows of keys are told as the disk has them, also to who asked just before', async () => {
  const [asked, mayFail] = [gate(), gate()]
  let isFull = false
  const store = guarded(
    guarded(memory(), 'commit', async (pass) => {
      if (!isFull) return pass()
      asked.open()
      await mayFail.promise
      throw full()
    }),
    'hasRoom',
    () => Promise.resolve(!isFull),
  )
  const app = await openForTest(followed, { store })
  await app.publish(placed({ order: '1' }))
  const told = await app.flow('order', '1')
  expect(told?.state).toBe('on track')
  isFull = true
  void app.publish(placed({ order: '2' })).catch(() => {})
  await asked.promise
  const questions = () => [app.key('order', '1'), app.flows('order'), app.flow('order', '1')]
  const before = questions()
  mayFail.open()
  const answers = [{ flows: [told] }, { items: [told] }, told]
  expect(await Promise.all(before)).toMatchObject(answers)
  expect(await Promise.all(questions())).toMatchObject(answers)
})
