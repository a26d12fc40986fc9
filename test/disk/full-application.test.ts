// An application on a disk that is really full: what is new is refused before anything of it is kept, what is under way
// goes on in the store's reserve, questions are answered, and everything goes on by itself when there is space.
import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import { z } from 'zod'
import { ballet, event, open, operation, service, signal, sqlite, workflow } from '../../src/index.ts'
import { gate, keptLog, until } from '../support/applications.ts'
import { leaveAddress } from '../../src/server.ts'
import { readProcessFile } from '../../src/server/process-file.ts'
import { reservePath } from '../../src/stores/sqlite/reserve.ts'
import { mountSmallDisk } from './small-disk.ts'

const Go = signal('go', z.string())
const Happened = event('happened', z.object({ id: z.string() }), { key: 'id' })
const log: string[] = []
const stock = service('stock', {
  take: operation({ input: z.string(), output: z.string(), run: (sku) => (log.push(`take ${sku}`), sku) }),
  give: operation({ input: z.string(), undoes: 'take', run: (sku) => void log.push(`give ${sku}`) }),
})
const flow = workflow('flow', { input: z.string(), output: z.string(), signals: [Go] }, async (run, sku) => {
  await run.call(stock.take(sku), { undo: stock.give(sku) })
  const { data } = await run.receive(Go)
  return data
})

test('F7: a full disk: refused with 507 before anything is kept; signals, cancellations and questions go on; it recovers by itself', async (context) => {
  const disk = mountSmallDisk(24)
  context.skip(disk === undefined, 'a small disk (tmpfs) cannot be mounted here: that needs root')
  if (disk === undefined) return
  const spaceAgain = gate()
  const info = (message: string): void => (message.includes('There is space again') ? spaceAgain.open() : undefined)
  const definition = ballet({ services: [stock], workflows: [flow], events: [Happened] })
  const app = await open(definition, {
    store: sqlite({ file: join(disk.folder, 'store.db') }),
    log: { ...keptLog(), info },
    graceMs: 0,
  })
  onTestFinished(async () => {
    await app.close()
    disk.unmount()
  })
  for (const id of ['a', 'b']) {
    await app.start(flow(id), { id })
    await until(app, null, async () => (await app.run(id))?.waits[0]?.kind === 'receive')
  }
  disk.fill()
  // The commits that meet the full disk are finished in the reserve; from then on nothing new is taken.
  let refusal: unknown
  for (let n = 0; n < 1000 && refusal === undefined; n++)
    refusal = await app.start(flow('x'.repeat(10_000)), { id: `more-${n}` }).then(
      () => undefined,
      (error: unknown) => error,
    )
  expect(refusal).toMatchObject({ code: 'STORE_FULL', status: 507, family: 'retry' })
  const before = (await app.runs({ limit: 1000 })).items.length
  await expect(app.start(flow('late'), { id: 'late' })).rejects.toMatchObject({ code: 'STORE_FULL' })
  await expect(app.publish(Happened({ id: '1' }), { id: 'e' })).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect((await app.runs({ limit: 1000 })).items).toHaveLength(before)
  expect(await app.run('late')).toBeNull()
  // Who asks again for what is there is answered.
  expect(await app.start(flow('a'), { id: 'a' })).toEqual({ id: 'a', created: false })

  await app.signal('a', Go('done'))
  expect(await app.result('a')).toBe('done')
  expect(await app.cancel('b', { by: 'ann' })).toMatchObject({ changed: true })
  expect(await app.settled('b', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log).toContain('give b')

  disk.clear()
  await spaceAgain.promise
  await app.start(flow('after'), { id: 'after' })
  await app.signal('after', Go('well'))
  expect(await app.result('after')).toBe('well')
})

/** What an application says that is opened on a disk that is full to the last block, with the reserve spent, and then goes on. */
async function saidOnFullDisk(context: TestContext, end: 'closed' | 'killed'): Promise<readonly string[]> {
  const disk = mountSmallDisk(24)
  context.skip(disk === undefined, 'a small disk (tmpfs) cannot be mounted here: that needs root')
  if (disk === undefined) return []
  const file = join(disk.folder, 'store.db')
  const definition = ballet({ services: [stock], workflows: [flow] })
  const first = await open(definition, { store: sqlite({ file }), log: keptLog(), graceMs: 0 })
  await first.start(flow('a'), { id: 'a' })
  await until(first, null, async () => (await first.run('a'))?.waits[0]?.kind === 'receive')
  // After a kill the index of the log is still there, and no space is asked for before the first commit.
  const reader = sqlite({ file, readOnly: true })
  if (end === 'killed') await reader.open()
  await first.close()
  truncateSync(reservePath(file))
  disk.fill()

  const waiting = gate()
  const said = keptLog()
  const error = (message: string): void => (said.error(message), waiting.open())
  const opening = open(definition, { store: sqlite({ file }), log: { ...said, error }, graceMs: 0 })
  onTestFinished(async () => {
    disk.clear()
    await (await opening).close()
    await reader.close()
    disk.unmount()
  })
  await Promise.race([waiting.promise, opening])
  expect(said.lines).toHaveLength(1)
  disk.clear()
  const app = await opening
  await app.signal('a', Go('done'))
  expect(await app.result('a')).toBe('done')
  return said.lines
}

test('F7: a store that was closed, opened on a disk that is full to the last block: it waits for space, and goes on by itself', async (context) => {
  const words = /^error The disk of the store is full: .*store\.db: disk I\/O error\. Opening waits/
  expect(await saidOnFullDisk(context, 'closed')).toEqual([expect.stringMatching(words)])
})

test('F7: a process that was killed, begun anew on a disk that is full to the last block: it waits for space, and goes on by itself', async (context) => {
  const words = /^error The disk of the store is full: database or disk is full\. Opening waits/
  expect(await saidOnFullDisk(context, 'killed')).toEqual([expect.stringMatching(words)])
})

test('F7: an address that is to be left on a full disk: the process goes on, and leaves it when there is space', async (context) => {
  const disk = mountSmallDisk(4)
  context.skip(disk === undefined, 'a small disk (tmpfs) cannot be mounted here: that needs root')
  if (disk === undefined) return
  disk.fill()
  const remove = leaveAddress({ store: `file:${disk.folder}/app.db`, url: 'http://127.0.0.1:4400' })
  onTestFinished(() => {
    remove()
    disk.unmount()
  })
  expect(readProcessFile(disk.folder)).toEqual({ kind: 'absent' })
  expect(readdirSync(disk.folder)).toEqual(['filler'])
  disk.clear()
  await expect.poll(() => readProcessFile(disk.folder).kind, { timeout: 10_000 }).toBe('record')
})
