// Workflows that await what is not durable, and branches that nobody awaits: found out, named, and no harm to others.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { ballet, operation, service, TerminalError, workflow } from '../index.ts'

const output = z.json()
const math = service('math', {
  one: operation({ input: z.null(), output: z.number(), run: () => 1 }),
  fails: operation({
    input: z.null(),
    run: () => {
      throw new TerminalError('no')
    },
  }),
})

const server = createServer((_request, response) => response.end('hello'))
const port = (): number => (server.address() as AddressInfo).port
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => server.close(resolve)))

const foreign = {
  file: () => readFile('package.json', 'utf8'),
  immediate: () => new Promise((resolve) => setImmediate(resolve)),
  digest: () => crypto.subtle.digest('SHA-256', new Uint8Array(8)),
  // That a socket is made is said thirty frames below the author's, and much more behind it.
  fetch: () => fetch(`http://127.0.0.1:${port()}/`, { headers: { connection: 'close' } }),
  'fetch of a name': () => fetch(`http://localhost:${port()}/`, { headers: { connection: 'close' } }),
} as const
const words: Readonly<Record<keyof typeof foreign, string>> = {
  file: 'a file',
  immediate: 'a timer',
  digest: 'cryptography',
  fetch: 'the network',
  'fetch of a name': 'the network',
}

test.each(Object.keys(foreign) as (keyof typeof foreign)[])(
  'a workflow that awaits a foreign %s is stuck, and it is said what',
  async (kind) => {
    const alone = workflow('alone', { input: z.null(), output }, async () => {
      await foreign[kind]()
      return 1
    })
    const between = workflow('between', { input: z.null(), output }, async (run) => {
      const [one] = await Promise.all([run.call(math.one(null)), foreign[kind]().then(() => run.call(math.one(null)))])
      return one
    })
    const fine = workflow('fine', { input: z.null(), output }, async (run) => run.call(math.one(null)))
    const app = await openForTest(ballet({ services: [math], workflows: [alone, between, fine] }), {
      development: true,
    })
    await app.start(alone(null), { id: 'alone' })
    await app.start(between(null), { id: 'between' })
    await app.start(fine(null), { id: 'fine' })
    expect(await app.result('fine')).toBe(1)
    for (const id of ['alone', 'between']) {
      const run = await until(app, null, async () => (await app.run(id))?.status === 'stuck' && app.run(id))
      expect(run).toMatchObject({ reason: 'threw', error: { code: 'FOREIGN_AWAIT' } })
    }
    const message = (await app.run('alone'))?.error?.message
    expect(message).toMatch(
      / awaits something that is not durable \([a-z ]+, begun at \/.*\/foreign-await\.test\.ts:\d+\)/,
    )
    expect(message).toContain(`(${words[kind]}, begun at `)
  },
)

test('F14: a branch that nobody awaits and that fails: it cannot end the process; a bug in it is that run’s, a failed call is nobody’s', async () => {
  const bug = workflow('bug', { input: z.null(), output }, async (run) => {
    const branch = async (): Promise<never> => {
      await run.call(math.one(null))
      throw new RangeError('in a branch')
    }
    void branch()
    await run.sleep('50ms')
    return 'end'
  })
  const failed = workflow('failed', { input: z.null(), output }, async (run) => {
    const branch = async (): Promise<void> => {
      await run.call(math.fails(null))
    }
    const later = branch()
    await run.sleep('20ms')
    return later.then(
      () => 'no',
      () => 'seen late',
    )
  })
  const app = await openForTest(ballet({ services: [math], workflows: [bug, failed] }))
  await app.start(bug(null), { id: 'bug' })
  await app.start(failed(null), { id: 'failed' })
  expect(await app.result('failed')).toBe('seen late')
  const run = await until(app, null, async () => (await app.run('bug'))?.status === 'stuck' && app.run('bug'))
  expect(run?.error?.message).toContain('in a branch')
})

test('in development a line of a workflow that asks the clock or the dice of JavaScript is told once, and nobody else who does', async () => {
  const log = keptLog()
  const asks = workflow('asks', { input: z.null(), output }, async (run) => {
    const said = [Date.now(), new Date().getTime(), Math.random(), crypto.randomUUID(), randomUUID()]
    // Nothing of this is another one when it is done again, or it is recorded.
    await run.step('chance', () => [Date.now(), Math.random()])
    await run.call(math.one(null))
    return [
      said.length,
      new Date(0).getTime(),
      Date.parse('1970-01-01'),
      run.now() instanceof Date,
      new Date(0).constructor === Date,
    ]
  })
  const globals = (): unknown[] => [Date, Date.now, Math.random, Reflect.get(crypto, 'randomUUID'), randomUUID]
  const before = globals()
  const app = await openForTest(ballet({ services: [math], workflows: [asks] }), { development: true, log })
  for (const id of ['a', 'b']) {
    await app.start(asks(null), { id })
    expect(await app.result(id)).toEqual([5, 0, 0, true, true])
  }
  // Outside of a run.
  expect([Date.now() > 0, Math.random() < 1, randomUUID().length]).toEqual([true, true, 36])
  await app.close()
  // One line asks five times.
  expect(log.lines.filter((line) => line.includes('which answers otherwise'))).toEqual([
    expect.stringMatching(
      /The workflow asks asks Date\.now\(\) \(\/.*foreign-await\.test\.ts:\d+\), .* Take run\.now\(\)/,
    ),
  ])
  expect(globals()).toEqual(before)
})

test.each([
  ['new Date()', 'run.now()', () => new Date().getTime()],
  ['Math.random()', 'run.random()', () => Math.random()],
  ['crypto.randomUUID()', 'run.uuid()', () => crypto.randomUUID()],
  ['randomUUID()', 'run.uuid()', () => randomUUID()],
])(
  '%s in a workflow is told with %s in its place, of two applications in one process too',
  async (what, instead, ask) => {
    const log = keptLog()
    const asks = workflow('asks', { input: z.null(), output }, async () => ask())
    const open = () => openForTest(ballet({ services: [], workflows: [asks] }), { development: true, log })
    const [other, app] = [await open(), await open()]
    await other.close()
    await app.start(asks(null), { id: 'a' })
    await app.result('a')
    await app.close()
    expect(log.lines.filter((line) => line.includes('which answers otherwise'))).toEqual([
      expect.stringContaining(`asks ${what} (`),
    ])
    expect(log.lines.join('\n')).toContain(`Take ${instead}`)
  },
)

test('in development who wraps the clock, as a test does that spies on it, has what stood there, and puts it back', async () => {
  const before = Date.now
  const app = await openForTest(ballet({ services: [math] }), { development: true })
  const { now } = Date
  Date.now = () => now.call(Date) + 3_600_000
  expect(Date.now()).toBeGreaterThan(performance.timeOrigin + 3_600_000)
  Date.now = now
  expect(Date.now()).toBeLessThan(performance.timeOrigin + 3_600_000)
  await app.close()
  expect(Date.now).toBe(before)
})

test('otherwise nothing of JavaScript is replaced', async () => {
  const { now } = Date
  const app = await openForTest(ballet({ services: [math] }))
  expect(Date.now).toBe(now)
  await app.close()
})
