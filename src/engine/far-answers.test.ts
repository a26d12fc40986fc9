// How long what other nodes are answered is kept.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, open, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live, rounds } from '../../test/support/sweeps.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault, type ErrorCode } from '../core/errors.ts'
import { AnswersRead, answersOf, refusal } from './far-answers.ts'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const nothing = workflow('nothing', { input: z.null(), output: z.null() }, async () => null)

test('the answers of a minute are forgotten a minute later, however many they are', async () => {
  const clock = new SteppedClock()
  const store = memory(new MemoryData())
  const app = await open(ballet({ services: [], workflows: [nothing] }), { store, clock, log: quiet })
  const answers = async () => (await store.inboxIds(0, answersOf('default'), 10_000)).length
  const row = { ns: 'default', slot: 0, kind: 'act' as const, target: 'nobody' }
  const act = { action: 'cancel', run: 'nobody', request: {} }
  for (let asked = 0; asked < 1200; asked += 100) {
    const asks = Array.from({ length: 100 }, (_, n) => JSON.stringify({ act, ask: `ask-${asked + n}` }))
    await store.post(
      0,
      asks.map((data) => ({ ...row, data, at: clock.now() })),
    )
    await live(clock, 2)
  }
  expect(await answers()).toBe(1200)
  clock.pass(60_000)
  await rounds(50)
  expect(await answers()).toBe(0)
  await app.close()
})

test('answers that could not be read when the application was opened are forgotten a minute later', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const place = answersOf('default')
  const store = memory(data)
  await store.open()
  await store.post(0, [{ ns: place, slot: 0, kind: 'acted', target: 'ask', data: '{}', at: clock.now() }])
  clock.pass(60_000)
  let failing = 1
  const failsOnce = guarded(memory(data), 'inbox', (pass, ...[, ns]) => {
    const isFailing = ns === place && failing-- > 0
    return isFailing ? Promise.reject(fault('STORE_FAILED', { problem: 'inbox failed' })) : pass()
  })
  const app = await open(ballet({ services: [], workflows: [nothing] }), { store: failsOnce, clock, log: quiet })
  expect(data.inbox.size).toBe(1)
  clock.pass(60_000)
  await rounds(50)
  expect(data.inbox.size).toBe(0)
  await app.close()
})

test('an answer under a number that was given before is found: the store has gone back, and counts anew', async () => {
  const store = memory(new MemoryData())
  await store.open()
  const said = (ask: string) => ({ ns: answersOf('main'), slot: 0, kind: 'acted' as const, target: ask, at: 0 })
  const answer = async (of: typeof store, ask: string) =>
    of.post(0, [{ ...said(ask), data: JSON.stringify({ refused: { code: 'RUN_UNKNOWN', details: { id: ask } } }) }])
  let now = store
  const codec = { encode: (text: string) => text, decode: String }
  const reads: number[] = []
  const seen = guarded(store, 'inbox', (_, ...asked) => {
    reads.push(asked[3] ?? 0)
    return now.inbox(...asked)
  })
  const answers = new AnswersRead({ store: seen, ns: 'main', codec })
  for (const ask of ['a', 'b', 'c']) await answer(store, ask)
  expect(await answers.to(answers.ask(0, 'c'))).not.toBeNull()
  expect(answers.ask(0, 'd').after).toBe(3)
  now = memory(new MemoryData())
  await now.open()
  const looks = answers.looks(answers.ask(0, 'd'))
  await answer(now, 'd')
  for (let count = 1; count < 8; count++) expect(await looks()).toBeNull()
  expect(await looks()).toMatchObject({ refused: { code: 'RUN_UNKNOWN', details: { id: 'd' } } })
  // Whoever asks next finds his at once, and reads no others.
  const next = answers.ask(0, 'e')
  await answer(now, 'e')
  reads.length = 0
  expect(await answers.looks(next)()).not.toBeNull()
  expect(reads).toEqual([1])
})

test('a node of a newer version refuses with an error that is not known here: that is said by its code', () => {
  const known = refusal({ refused: { code: 'RUN_ENDED', details: { id: 'a', status: 'failed' } } })
  expect(known).toMatchObject({ code: 'RUN_ENDED', message: expect.stringContaining('"a"') as string })
  const unknown = refusal({ refused: { code: 'SIGNAL_TOO_GREEN' as ErrorCode, details: {} } })
  expect(unknown).toMatchObject({
    code: 'OWNER_REFUSED',
    message: expect.stringContaining('SIGNAL_TOO_GREEN') as string,
  })
})
