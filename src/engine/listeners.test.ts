// What an application is told by functions of its own, a log and a watcher: whatever becomes of them harms nobody, also where
// they are asynchronous though nothing waits for them. Node tells of a rejection that nobody handles, and so do these tests.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { ballet, operation, service, type Application } from '../index.ts'

const flaky = service('flaky', {
  fail: operation({
    input: z.null(),
    output: z.null(),
    retry: { attempts: 1 },
    run: () => Promise.reject(new Error('no')),
  }),
})
const definition = ballet({ services: [flaky] })

const unhandled: unknown[] = []
const keep = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', keep)
})
afterEach(() => process.off('unhandledRejection', keep))

/** Rejections that nobody handles are told of before the next round of the event loop. */
const nextRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const stuck = (app: Application, id: string) => until(app, null, async () => (await app.run(id))?.status === 'stuck')

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('away')
    },
  ],
  ['rejects', () => Promise.reject(new Error('away'))],
])('a log that %s keeps nothing from being said elsewhere', async (_how, write) => {
  const written = gate<unknown>()
  const error = (): unknown => {
    written.open(null)
    return write()
  }
  const log = { info: () => {}, warn: () => {}, error }
  let isBroken = false
  const app = await openForTest(definition, {
    log,
    codec: {
      encode(text) {
        if (isBroken) throw new Error('no key')
        return text
      },
      decode: String,
    },
  })
  await app.start(flaky.fail(null), { id: 'one' })
  await written.promise
  await nextRound()
  await stuck(app, 'one')
  expect(unhandled).toEqual([])
  // Also of what the application says when it stops.
  isBroken = true
  await expect(app.retry('one')).rejects.toThrow('no key')
  expect(await app.stopped).toMatchObject({ message: 'no key' })
  await nextRound()
  expect(unhandled).toEqual([])
})

test('a watcher that rejects is told of in the log', async () => {
  const log = keptLog()
  const app = await openForTest(definition, { log })
  const told = gate()
  const listener: () => unknown = async () => {
    told.open()
    throw new Error('nobody looks')
  }
  const leave = app.watch(null, listener)
  await app.start(flaky.fail(null), { id: 'one' })
  await told.promise
  await nextRound()
  leave()
  expect(unhandled).toEqual([])
  expect(log.lines).toContain('error A watcher threw')
})
