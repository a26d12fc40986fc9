// What people do to what lies aside: what comes of it, what is durable, and who is told.
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Codec } from '../core/codec.ts'
import { ballet, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { workflow } from '../define/workflow.ts'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import { receiptsOf } from './aside-acts.ts'

/** Undecodable while `isAway`. */
function lockable() {
  const key = { isAway: true }
  const codec: Codec = {
    encode: (text) => text,
    decode: (payload) => {
      if (key.isAway && String(payload).includes('"call"')) throw new Error('the key is away')
      return String(payload)
    },
  }
  return { key, codec }
}

const flow = workflow('flow', { input: z.number().max(1), output: z.number() }, async (_, n) => n)
const shop = ballet({ name: 'shop', version: '2', services: [], workflows: [flow] })
const startOf = (id: string, input: unknown, call = 'flow'): string =>
  JSON.stringify({ call, input, id, hash: id, silent: true })

/** An application, with starts in its inbox that came in transactions. */
async function opened(data: MemoryData, starts: readonly string[], codec?: Codec) {
  const log = keptLog()
  const store = memory(data)
  const app = await openForTest(shop, { store, log, ...(codec && { codec }) })
  await store.post(
    0,
    starts.map((text) => ({
      ns: 'default',
      slot: 0,
      kind: 'start' as const,
      target: (JSON.parse(text) as { id: string }).id,
      data: text,
      at: 1_780_000_000_000,
    })),
  )
  // What lies in the inbox has been looked at when a negative answer is given.
  expect(await app.run('nobody')).toBeNull()
  return { app, log, store }
}

const itemsOf = async (app: Application): Promise<readonly string[]> =>
  (await app.asides()).items.map(({ item }) => item)

test('what lies aside is listed with its name and its cause, and one is shown with all that it says', async () => {
  const { app } = await opened(new MemoryData(), [startOf('two', 2)])
  const { items, more } = await app.asides()
  expect(more).toBe(false)
  expect(items).toEqual([
    {
      item: expect.stringMatching(/^0-[0-9a-f]{16}$/) as string,
      shard: 0,
      kind: 'start',
      name: 'flow',
      version: null,
      id: 'two',
      again: 'owned anew',
      since: new Date(1_780_000_000_000).toISOString(),
      cause: { code: 'INPUT_INVALID', message: expect.stringContaining('flow') as string },
    },
  ])
  const whole = await app.aside(items[0]?.item ?? '')
  expect(whole).toEqual({ ...items[0], content: JSON.parse(startOf('two', 2)) as unknown })
})

test('what is tried again and cannot be taken lies aside under the same name, and says why', async () => {
  const { app } = await opened(new MemoryData(), [startOf('two', 2)])
  const [item = ''] = await itemsOf(app)
  const acted = await app.retryAside(item, { by: 'ann' })
  expect(acted).toMatchObject({ item, action: 'retry', outcome: 'aside', cause: { code: 'INPUT_INVALID' } })
  expect(await itemsOf(app)).toEqual([item])
})

test('what is tried again is taken at once when it can be', async () => {
  const { key, codec } = lockable()
  const { app, log } = await opened(new MemoryData(), [startOf('one', 1)], codec)
  const { items } = await app.asides()
  expect(items).toMatchObject([{ name: null, id: 'one', again: 'by itself', cause: { message: 'the key is away' } }])
  const [{ item } = { item: '' }] = items
  expect(await app.aside(item)).not.toHaveProperty('content')
  key.isAway = false
  expect(await app.retryAside(item, { by: 'ann', why: 'the key is back' })).toMatchObject({ outcome: 'taken' })
  expect(await app.result('one')).toBe(1)
  expect(log.lines.some((line) => line.includes(`ann had ${item} looked at once more`))).toBe(true)
  await expect(app.retryAside(item)).rejects.toMatchObject({ code: 'ASIDE_UNKNOWN' })
})

test('what is tried again and is refused for good lies there no more, and the answer says why', async () => {
  const { key, codec } = lockable()
  const { app } = await opened(new MemoryData(), [startOf('one', 1)], codec)
  const [item = ''] = await itemsOf(app)
  key.isAway = false
  await app.startNamed({ call: 'flow', input: 0, id: 'one' })
  const acted = await app.retryAside(item)
  expect(acted).toMatchObject({ outcome: 'refused', cause: { code: 'RUN_CONFLICT' } })
  expect(await itemsOf(app)).toEqual([])
})

test('what is set aside by the thousand does not fill the log', async () => {
  const { app, log } = await opened(
    new MemoryData(),
    Array.from({ length: 40 }, (_, n) => startOf(`run-${n}`, 2)),
  )
  expect(await itemsOf(app)).toHaveLength(40)
  const isTold = (line: string): boolean => line.includes('set aside')
  expect(log.lines.filter(isTold)).toHaveLength(10)
  await app.close()
  expect(log.lines.filter(isTold).at(-1)).toContain('What came (start) was set aside 30 more times within a minute')
})

test('what is dropped is gone for good, whoever asks again is told who did it, also after a restart, and the log says so', async () => {
  const { codec } = lockable()
  const data = new MemoryData()
  const { app, log } = await opened(data, [startOf('one', 1)], codec)
  const [item = ''] = await itemsOf(app)
  const dropped = { by: 'ann', why: 'ordered twice', at: expect.any(String) as string }
  const acted = { item, action: 'drop', outcome: 'dropped', dropped }
  expect(await app.dropAside(item, { by: 'ann', why: 'ordered twice' })).toEqual({ ...acted, changed: true })
  expect(log.lines.filter((line) => line.startsWith(`warn ann dropped ${item}`))).toHaveLength(1)
  expect(await app.dropAside(item, { by: 'bob' })).toEqual({ ...acted, changed: false })
  await app.close()
  const again = await openForTest(shop, { store: memory(data) })
  expect(await again.dropAside(item)).toEqual({ ...acted, changed: false })
  await expect(again.retryAside(item)).rejects.toMatchObject({
    code: 'ASIDE_DROPPED',
    message: expect.stringContaining('by ann') as string,
  })
  // Whoever wants it after all finds what it said.
  const shown = { item, kind: 'start', id: 'one', again: 'never', dropped, content: { call: 'flow', input: 1 } }
  expect(await again.aside(item)).toMatchObject(shown)
  expect(await again.run('one')).toBeNull()
  expect((await again.nodes()).shards).toMatchObject([{ waiting: 0 }])
})

test('what was dropped unread is told with what it said once it can be read, of a codec that makes bytes', async () => {
  const key = { isAway: true }
  const codec: Codec = {
    encode: (text) => Buffer.from(text),
    decode: (payload) => {
      const text = Buffer.from(payload).toString()
      if (key.isAway && text.startsWith('{"call"')) throw new Error('the key is away')
      return text
    },
  }
  const { app } = await opened(new MemoryData(), [startOf('one', 1)], codec)
  const [item = ''] = await itemsOf(app)
  await app.dropAside(item, { by: 'ann' })
  const unread = await app.aside(item)
  expect(unread).toMatchObject({ again: 'never', dropped: { by: 'ann' } })
  expect(unread.content).toBeUndefined()
  key.isAway = false
  expect(await app.aside(item)).toMatchObject({ content: { call: 'flow', input: 1, id: 'one' } })
})

test.each([
  ['before', false],
  ['after', true],
])(
  'a drop whose process dies %s it is durable is asked for again, and told as what it was',
  async (_when, isWritten) => {
    const { codec } = lockable()
    const data = new MemoryData()
    const first = await opened(data, [startOf('one', 1)], codec)
    const [item = ''] = await itemsOf(first.app)
    await first.app.close()
    const dying = guarded(memory(data), 'commit', async (pass, batch) => {
      const isDrop = batch.posts.some(({ ns }) => ns === receiptsOf('default'))
      if (!isDrop || isWritten) await pass()
      if (isDrop) throw fault('STORE_FAILED', { problem: 'the power is gone' })
    })
    const app = await openForTest(shop, { store: dying, codec })
    // It was set aside anew, under the same name.
    await app.run('nobody')
    await expect(app.dropAside(item, { by: 'ann' })).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await app.close()
    const next = await openForTest(shop, { store: memory(data), codec })
    await next.run('nobody')
    expect(await itemsOf(next)).toEqual(isWritten ? [] : [item])
    expect(await next.dropAside(item, { by: 'bob' })).toMatchObject({
      changed: !isWritten,
      dropped: { by: isWritten ? 'ann' : 'bob' },
    })
    expect(await itemsOf(next)).toEqual([])
  },
)

test('all that match are acted on, a rehearsal does nothing, and the rest stays', async () => {
  const { app } = await opened(new MemoryData(), [startOf('a', 2), startOf('b', 3), startOf('c', 4, 'gone')])
  const items = await itemsOf(app)
  const rehearsal = await app.actOnAsides({ action: 'drop', name: 'flow', rehearse: true })
  expect(rehearsal).toMatchObject({ matched: 2, changed: 0, rehearsed: items.slice(0, 2) })
  expect(await itemsOf(app)).toEqual(items)
  const dropped = await app.actOnAsides({ action: 'drop', name: 'flow' })
  expect(dropped).toMatchObject({ matched: 2, changed: 2, outcomes: { dropped: 2 }, refused: [] })
  expect(await itemsOf(app)).toEqual(items.slice(2))
  const tried = await app.actOnAsides({ action: 'retry' })
  expect(tried).toMatchObject({ matched: 1, changed: 1, outcomes: { aside: 1 } })
})
