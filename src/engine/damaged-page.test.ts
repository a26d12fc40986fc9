// A page of the store's file is damaged: the run whose journal stands on it is stuck, and everything else goes on.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { fastClock } from '../../test/support/clocks.ts'
import { inboxItem } from '../../test/support/stores.ts'
import type { InboxItem } from '../core/store.ts'
import { ballet, signal, sqlite, workflow, type Application, type OpenOptions } from '../index.ts'

const PAGE = 4_096
const Go = signal('go', z.string())
const flow = workflow('flow', { input: z.string(), output: z.string(), signals: [Go] }, async (run, mark) => {
  for (let count = 0; count < 12; count++) await run.step(`fill-${count}`, () => `${mark} ${count} ${'x'.repeat(1000)}`)
  return (await run.receive(Go)).data
})
const parent = workflow('parent', { input: z.string(), output: z.string(), signals: [Go] }, async (run, mark) => {
  const child = run.start(flow(mark), { id: 'damaged' })
  await run.receive(Go)
  child.signal(Go('by its parent'))
  child.cancel()
  return 'sent'
})
const definition = ballet({ services: [], workflows: [flow, parent] })

let file: string
let app: Application
const openAgain = async (options: OpenOptions = {}): Promise<void> => {
  app = await openForTest(definition, { store: `file:${file}`, ...options })
}
const waits = (id: string): Promise<unknown> =>
  until(app, null, async () => (await app.run(id))?.waits.some(({ kind }) => kind === 'receive'))

beforeEach(async () => {
  file = join(mkdtempSync(join(tmpdir(), 'ballet-damaged-')), 'store.db')
  await openAgain()
  await app.start(parent('the mark of damaged'), { id: 'p' })
  await waits('p~flow~damaged')
  await app.start(flow('sound'), { id: 'sound' })
  await waits('sound')
  await app.close()
  const at = readFileSync(file).indexOf('the mark of damaged 5')
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(PAGE, 0xff), 0, PAGE, Math.floor(at / PAGE) * PAGE)
  closeSync(handle)
  await openAgain()
})

afterEach(async () => {
  await app.close()
  rmSync(join(file, '..'), { recursive: true })
})

test('F5: a run whose journal is on a damaged page: it is stuck and says why, and the others go on', async () => {
  expect(await app.run('p~flow~damaged')).toMatchObject({
    status: 'stuck',
    reason: 'unreadable',
    error: { code: 'RUN_UNREADABLE', message: expect.stringContaining('malformed') },
    choices: [{ action: 'retry', after: 'restore the store, or the key of its codec,' }, { action: 'fail' }],
  })
  await app.signal('sound', Go('on'))
  expect(await app.result('sound')).toBe('on')
  await app.start(flow('new'), { id: 'new' })
  await waits('new')
  expect((await app.runs()).items.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'new running',
    'sound completed',
    'p~flow~damaged stuck',
    'p running',
  ])
})

test('what is asked of it is refused, and nothing is written that could end the store', async () => {
  const unreadable = { code: 'RUN_UNREADABLE', status: 500 }
  await expect(app.signal('p~flow~damaged', Go('lost'))).rejects.toMatchObject(unreadable)
  await expect(app.cancel('p~flow~damaged')).rejects.toMatchObject(unreadable)
  expect(await app.retry('p~flow~damaged')).toMatchObject({ changed: true })
  expect(await app.run('p~flow~damaged')).toMatchObject({ status: 'stuck', reason: 'unreadable' })
  // What its parent has sent it waits, and holds up nobody.
  await app.signal('p', Go('on'))
  expect(await app.result('p')).toBe('sent')
  await app.signal('sound', Go('on'))
  expect(await app.result('sound')).toBe('on')
  await app.close()
  await openAgain()
  expect(await app.run('p~flow~damaged')).toMatchObject({ status: 'stuck', reason: 'unreadable' })
})

test('however much waits for it in the inbox, what is behind that is read', async () => {
  await app.close()
  const store = sqlite({ file })
  await store.open()
  const signalTo = (run: string, id: number): InboxItem =>
    inboxItem('signal', run, { run, name: 'go', id: `s${id}`, data: run })
  await store.post(0, [...Array.from({ length: 600 }, (_, id) => signalTo('p~flow~damaged', id)), signalTo('sound', 0)])
  await store.close()
  await openAgain()
  expect(await app.run('p~flow~damaged')).toMatchObject({ status: 'stuck', reason: 'unreadable' })
  expect(await app.result('sound')).toBe('sound')
})

test('it is ended by a person', async () => {
  await app.fail('p~flow~damaged', { error: { message: 'the file is gone' }, by: 'ann' })
  const ended = { status: 'failed', error: { message: 'the file is gone' } }
  expect(await app.run('p~flow~damaged')).toMatchObject(ended)
  await app.close()
  await openAgain()
  expect(await app.run('p~flow~damaged')).toMatchObject(ended)
})

test('F5: a run on a damaged page that ended long ago: it is not forgotten, and others are', async () => {
  await app.fail('p~flow~damaged', { error: { message: 'the file is gone' } })
  await app.signal('p', Go('on'))
  await app.signal('sound', Go('on'))
  for (const id of ['p', 'sound']) await app.result(id)
  await app.close()
  const log = keptLog()
  const failed = Promise.withResolvers<void>()
  const error = (message: string): void => {
    log.error(message)
    if (message.includes('cannot be forgotten')) failed.resolve()
  }
  await openAgain({ clock: fastClock(50), retention: { runs: '2s' }, log: { ...log, error } })
  await failed.promise
  // Nobody is told of what is forgotten.
  while ((await app.runs()).items.length > 1) await new Promise((resolve) => setImmediate(resolve))
  expect(await app.run('p~flow~damaged')).toMatchObject({ status: 'failed' })
  await app.start(flow('new'), { id: 'new' })
  await waits('new')
})
