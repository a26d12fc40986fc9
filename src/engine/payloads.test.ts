// Payloads on their way to the store and back: the codec sees every one, and what is accepted comes back as it was.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import type { Codec, PayloadPlace } from '../core/codec.ts'
import { ballet, event, operation, service, signal, sqlite, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Box = z.object({ id: z.string(), value: z.json() })
const Put = event('box.put', Box, { key: 'id' })
const Give = signal('give', z.json())

/** Turns text around bit by bit, so that nothing of it can be read in the store. */
const flipped: Codec & { readonly places: Set<PayloadPlace['row']> } = {
  places: new Set(),
  encode(text, place) {
    this.places.add(place.row)
    return Buffer.from(text).map((byte) => byte ^ 0xff)
  },
  decode: (payload) => Buffer.from(Buffer.from(payload as Uint8Array).map((byte) => byte ^ 0xff)).toString(),
}

const values = {
  words: 'canary-Ωmega',
  nul: 'a\u0000b',
  surrogate: '\ud800',
  newlines: 'one\ntwo\r\n\u2028three',
  deep: JSON.parse(`${'['.repeat(60)}1${']'.repeat(60)}`) as unknown,
  prototype: JSON.parse('{"constructor":{"prototype":1},"toString":2}') as unknown,
  numbers: [0, 1e21, 5e-324, 2 ** 53 - 1],
  empty: ['', {}, [], null, false],
  large: 'x'.repeat(200_000),
} as const

const boxes = service('boxes', {
  keep: operation({ input: Box, outcomes: [Put], run: (box) => Put(box) }),
  fail: operation({
    input: z.null(),
    retry: { attempts: 1 },
    run: (): void => {
      throw new Error('canary-Ωmega')
    },
  }),
})
const flow = workflow(
  'flow',
  { input: Box, output: z.json(), key: 'id', signals: [Give], state: z.json() },
  async (run, box) => {
    run.set(box.value)
    const put = await run.call(boxes.keep(box))
    const given = await run.receive(Give)
    return [put.data.value, given.data]
  },
)

test('every place of a payload passes through the codec; nothing readable is left in the store', async () => {
  const data = new MemoryData()
  const definition = ballet({ services: [boxes], workflows: [flow] })
  const app = await openForTest(definition, { store: memory(data), codec: flipped })
  await app.start(flow({ id: 'o', value: 'canary-Ωmega' }))
  await app.signal('flow:o', Give('canary-Ωmega'))
  await app.start(boxes.fail(null), { id: 'failing' })
  expect(await app.result('flow:o')).toEqual(['canary-Ωmega', 'canary-Ωmega'])
  await until(app, null, async () => (await app.run('failing'))?.status === 'stuck')
  expect([...flipped.places].sort()).toEqual(['error', 'event', 'input', 'output', 'turn'])
  const all = JSON.stringify(
    [[...data.runs.values()], [...data.journal.values()], data.events],
    (_key, part: unknown) => (part instanceof Uint8Array ? Buffer.from(part).toString('latin1') : part),
  )
  expect(all).not.toContain('canary')
  const again = await openForTest(definition, { store: memory(data), codec: flipped })
  expect(await again.run('flow:o')).toMatchObject({ input: { id: 'o', value: 'canary-Ωmega' }, state: 'canary-Ωmega' })
})

test.each(Object.entries(values))(
  '%s: what is accepted comes back as it was, through input, outcome, signal, state and output',
  async (_name, value) => {
    const data = new MemoryData()
    const definition = ballet({ services: [boxes], workflows: [flow] })
    const app = await openForTest(definition, { store: memory(data) })
    await app.startNamed({ call: 'flow', input: { id: 'o', value } })
    await until(app, null, async () => (await app.run('flow:o'))?.waits[0]?.kind === 'receive')
    const again = await openForTest(definition, { store: memory(data) })
    await again.signalNamed({ run: 'flow:o', name: 'give', data: value })
    expect(await again.result('flow:o')).toEqual([value, value])
    const { events, runs } = await again.key('id', 'o')
    expect(events[0]?.data).toEqual({ id: 'o', value })
    expect(runs[0]).toMatchObject({ state: value, input: { id: 'o', value } })
  },
)

test('a run whose payloads cannot be decoded any more hides no other in a list, and nothing takes their place', async () => {
  const data = new MemoryData()
  const definition = ballet({ services: [boxes], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data), codec: flipped })
  for (const id of ['lost', 'sound']) {
    await first.start(flow({ id, value: 1 }))
    await first.signal(`flow:${id}`, Give(2))
    await first.result(`flow:${id}`)
  }
  await first.close()
  const decode: Codec['decode'] = (payload, place) => {
    if (place.id === 'flow:lost') throw new Error('the key is gone')
    return flipped.decode(payload, place)
  }
  const app = await openForTest(definition, { store: memory(data), codec: { ...flipped, decode } })
  const runs = (await app.runs({ kind: 'workflow' })).items
  expect(runs.map(({ id, output }) => [id, output])).toEqual([
    ['flow:sound', [1, 2]],
    ['flow:lost', undefined],
  ])
  expect(runs[1]).toMatchObject({ status: 'completed', input: null, error: { code: 'RUN_UNREADABLE' } })
  expect((await app.graph('run:flow:lost')).runs).toHaveLength(1)
  await expect(app.result('flow:lost')).rejects.toThrow('the key is gone')
  const lost = {
    code: 'RUN_UNREADABLE',
    message: expect.stringContaining('the run "flow:lost" cannot be read: the key is gone'),
  }
  for (const ask of [app.run('flow:lost'), app.journal('flow:lost')]) await expect(ask).rejects.toMatchObject(lost)
})

