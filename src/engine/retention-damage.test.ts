// What stands on a damaged page cannot be deleted, and a write that meets it ends the store: whatever cannot be read is
// left as it is, and retention goes on with the rest.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { ballet, event, sqlite, workflow } from '../index.ts'

const PAGE = 4_096
const Told = event('told', z.object({ id: z.string(), text: z.string() }), { key: 'id' })
const echo = workflow('echo', { input: z.string(), output: z.null() }, async () => null)
const definition = ballet({ services: [], workflows: [echo], events: [Told] })
/** So large that it is kept apart from its row, over many pages, with a mark in the middle. */
const long = (mark: string): string => `${'x'.repeat(25 * PAGE)}${mark}${'x'.repeat(25 * PAGE)}`

function damage(file: string, mark: string): void {
  const at = readFileSync(file).indexOf(mark)
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(PAGE, 0xff), 0, PAGE, Math.floor(at / PAGE) * PAGE)
  closeSync(handle)
}

test('F5: a large payload on a damaged page when its time is up: it stays, and others are forgotten', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-damaged-'))
  const file = join(folder, 'app.db')
  const clock = new SteppedClock()
  const log = keptLog()
  const openAgain = () =>
    openForTest(definition, { store: sqlite({ file }), clock, log, retention: { runs: '10s', dedupe: '10s' } })
  const first = await openAgain()
  await first.start(echo(long('the mark of a run')), { id: 'damaged' })
  await first.start(echo('sound'), { id: 'sound' })
  await first.publish(Told({ id: 'a', text: long('the mark of an event') }), { id: 'damaged' })
  await first.publish(Told({ id: 'b', text: 'sound' }), { id: 'sound' })
  for (const id of ['damaged', 'sound']) await first.result(id)
  await first.close()
  for (const mark of ['the mark of a run', 'the mark of an event']) damage(file, mark)
  const app = await openAgain()
  const isTold = (what: string): boolean =>
    log.lines.some((line) => line.includes(what) && line.includes('cannot be forgotten'))
  while (!isTold('run "damaged"') || !isTold('event "damaged"')) {
    clock.pass(20)
    await app.run('new')
  }
  // The name is free: the sweep has come to its end.
  while ((await app.run('sound').catch(() => 'taken')) !== null) clock.pass(20)
  expect((await app.events({ key: 'id:b' })).items).toEqual([])
  expect(await app.start(echo('new'), { id: 'new' })).toMatchObject({ created: true })
  await app.close()
  rmSync(folder, { recursive: true })
})
