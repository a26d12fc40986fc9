import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import type { RunView } from '../core/views.ts'
import { ballet, event, operation, service, workflow } from '../index.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { z } from 'zod'
import { placesIn, placesOfAttempt } from './places.ts'

const here = fileURLToPath(import.meta.url)
const { stackTraceLimit } = Error
afterEach(() => void (Error.stackTraceLimit = stackTraceLimit))

function breaks(): never {
  throw new RangeError('a bug')
}

test('a run whose code threw tells where, in code of its author', async () => {
  const flow = workflow('flow', { input: z.null(), output: z.null() }, async (run) => {
    await run.sleep('1ms')
    return breaks()
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  const run = await until(app, null, async () => {
    const found = await app.run('f')
    return found?.status === 'stuck' && found
  })
  const details = run.error?.details as { readonly at: readonly string[] }
  const places = details.at.map((place) => place.replaceAll(/:\d+:\d+/g, ':line'))
  expect(places).toEqual([`breaks (${here}:line)`, expect.stringContaining(`${here}:line`)])
  const notes = (await app.journal('f'))?.items.flatMap(({ note }) => note ?? [])
  expect(notes).toMatchObject([{ kind: 'stuck', error: { details } }])
})

test('a reaction whose mapping threw tells where, and not who published its event; retried, where the code of today threw', async () => {
  const Noted = event('noted', z.object({ id: z.string() }), { key: 'id' })
  const desk = service('desk', {
    note: operation({ input: z.object({ id: z.string().max(3) }), run: () => undefined }),
  })
  const elsewhere = (): never => {
    throw new TypeError('another bug', { cause: new Error('of this') })
  }
  let isNew = false
  desk.on(Noted, ({ id }) => (id === 'long' ? desk.note({ id }) : isNew ? elsewhere() : breaks()))
  const data = new MemoryData()
  const told: string[] = []
  const error = (message: string, stack?: unknown): void => void told.push(`${message} ${JSON.stringify(stack)}`)
  const log = { ...keptLog(), error }
  const app = await openForTest(ballet({ services: [desk] }), { store: memory(data), log })
  // As applications set it that want to see who called: the publisher stands in the stack of the mapping.
  Error.stackTraceLimit = 50
  await app.publish(Noted({ id: 'e' }), { id: 'e' })
  await app.publish(Noted({ id: 'long' }), { id: 'long' })
  const placesOf = (run: RunView | null): unknown =>
    (run?.error?.details as { readonly at?: readonly string[] } | undefined)?.at?.map((at) =>
      at.replace(/:\d+:\d+/, ''),
    )
  const mapping = `Object.react (${here})`
  expect(placesOf(await app.run('desk:noted:e'))).toEqual([`breaks (${here})`, mapping])
  expect(told).toEqual([
    expect.stringMatching(
      /^The reaction desk:noted to event:.* is stuck: a bug \{"stack":"RangeError: a bug\\n +at breaks/,
    ),
    expect.stringMatching(/id: Too big.* undefined$/),
  ])
  // What it asked for was judged when it had returned.
  expect(await app.run('desk:noted:long')).toMatchObject({ error: { code: 'INPUT_INVALID' } })
  expect((await app.run('desk:noted:long'))?.error).not.toHaveProperty('details')
  isNew = true
  await app.retry('desk:noted:e')
  const again = await until(app, null, async () => {
    const run = await app.run('desk:noted:e')
    return run?.error?.message === 'another bug: of this' && run
  })
  expect(placesOf(again)).toEqual([`elsewhere (${here})`, mapping])
})

test('an attempt that failed tells where, and of several errors each, in the journal and to whoever asks what the run waits for', async () => {
  const refused = [new Error('no way to ::1'), new Error('no way to 127.0.0.1')]
  const bank = service('bank', {
    ask: operation({
      input: z.null(),
      retry: { attempts: 2, backoff: '1ms' },
      run: () => breaks(),
    }),
    dial: operation({
      input: z.null(),
      retry: { attempts: 1, exhausted: 'fail' },
      run: () => Promise.reject(new AggregateError(refused, 'All promises were rejected')),
    }),
  })
  let seen: unknown
  const flow = workflow('flow', { input: z.null(), output: z.null() }, async (run) => {
    await run.call(bank.dial(null)).catch((error: unknown) => (seen = error))
    await run.call(bank.ask(null))
    return null
  })
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  const run = await until(app, null, async () => {
    const found = await app.run('f')
    return found?.status === 'stuck' && found
  })
  const place = expect.stringContaining(`breaks (${here}:`) as string
  const at = expect.arrayContaining([place]) as readonly string[]
  expect(run.waits).toMatchObject([{ op: 'bank.ask#0', attempt: { number: 2, error: { details: { at } } } }])
  const notes = (await app.journal('f'))?.items.flatMap(({ note }) => note ?? [])
  expect(notes).toMatchObject([
    { kind: 'attempt', op: 'bank.dial#0', error: { message: expect.stringContaining('::1; no way to 127.0.0.1') } },
    { kind: 'attempt', op: 'bank.ask#0', attempt: 1, error: { code: 'RangeError', details: { at } } },
    { kind: 'attempt', op: 'bank.ask#0', attempt: 2, error: { code: 'RangeError', details: { at } } },
    { kind: 'stuck' },
  ])
  // What a workflow is told is what it is told again: no more than the words.
  expect(seen).toMatchObject({ failure: { code: 'AggregateError', message: expect.stringContaining('::1; no way') } })
  expect(Object.keys((seen as { readonly failure: object }).failure)).toEqual(['code', 'message'])
})

test('what is thrown without a place of its own is told by that of its cause, and what cannot be read by none', () => {
  const origin = new Error('the cause')
  const wrapped = new Error('wrapped', { cause: origin })
  wrapped.stack = 'Error: wrapped\n    at query (/shop/node_modules/pg/client.js:1:1)'
  expect(placesOfAttempt(wrapped)).toEqual(placesOfAttempt(origin))
  expect(placesOfAttempt(origin)[0]).toContain(here)
  const evil = new Error('evil')
  for (const field of ['stack', 'cause'])
    Object.defineProperty(evil, field, {
      get: () => {
        throw origin
      },
    })
  expect(placesOfAttempt(evil)).toEqual([])
  expect(placesOfAttempt('words')).toEqual([])
  wrapped.stack = Array.from({ length: 9 }, (_, n) => `    at f${n} (/shop/${'x'.repeat(500)}.ts:${n}:1)`).join('\n')
  expect(placesOfAttempt(wrapped).map((one) => one.length)).toEqual([300, 300, 300])
})

test('what is kept is small, whatever the stack is', () => {
  const own = `${fileURLToPath(new URL('.', import.meta.url))}pump.ts:1:1`
  const frames = ['node:internal/timers:5:5', '/shop/node_modules/zod/index.js:1:1', own, '<anonymous>']
  const lines = [
    ...frames,
    ...Array.from({ length: 20 }, (_, n) => `f${n} (file:///shop/${'x'.repeat(500)}.ts:${n}:1)`),
  ]
  const places = placesIn(`Error: words\n    at nothing here\n${lines.map((line) => `    at ${line}`).join('\n')}`)
  expect(places.map((place) => place.length)).toEqual([300, 300, 300, 300, 300])
  expect(places[0]).toMatch(/^f0 \(\/shop\/xxx/)
  expect(placesIn('')).toEqual([])
})
