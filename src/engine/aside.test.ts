// What is kept of an inbox: for another version, for when it can be read again; and what is refused because somebody hears it.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest } from '../../test/support/applications.ts'
import { newFile } from '../../test/support/conducted.ts'
import { fault, type ErrorCode } from '../core/errors.ts'
import { ballet, signal, workflow } from '../index.ts'
import { asideFor } from './aside.ts'
import { systemClock } from './clock.ts'

const at = 1_000_000
const row = { id: 1, ns: 'main', slot: 0, kind: 'start', target: 'r', data: '{}', at } as const
const refused = fault('INPUT_INVALID', { what: 'the input', path: 'the top', problem: 'no' })

test.each<[string, number, 'aside' | null]>([
  ['came just now', at + 1000, null],
  ['came from a clock that is a little ahead', at - 1000, null],
  ['has lain there for long', at + 40_000, 'aside'],
  ['comes from a clock that is far ahead, so that nobody knows', at - 40_000, 'aside'],
])('a start that a version refuses and that %s', (_words, now, place) => {
  expect(asideFor(row, '{}', now, refused)).toBe(place)
})

test.each<[ErrorCode, 'aside' | null]>([
  ['SCHEMA_ASYNC', 'aside'],
  ['VALUE_NOT_JSON', 'aside'],
  ['PAYLOAD_TOO_LARGE', 'aside'],
  ['ID_INVALID', 'aside'],
  ['TIME_INVALID', 'aside'],
  ['REQUEST_INVALID', 'aside'],
  // Another one has its name, in whichever version.
  ['RUN_CONFLICT', null],
  ['EVENT_CONFLICT', null],
])('a start and an event that nobody waits for, refused with %s', (code, place) => {
  for (const kind of ['start', 'event'] as const)
    expect(asideFor({ ...row, kind }, '{"silent":true}', at + 1000, fault(code))).toBe(place)
})

test('a signal that cannot be read for a while is looked at again, ever more seldom, and comes when it can be', async () => {
  const Go = signal('go', z.string())
  const child = workflow(
    'child',
    { input: z.null(), output: z.string(), signals: [Go] },
    async (run) => (await run.receive(Go)).data,
  )
  const parent = workflow('parent', { input: z.null(), output: z.json() }, async (run) => {
    const begun = run.start(child(null))
    begun.signal(Go('money'))
    return begun.result()
  })
  let looks = 0
  const pauses: number[] = []
  const last = gate()
  // Time passes in no time; what is kept is when was to be looked.
  const clock = {
    ...systemClock,
    after: (delayMs: number, callback: () => void) => {
      pauses.push(delayMs)
      if (delayMs === 16_000) last.open()
      return systemClock.after(Math.min(delayMs, 1), callback)
    },
  }
  const codec = {
    encode: (text: string) => text,
    decode: (payload: unknown) => {
      const text = String(payload)
      if (text.includes('"judged"') && ++looks <= 4) throw new Error('the key is away')
      return text
    },
  }
  const log = keptLog()
  const app = await openForTest(ballet({ services: [], workflows: [child, parent] }), {
    store: newFile(),
    clock,
    codec,
    log,
  })
  await app.start(parent(null), { id: 'p' })
  expect(await app.result('p')).toBe('money')
  // It is said once, whatever becomes of the looks.
  expect(log.lines.filter((line) => line.includes('is set aside until it can be'))).toHaveLength(1)
  const isLook = (ms: number): boolean => ms > 1000 && Math.log2(ms / 1000) % 1 === 0
  // One more finds that nothing is there any more: then it is not looked until something is.
  await last.promise
  expect(pauses.filter(isLook)).toEqual([2000, 4000, 8000, 16_000])
  expect((await app.nodes()).shards).toMatchObject([{ waiting: 0 }])
})
