// A payload stands on a damaged page: whoever needs it is stuck and says why, and everything else goes on.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { inboxItem } from '../../test/support/stores.ts'
import { ballet, event, signal, sqlite, workflow, type Application } from '../index.ts'

const PAGE = 4_096
const output = z.json()
const Told = event('told', z.object({ id: z.string(), text: z.string() }), { key: 'id' })
const Go = signal('go', z.string())
/** So large that it is kept apart from its row, over many pages, with a mark in the middle. */
const long = (mark: string): string => `${'x'.repeat(5 * PAGE)}${mark}${'x'.repeat(5 * PAGE)}`
const wait = workflow('wait', { input: z.string(), output, signals: [Go] }, async (run) => (await run.receive(Go)).data)
const hear = workflow('hear', { input: Told.schema, output, key: 'id', signals: [Go] }, async (run) => {
  await run.receive(Go)
  return (await run.receive(Told)).data.id
})
const child = workflow('child', { input: z.string(), output: z.string() }, async (_run, mark) => long(mark))
const parent = workflow('parent', { input: z.string(), output: z.string(), signals: [Go] }, async (run, mark) => {
  const started = run.start(child(mark))
  await run.receive(Go)
  return started.result()
})
const definition = ballet({ services: [], workflows: [wait, hear, child, parent], events: [Told] })

let file: string
let app: Application
const openAgain = async (log = keptLog()): Promise<void> => {
  app = await openForTest(definition, { store: sqlite({ file }), log })
}
const isStuck = (id: string): Promise<unknown> => until(app, null, async () => (await app.run(id))?.status === 'stuck')

/** Closes the application, and damages every page with the mark on it. */
async function damage(mark: string): Promise<void> {
  await app.close()
  const bytes = readFileSync(file)
  const handle = openSync(file, 'r+')
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1))
    writeSync(handle, Buffer.alloc(PAGE, 0xff), 0, PAGE, Math.floor(at / PAGE) * PAGE)
  closeSync(handle)
}

beforeEach(async () => {
  file = join(mkdtempSync(join(tmpdir(), 'ballet-damaged-')), 'app.db')
  await openAgain()
  await app.start(wait('sound'), { id: 'sound' })
})

afterEach(async () => {
  // Whatever was damaged, the others go on.
  await app.signal('sound', Go('on'))
  await app.result('sound')
  await app.close()
  rmSync(join(file, '..'), { recursive: true })
})

test('F5: a damaged payload of an event: the run that would receive it is stuck, also when the application is opened again', async () => {
  await app.start(hear({ id: 'k', text: '' }))
  await app.publish(Told({ id: 'k', text: long('the mark') }))
  await damage('the mark')
  await openAgain()
  await app.signal('hear:k', Go('on'))
  await isStuck('hear:k')
  expect((await app.run('hear:k'))?.error?.message).toContain('an event of its key cannot be read')
  await app.close()
  await openAgain()
  await isStuck('hear:k')
})

test('F5: a damaged payload of the end of a child: the run that waits for it is stuck, also when the application is opened again', async () => {
  await app.start(parent('the mark'), { id: 'p' })
  await app.result('p~child.0')
  await damage(`${'x'.repeat(100)}the mark`)
  await openAgain()
  await app.signal('p', Go('on'))
  await isStuck('p')
  expect((await app.run('p'))?.error?.message).toContain('the end of the run "p~child.0" cannot be read')
  await app.close()
  await openAgain()
  await isStuck('p')
})

test('F5: a damaged payload of the input of an open run: it is left alone, the log says so, and what is sent to it waits', async () => {
  await app.start(wait(long('the mark')), { id: 'damaged' })
  await damage('the mark')
  const store = sqlite({ file })
  await store.open()
  await store.post(0, [inboxItem('signal', 'damaged', { run: 'damaged', name: 'go', id: 's', data: 'on' })])
  await store.close()
  const log = keptLog()
  await openAgain(log)
  expect(log.lines.filter((line) => line.includes('The run "damaged" cannot be read'))).toHaveLength(1)
  for (const ask of [app.run('damaged'), app.signal('damaged', Go('on')), app.cancel('damaged')])
    await expect(ask).rejects.toMatchObject({ code: 'STORE_FAILED' })
  const acted = await app.actOnAll({ action: 'cancel', root: 'run:damaged' })
  expect(acted).toMatchObject({ matched: 1, changed: 0, refused: [{ id: 'damaged', code: 'RUN_UNREADABLE' }] })
  await app.close()
  const again = sqlite({ file })
  await again.open()
  expect(await again.inbox(0, 'default', 10)).toHaveLength(1)
  await again.close()
  await openAgain()
})

test('F5: a damaged payload of a row in the inbox: it waits and is told of once, and those beside it are taken', async () => {
  await app.start(wait('x'), { id: 'other' })
  await app.close()
  const store = sqlite({ file })
  await store.open()
  const item = (run: string, data: string) => inboxItem('signal', run, { run, name: 'go', id: run, data })
  await store.post(0, [item('sound', long('the mark')), item('other', 'on')])
  await store.close()
  await damage('the mark')
  const log = keptLog()
  await openAgain(log)
  expect(await app.result('other')).toBe('on')
  expect(log.lines.filter((line) => line.includes('The inbox row 1 cannot be read and waits'))).toHaveLength(1)
  await app.close()
  const again = sqlite({ file })
  await again.open()
  expect(await again.inboxIds(0, 'default', 10)).toEqual([1])
  await again.close()
  await openAgain()
})

test('F5: a damaged payload of a run that has ended: a list names it as unreadable, and shows the others', async () => {
  await app.start(wait(long('the mark')), { id: 'bad' })
  await app.signal('bad', Go('on'))
  await app.result('bad')
  await app.start(wait('x'), { id: 'after' })
  await damage('the mark')
  await openAgain()
  const list = await app.runs({ limit: 2 })
  expect(list.items.map(({ id }) => id)).toEqual(['after'])
  expect(list.unreadable).toMatchObject([{ id: 'bad', error: { code: 'RUN_UNREADABLE' } }])
  expect((await app.runs({ limit: 2, cursor: list.cursor })).items.map(({ id }) => id)).toEqual(['sound'])
})
