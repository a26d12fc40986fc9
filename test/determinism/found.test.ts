// What the campaigns found in the engine, each as small as it could be made.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, event, memory, signal, workflow, type Batch, type Store } from '../../src/index.ts'
import { fault } from '../../src/core/errors.ts'
import { gate, openForTest } from '../support/applications.ts'

const Order = z.object({ orderId: z.string() })
const First = event('first', Order, { key: 'orderId' })
const Second = event('second', Order, { key: 'orderId' })
const Nudge = signal('nudge', Order)
const one = { orderId: '1' }

const pair = workflow('pair', { input: Order, output: z.string(), key: 'orderId', signals: [Nudge] }, async (run) => {
  const [first, second] = await Promise.all([run.receive([First, Nudge]), run.receive(Second)])
  return `${first.type} and ${second.type}`
})
const definition = ballet({ services: [], workflows: [pair], events: [First, Second] })

/** A store in which one method is another. */
function storeWith<Name extends 'commit' | 'events'>(
  store: Store,
  name: Name,
  method: (inner: Store[Name]) => Store[Name],
): Store {
  return new Proxy(store, {
    get(target, wanted) {
      const value: unknown = Reflect.get(target, wanted)
      if (typeof value !== 'function') return value
      const bound: unknown = value.bind(target)
      return wanted === name ? method(bound as Store[Name]) : bound
    },
  })
}

// An event that a signal has made superfluous was brought all the same; the run was then not known any more to wait for
// another one, and waited for ever.
test('an event that came too late for one wait does not hide the next from another', async () => {
  const app = await openForTest(definition)
  await app.start(pair(one))
  await app.signal('pair:1', Nudge(one))
  await app.publish(First(one))
  await app.publish(Second(one))
  expect(await app.result('pair:1')).toBe('nudge and second')
})

// A batch that only deletes inbox rows took no position, so that its commit could not be told from none, was sent again
// and stopped the application: its rows were gone.
test('a commit that only drains, and whose reply is lost, is not sent twice', async () => {
  const lost = gate()
  const store = storeWith(memory(), 'commit', (commit) => async (batch: Batch) => {
    await commit(batch)
    if (batch.drained.length === 0 || batch.journal.length > 0) return
    lost.open()
    throw fault('COMMIT_UNKNOWN')
  })
  await store.open()
  const app = await openForTest(definition, { store })
  const nobody = { run: 'pair:nobody', name: 'nudge', data: one, id: 'n-1' }
  await store.post(0, [
    { ns: 'default', slot: 0, kind: 'signal', target: nobody.run, data: JSON.stringify(nobody), at: 0 },
  ])
  expect(await app.run(nobody.run)).toBeNull()
  await lost.promise
  expect(await app.start(pair(one))).toEqual({ id: 'pair:1', created: true })
})
