// `ballet doctor` as a process: a place that is well, and the ways in which one is not.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { asidesOf } from '../../src/engine/aside.ts'
import { sqlite } from '../../src/stores/sqlite/sqlite-store.ts'
import { anItem, SHARD } from '../../src/testing/store-rows.ts'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

let box: Sandbox
beforeEach(() => {
  box = new Sandbox({ 'app.ts': application })
})
afterEach(() => box.remove())

type Checks = readonly {
  readonly name: string
  readonly verdict: string
  readonly found: string
  readonly todo?: string
}[]

/** The exit code, and the checks by their names. */
async function doctor(words: readonly string[] = []) {
  const { code, value } = await box.json(['doctor', ...words])
  const checks = value['checks'] as Checks
  expect(value['ok']).toBe(code === 0)
  return { code, checks, of: (name: string) => checks.find((check) => check.name === name) }
}

/** Serves the application, lets an order through, and ends or kills it. */
async function lived(signal: NodeJS.Signals): Promise<void> {
  const server = await box.serve()
  await box.run(['start', 'checkout', '--input', '{"orderId":"1","total":5000}', '--wait', '10s'])
  server.child.kill(signal)
  await server.ended
}

it('finds nothing wrong beside a running application', async () => {
  await box.serve()
  const { code, stdout } = await box.run(['doctor'])
  expect(code).toBe(0)
  expect(stdout.split('\n').map((line) => line.slice(0, 16).trim())).toEqual([
    'ok     ballet',
    'ok     node',
    'ok     sqlite',
    'ok     store',
    'ok     layout',
    'ok     log',
    'ok     integrity',
    expect.stringMatching(/^(ok|warn) +disk$/),
    'ok     aside',
    'ok     process',
    '',
  ])
  expect(stdout).toMatch(/process {4}process \d+ at http:\S+ takes work, Ballet \d/)
})

it('says where there is nothing yet, and only minds when it was named', async () => {
  const { code, of } = await doctor()
  expect([code, of('store')?.verdict]).toEqual([0, 'warn'])
  expect(of('process')).toBeUndefined()
  const named = await doctor(['--store', 'file:some/where.db'])
  expect([named.code, named.of('store')?.verdict]).toEqual([1, 'wrong'])
  expect((await doctor(['--store', 'memory:'])).of('store')?.found).toContain('in memory')
})

it('says that a killed process is gone and its store is free', async () => {
  await lived('SIGKILL')
  const { code, of } = await doctor()
  expect([code, of('process')?.verdict, of('integrity')?.verdict]).toEqual([0, 'ok', 'ok'])
  expect(of('process')?.found).toMatch(/^process \d+ is gone; none has the store$/)
})

it('finds a file that is damaged, and one that is none', async () => {
  await lived('SIGTERM')
  const path = join(box.folder, '.ballet', 'app.db')
  const bytes = readFileSync(path)
  // The first page stays, so that it is still known for a store.
  writeFileSync(path, bytes.fill(0x5a, 4096 * 2, 4096 * 6))
  const damaged = await doctor()
  expect([damaged.code, damaged.of('integrity')?.verdict]).toEqual([1, 'wrong'])
  expect(damaged.of('integrity')?.todo).toMatch(/estore a backup/)
  box.write('.ballet/app.db', 'not a store')
  const foreign = await doctor()
  expect([foreign.code, foreign.of('store')?.found]).toEqual([1, expect.stringContaining('is not a Ballet store')])
  box.write('.ballet/app.db', '')
  expect((await doctor()).of('store')).toMatchObject({ verdict: 'warn', found: expect.stringContaining('is empty') })
})

it('tells a process of another version, one that hangs, and one that left no address', async () => {
  const server = await box.serve()
  const file = join(box.folder, '.ballet', 'process.json')
  const record = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  const told = async (change: Record<string, unknown>) => {
    box.write('.ballet/process.json', JSON.stringify({ ...record, ...change }))
    const { code, of } = await doctor()
    return [code, of('process')?.verdict, of('process')?.found]
  }
  expect(await told({ ballet: '0.0.1' })).toEqual([0, 'warn', expect.stringContaining('takes work, Ballet 0.0.1')])
  expect(await told({ ballet: undefined })).toEqual([0, 'warn', expect.stringContaining('of an older version')])
  expect(await told({ url: 'http://127.0.0.1:1' })).toEqual([1, 'wrong', expect.stringContaining('does not answer')])
  expect(await told({ pid: 'x' })).toEqual([0, 'warn', expect.stringContaining('left no address has the store')])
  server.child.kill('SIGKILL')
  await server.ended
  expect(await told({ pid: 'x' })).toEqual([0, 'ok', expect.stringContaining('not what ballet writes; none has')])
})

it('says of a service that fetches its calls that calls wait, and that nobody has asked for them', async () => {
  box.write(
    'app.ts',
    `import { ballet, operation, service } from 'ballet'
import { fetched } from 'ballet/http'
import { z } from 'zod'
const payment = service('payment', { charge: operation({ input: z.string(), output: z.string() }) })
const away = fetched(payment, { secrets: ['whsec_${'A'.repeat(43)}='] })
export default ballet({ name: 'shop', services: [away] })
`,
  )
  await box.serve()
  await box.run(['start', 'payment.charge', '--input', '"1"'])
  const { code, of } = await doctor()
  expect(code).toBe(0)
  expect(of('fetching')?.found).toContain('payment fetches its calls: 1 wait, 0 are in its hands')
})

it('warns of what lies aside, and nodes says what it is and what to do', async () => {
  await lived('SIGTERM')
  const store = sqlite({ file: join(box.folder, '.ballet', 'app.db') })
  await store.open()
  const [refused = '', unread = ''] = asidesOf('default')
  const at = Date.parse('2026-03-01T12:00:00Z')
  const paid = JSON.stringify({ type: 'paid', id: 'paid-1', version: '8' })
  await store.post(SHARD, [
    anItem('p', { ns: refused, at, kind: 'fact', target: 'orderId:1', data: paid }),
    anItem('p', { ns: unread, at: at + 1, kind: 'start', target: 'checkout:2', data: 'scrambled\u001b[2J' }),
  ])
  await store.close()
  const { code, of } = await doctor()
  expect([code, of('aside')?.verdict]).toEqual([0, 'warn'])
  expect(of('aside')?.found).toMatch(/^2 that were acknowledged cannot be taken now, since 2026-03-01/)
  const { stdout } = await box.run(['nodes'])
  const lines = stdout.split('\n').filter((line) => line !== '')
  expect(lines[0]).toBe('2 lie aside: they were acknowledged, and cannot be taken now')
  expect(lines[1]).toMatch(/^ {2}1 fact paid of version 8, since 2026-03-01.*, refused by the version .*: paid-1$/)
  expect(lines[2]).toMatch(/^ {2}1 start of which nothing can be read here, since .*, could not be read: checkout:2$/)
  expect(lines.slice(3)).toEqual([
    expect.stringContaining('start a node of one'),
    expect.stringContaining('give a node its key'),
    expect.stringContaining('ballet aside lists it one by one'),
  ])
})
