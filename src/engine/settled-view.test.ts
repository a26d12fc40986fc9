// Whoever waits for a run is told how it ended from what its process knows: word for word what a read would say.
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { ballet, memory, operation, service, signal, TerminalError, workflow, type Store } from '../index.ts'

const output = z.string()
const Go = signal('go', z.enum(['end', 'fail', 'throw', 'continue', 'child']))

const desk = service('desk', {
  take: operation({ input: z.string(), output: z.string(), run: (input) => input }),
  refuse: operation({
    input: z.string(),
    output: z.string(),
    run: (): never => {
      throw new TerminalError('not today')
    },
  }),
})
const small = workflow('small', { input: z.string(), output }, async (run, input) => run.call(desk.take(input)))
const talk = workflow('talk', { input: z.string(), output, signals: [Go], state: z.json() }, async (run, input) => {
  run.set({ said: input })
  const { data } = await run.receive(Go)
  if (data === 'fail') run.set({ said: 'that it fails' })
  if (data === 'fail') throw new TerminalError('nobody is there')
  if (data === 'throw') return run.call(desk.refuse(input))
  if (data === 'continue') return run.continueAs('again')
  return data === 'child' ? run.call(small(input)) : run.call(desk.take(input))
})
const mute = workflow('mute', { input: z.string(), output, signals: [Go] }, async (run) => (await run.receive(Go)).data)

/** A store that counts what is read of journals. */
function counting(): { store: Store; reads: () => number } {
  let reads = 0
  const store = new Proxy(memory(), {
    get: (target, name) => {
      if (name === 'journal') reads += 1
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { store, reads: () => reads }
}

test.each([
  ['has ended', talk('a'), ['end']],
  ['has asked a run of its own', talk('a'), ['child']],
  ['has begun anew', talk('a'), ['continue', 'end']],
  ['has failed', talk('a'), ['fail']],
  ['has failed with a call', talk('a'), ['throw']],
  ['has never said how it stands', mute('a'), ['end']],
] as const)('a run that %s', async (_how, call, words) => {
  const { store, reads } = counting()
  const app = await openForTest(ballet({ services: [desk], workflows: [small, talk, mute] }), { store })
  await app.start(call, { id: 'r' })
  const settled = app.settled('r', 20_000)
  for (const [index, word] of words.entries()) await app.signal('r', Go(word), { id: `s${index}` })
  const before = reads()
  const seen = await settled
  expect(reads()).toBe(before)
  expect(seen).toEqual(await app.run('r'))
  expect(seen?.ended).not.toBeNull()
})

test('a run that was cancelled', async () => {
  const { store } = counting()
  const app = await openForTest(ballet({ services: [desk], workflows: [talk] }), { store })
  await app.start(talk('a'), { id: 'r' })
  const settled = app.settled('r', 20_000)
  await app.cancel('r', { by: 'ops', why: 'no need' })
  const seen = await settled
  expect(seen).toMatchObject({ status: 'cancelled', state: { said: 'a' } })
  expect(seen).toEqual(await app.run('r'))
})

test('a call alone', async () => {
  const app = await openForTest(ballet({ services: [desk] }))
  await app.start(desk.take('a'), { id: 'r' })
  const seen = await app.settled('r', 20_000)
  expect(seen).toMatchObject({ status: 'completed', output: 'a' })
  expect(seen).toEqual(await app.run('r'))
})

test('a process whose store has failed tells of no other run that has got the number of what it could not write', async () => {
  const data = new MemoryData()
  const definition = ballet({ services: [desk], workflows: [mute] })
  let isFailing = false
  const failing = guarded(memory(data), 'commit', (pass) =>
    isFailing ? Promise.reject(fault('STORE_FAILED', { problem: 'the disk is gone' })) : pass(),
  )
  const old = await openForTest(definition, { store: failing })
  isFailing = true
  await expect(old.start(mute('x'), { id: 'lost' })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await old.stopped

  const app = await openForTest(definition, { store: memory(data) })
  for (const id of ['a', 'b', 'c']) {
    await app.start(mute('of somebody else'), { id })
    await app.signal(id, Go('end'))
    await app.result(id)
  }
  await expect(old.settled('lost', 1000)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await expect(old.result('lost')).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

test('a wait that is over leaves nothing on the signal that it was given', async () => {
  const app = await openForTest(ballet({ services: [desk], workflows: [mute] }), { store: memory() })
  await app.start(mute('x'), { id: 'm' })
  const { signal: patience } = new AbortController()
  for (const ms of [1, 1]) expect(await app.settled('m', ms, patience)).toMatchObject({ status: 'running' })
  expect(getEventListeners(patience, 'abort')).toEqual([])
})
