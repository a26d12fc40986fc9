// docs/tutorial.md is true: its whole file passes the type check that the page recommends, runs on the built package,
// and ends as the page promises; the parts that the page explains stand in that file, word for word.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Application, ApplicationDefinition, OperationContext } from 'ballet'
import { HandClock } from 'ballet/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openForTest, until } from './support/applications.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(repository, 'docs/tutorial.md'), 'utf8')

/** The block of the page that is titled so. */
function titled(title: string): string {
  const block = page.split('```').find((text) => text.split('\n', 1)[0]?.endsWith(`title=${title}`))
  if (block === undefined) throw new Error(`docs/tutorial.md has no block titled ${title}`)
  return block.slice(block.indexOf('\n') + 1)
}

/** Lines without their indentation, and without empty ones. */
const plain = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-tutorial-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(repository, join(folder, 'node_modules/ballet'), 'dir')
  symlinkSync(join(repository, 'node_modules/zod'), join(folder, 'node_modules/zod'), 'dir')
  symlinkSync(join(repository, 'node_modules/@types'), join(folder, 'node_modules/@types'), 'dir')
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'tsconfig.json'), titled('tsconfig.json'))
  writeFileSync(join(folder, 'app.ts'), titled('app.ts'))
  // What comes after the tutorial is checked by the same settings.
  const doors = ['http', 'server', 'testing'].map((door) => `import * as ${door} from 'ballet/${door}'`)
  writeFileSync(join(folder, 'doors.ts'), `${doors.join('\n')}\nexport { http, server, testing }\n`)
})
afterAll(() => rmSync(folder, { recursive: true }))

async function definition(): Promise<ApplicationDefinition> {
  const module = (await import(join(folder, 'app.ts'))) as { readonly default: ApplicationDefinition }
  return module.default
}

const start = async (app: Application, stayId: string, room: string): Promise<string> =>
  (await app.startNamed({ call: 'booking', input: { stayId, room } })).id

/** Resolves when the run waits for the guest. */
const waiting = (app: Application, id: string): Promise<true | undefined> =>
  until(app, null, async () => (await app.run(id))?.waits.some(({ kind }) => kind === 'receive') || undefined)

it('explains only what stands in the file', () => {
  const whole = plain(titled('app.ts'))
  const parts = [...page.matchAll(/```ts\n([^]*?)```/g)].map(([, part = '']) => plain(part))
  expect(parts.length).toBeGreaterThan(4)
  for (const part of parts) expect(whole).toContain(part)
})

it('passes the type check', async () => {
  const tsc = join(repository, 'node_modules/.bin/tsc')
  const checked = await promisify(execFile)(tsc, ['-p', '.'], { cwd: folder }).catch((error: unknown) => error)
  expect(checked).toEqual({ stdout: '', stderr: '' })
})

it('books on a confirmation, refuses a room that is held, and frees it when the guest leaves', async () => {
  const app = await openForTest(await definition(), { store: 'memory:' })
  const booking = await start(app, 's1', '12')
  expect(booking).toBe('booking:s1')
  await waiting(app, booking)
  expect((await app.run(booking))?.state).toEqual({ stage: 'waiting for the guest' })
  await app.signalNamed({ run: booking, name: 'confirm', data: { by: 'ann' } })
  expect(await app.result(booking)).toEqual({ status: 'booked', by: 'ann' })
  expect(await app.result(await start(app, 's2', '12'))).toEqual({ status: 'taken' })

  await app.publishNamed({ type: 'guest.left', data: { stayId: 's1', room: '12' } })
  await until(app, null, async () => (await app.events({ types: ['room.freed'] })).items.length === 1)
  const { runs } = await app.key('stayId', 's1')
  expect(runs.map(({ kind, status }) => `${kind} ${status}`).toSorted()).toEqual([
    'reaction completed',
    'workflow completed',
  ])
  const next = await start(app, 's3', '12')
  await waiting(app, next)
  await app.signalNamed({ run: next, name: 'decline', data: { by: 'bob' } })
  expect(await app.result(next)).toEqual({ status: 'released' })
})

// Found by a storm over the template, which answered so as well.
it('answers every attempt of a call as the first', async () => {
  const { services } = await definition()
  const body = (name: string) => services[0]?.operations.find((operation) => operation.name === name)?.run
  const [hold, free] = [body('rooms.hold'), body('rooms.free')]
  const context = (idempotencyKey: string, undoes: string | null = null) =>
    ({ idempotencyKey, undoes }) as OperationContext
  const [ann, bob, cid] = ['ann', 'bob', 'cid'].map((stayId) => ({ stayId, room: '13' }))
  expect(hold?.(ann, context('a'))).toMatchObject({ type: 'room.held' })
  expect(hold?.(bob, context('b'))).toMatchObject({ type: 'room.taken' })
  free?.(ann, context('c'))
  expect(hold?.(bob, context('b'))).toMatchObject({ type: 'room.taken' })
  expect(hold?.(ann, context('a'))).toMatchObject({ type: 'room.held' })
  // Neither holds it by that.
  expect(hold?.(cid, context('d'))).toMatchObject({ type: 'room.held' })
  free?.(cid, context('e', 'd'))
  expect(() => hold?.(cid, context('d'))).toThrow('this was taken back')
})

it('releases the room after ten seconds without an answer', async () => {
  const clock = new HandClock()
  const app = await openForTest(await definition(), { store: 'memory:', clock })
  const booking = await start(app, 's4', '14')
  await waiting(app, booking)
  clock.pass('9999ms')
  expect((await app.run(booking))?.status).toBe('running')
  clock.pass('1ms')
  expect(await app.result(booking)).toEqual({ status: 'released' })
  const next = await start(app, 's5', '14')
  await waiting(app, next)
})