test('a run whose journal cannot be decoded for a while: its view says so, and not that it waits for nothing', async () => {
  let isAway = false
  const decode: Codec['decode'] = (payload, place) => {
    if (isAway && place.row === 'turn') throw new Error('the key is away')
    return flipped.decode(payload, place)
  }
  const definition = ballet({ services: [boxes], workflows: [flow] })
  const app = await openForTest(definition, { store: memory(), codec: { ...flipped, decode } })
  await app.start(flow({ id: 'o', value: 1 }))
  const known = await until(app, null, async () => {
    const view = await app.run('flow:o')
    return view?.waits[0]?.kind === 'receive' && view
  })
  isAway = true
  const { state, ...seen } = known
  const unread = { code: 'RUN_UNREADABLE', message: expect.stringContaining('the key is away') }
  expect(state).toBe(1)
  expect(await app.run('flow:o')).toEqual({ ...seen, waits: [], unread: expect.objectContaining(unread) })
  expect((await app.runs()).items).toMatchObject([{ unread }])
  isAway = false
  expect(await app.run('flow:o')).toEqual(known)
})

test('an event whose reaction cannot be encoded is refused whole, and is one event when it is published again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-codec-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  let isAway = true
  const codec: Codec = {
    encode: (text, { row, id }) => {
      if (isAway && row === 'input' && id.startsWith('keeper:')) throw new Error('the key is away')
      return text
    },
    decode: String,
  }
  const put: string[] = []
  const keeper = service('keeper', {
    keep: operation({ input: Box, output: z.null(), run: ({ id }) => (put.push(id), null) }),
  })
  keeper.on(Put, (box) => keeper.keep(box))
  const definition = ballet({ services: [keeper] })
  const store = sqlite({ file: join(folder, 'app.db') })
  const app = await openForTest(definition, { store, codec })
  const first = Put({ id: '1', value: 0 })
  await expect(app.publish(first, { id: 'e' })).rejects.toThrow('the key is away')
  // What is written in the same moment takes nothing of it along.
  isAway = false
  await app.publish(Put({ id: '2', value: 0 }), { id: 'f' })
  expect((await app.events({ types: ['box.put'] })).items.map(({ id }) => id)).toEqual(['f'])
  expect(await app.publish(first, { id: 'e' })).toMatchObject({ created: true })
  expect(await app.publish(first, { id: 'e' })).toMatchObject({ created: false })
  await until(app, null, async () => put.length === 2)
  expect((await app.events({ types: ['box.put'] })).items.map(({ id }) => id)).toEqual(['f', 'e'])
  expect(put.toSorted()).toEqual(['1', '2'])
})
