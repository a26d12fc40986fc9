// What waits for the disk: acknowledgements, effects, answers. The store here is the real one in memory behind a gate
// that a test holds: a commit can be kept, refused, or done with its reply lost.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { guarded, inboxItem } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import type { Batch, Store } from '../core/store.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const output = z.json()
const Fact = event('a.fact', z.object({ id: z.string() }), { key: 'id' })

/** A store whose commits pass through `commit`. */
const through = (store: Store, commit: (batch: Batch, pass: () => Promise<void>) => Promise<void>): Store =>
  guarded(store, 'commit', (pass, batch) => commit(batch, pass))

const parts = () => {
  const effects: string[] = []
  const desk = service('desk', {
    stamp: operation({ input: z.string(), output: z.string(), run: (text) => (effects.push(text), text) }),
  })
  const flow = workflow('flow', { input: z.array(z.string()), output }, async (run, texts) => {
    for (const text of texts) await run.call(desk.stamp(text))
    return texts.length
  })
  return { effects, desk, flow, definition: ballet({ services: [desk], workflows: [flow], events: [Fact] }) }
}

test('an effect starts only when every earlier turn of its run is durable; so does an acknowledgement', async () => {
  const { effects, flow, definition } = parts()
  let held: { readonly batch: Batch; readonly release: () => void } | null = null
  let holding = false
  const store = through(memory(), async (batch, pass) => {
    if (holding) {
      const door = gate()
      held = { batch, release: () => door.open() }
      await door.promise
    }
    return pass()
  })
  const app = await openForTest(definition, { store })
  holding = true
  let acknowledged = false
  const started = app.start(flow(['one', 'two']), { id: 'f' }).then(() => (acknowledged = true))
  const commits: number[] = []
  for (let step = 0; step < 3; step++) {
    const { batch, release } = await new Promise<{ batch: Batch; release: () => void }>((resolve) => {
      const look = (): void => void (held === null ? setImmediate(look) : resolve(held))
      look()
    })
    held = null
    // While the commit is held, nothing that depends on it has happened.
    expect(effects.length).toBe(step)
    expect(acknowledged).toBe(step > 0)
    commits.push(batch.journal.length)
    release()
    if (step === 0) await started
  }
  expect(await app.result('f')).toBe(2)
  expect(commits).toEqual([1, 1, 1])
})

test.each([1, 3, 10])('a run of %i sequential effects takes one commit more than it has effects', async (count) => {
  const { flow, definition } = parts()
  let commits = 0
  const app = await openForTest(definition, {
    store: through(memory(), (_batch, pass) => {
      commits += 1
      return pass()
    }),
  })
  await app.start(flow(Array.from({ length: count }, (_, index) => `${index}`)), { id: 'f' })
  await app.result('f')
  expect(commits).toBe(count + 1)
})

/** A store that goes on elsewhere, from what is there: as a node sees a fail-over. */
function movable(data: MemoryData): { readonly store: Store; readonly goTo: (other: Store) => Promise<void> } {
  let now = memory(data)
  const store = new Proxy(now, {
    get(_first, word: keyof Store) {
      const value: unknown = Reflect.get(now, word)
      return typeof value === 'function' ? (value.bind(now) as unknown) : value
    },
  })
  const goTo = async (other: Store): Promise<void> => {
    await other.open()
    now = other
  }
  return { store, goTo }
}

test('F9: a commit whose reply is lost: it is settled by reading; one that did not happen is sent again, to the byte', async () => {
  const { effects, flow, definition } = parts()
  const sent: Batch[] = []
  let count = 0
  const app = await openForTest(definition, {
    store: through(memory(), async (batch, pass) => {
      sent.push(batch)
      count += 1
      if (count === 1) throw fault('COMMIT_UNKNOWN')
      await pass()
      if (count === 3) throw fault('COMMIT_UNKNOWN')
    }),
  })
  await app.start(flow(['a', 'b']), { id: 'f' })
  expect(await app.result('f')).toBe(2)
  expect(effects).toEqual(['a', 'b'])
  expect(sent[0]).toEqual(sent[1])
  expect(sent.length).toBe(4)
})

test('F9: a commit that is written after it was looked for: the retry that is refused is settled by reading, too', async () => {
  const { flow, definition, effects } = parts()
  let late: (() => Promise<void>) | null = null
  const store = through(memory(), async (batch, pass) => {
    if (batch.journal.length === 0) return pass()
    // The second time it comes after the first, which was only slow.
    if (late !== null) await late()
    else {
      late = pass
      throw fault('COMMIT_UNKNOWN')
    }
    return pass()
  })
  const app = await openForTest(definition, { store })
  await app.start(flow(['one']), { id: 'f' })
  late = async () => {}
  expect(await app.result('f')).toBe(1)
  expect(effects).toEqual(['one'])
})

test('F6: a store that fails: the application stops, nothing is acknowledged, nothing more is done', async () => {
  const { effects, flow, definition } = parts()
  let failing = false
  const data = new MemoryData()
  const app = await openForTest(definition, {
    store: through(memory(data), (_batch, pass) =>
      failing ? Promise.reject(fault('STORE_FAILED', { problem: 'disk on fire' })) : pass(),
    ),
  })
  await app.start(flow([]), { id: 'before' })
  failing = true
  await expect(app.start(flow(['x']), { id: 'f' })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await expect(app.publish(Fact({ id: 'o' }))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await expect(app.settled('before', 0)).resolves.toMatchObject({ status: 'completed' })
  expect(effects).toEqual([])
  const next = await openForTest(definition, { store: memory(data) })
  expect(await next.run('f')).toBeNull()
})

test('a commit of which nothing is known, in a store that has gone back since: the shard is lost, and what is there goes on', async () => {
  const { effects, flow, definition } = parts()
  const data = new MemoryData()
  const { store, goTo } = movable(data)
  const app = await openForTest(definition, { store })
  const copy = data.copy()
  await app.start(flow([]), { id: 'since' })
  await app.result('since')
  await goTo(through(memory(copy), () => Promise.reject(fault('COMMIT_UNKNOWN'))))
  await expect(app.start(flow(['x']), { id: 'f' })).rejects.toMatchObject({ code: 'SHARD_FENCED' })
  expect(await app.stopped).toMatchObject({ code: 'SHARD_FENCED' })
  expect(effects).toEqual([])
})

test('a row of the inbox that is not there any more, in a store that has gone back: the shard is lost', async () => {
  const { flow, definition } = parts()
  const store = through(memory(), (_batch, pass) => (isBack ? Promise.reject(fault('INBOX_GONE')) : pass()))
  let isBack = false
  const app = await openForTest(definition, { store })
  isBack = true
  await expect(app.start(flow([]), { id: 'f' })).rejects.toMatchObject({ code: 'SHARD_FENCED' })
  expect(await app.stopped).toMatchObject({ code: 'SHARD_FENCED' })
})

test('a run that has ended, and is open where the store has gone back to: whoever asks is not answered by what was', async () => {
  const Go = signal('go', z.null())
  const waiter = workflow('waiter', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
    return (await run.receive(Go)).data
  })
  const data = new MemoryData()
  const { store, goTo } = movable(data)
  const app = await openForTest(ballet({ services: [], workflows: [waiter] }), { store })
  await app.start(waiter(null), { id: 'w' })
  const copy = data.copy()
  await app.signal('w', Go(null))
  await app.result('w')
  await goTo(memory(copy))
  await expect(app.cancel('w')).rejects.toMatchObject({ code: 'SHARD_FENCED' })
})

test('F12: a start that comes twice: the same id with the same input is the same run, also at once; with another input a conflict', async () => {
  const { flow, definition } = parts()
  const app = await openForTest(definition)
  const all = await Promise.all(Array.from({ length: 20 }, () => app.start(flow(['a']), { id: 'same' })))
  expect(all.filter((one) => one.created).length).toBe(1)
  await expect(app.start(flow(['b']), { id: 'same' })).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
  await expect(app.start(flow(['b']), { id: 'not an id' })).rejects.toMatchObject({ code: 'ID_INVALID' })
  await expect(app.startNamed({ call: 'flwo', input: [] })).rejects.toMatchObject({
    code: 'CALL_UNKNOWN',
    message: expect.stringContaining('"flow"'),
  })
  await expect(app.startNamed({ call: 'flow', input: [1] })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  expect((await app.runs()).items.length).toBe(1)
})

test('F12: an item in the inbox that cannot be taken: it does not block the rest, and each is taken once', async () => {
  const { definition } = parts()
  const data = new MemoryData()
  const store = memory(data)
  const app = await openForTest(definition, { store })
  await store.post(0, [
    inboxItem('signal', 'nobody', { run: 'nobody', name: 'x', data: null }),
    inboxItem('start', 'flow', { call: 'flow', input: ['a'], id: 'posted' }),
    inboxItem('start', 'flow', { call: 'flow', input: ['a'], id: 'posted' }),
    inboxItem('event', 'a.fact', { type: 'a.fact', data: { id: 'o' }, id: 'e' }),
    { ns: 'default', slot: 0, kind: 'start', target: 'flow', data: 'not json', at: 0 },
  ])
  // A negative answer waits for the inbox: the start that lies there is found.
  expect((await app.run('posted'))?.id).toBe('posted')
  expect(await app.result('posted')).toBe(1)
  await until(app, null, async () => (await store.inbox(0, 'default', 10)).length === 0)
  expect((await app.events()).items.length).toBe(1)
  expect((await app.runs()).items.length).toBe(1)
})

test('an id that was given to one call is not another call’s, also with the same input', async () => {
  const desk = service('desk', {
    charge: operation({ input: z.string(), run: () => {} }),
    refund: operation({ input: z.string(), run: () => {} }),
  })
  const app = await openForTest(ballet({ services: [desk] }))
  expect(await app.start(desk.charge('o'), { id: 'x' })).toEqual({ id: 'x', created: true })
  await expect(app.start(desk.refund('o'), { id: 'x' })).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
})

test('F6: an answer that cannot be written: the engine stops, and does not leave a run half written', async () => {
  const { flow, definition } = parts()
  let failing = false
  const app = await openForTest(definition, {
    codec: {
      encode: (text, place) => {
        if (failing && place.row === 'turn' && text.includes('"done"')) throw new RangeError('no key')
        return text
      },
      decode: (payload) => String(payload),
    },
  })
  failing = true
  await app.start(flow(['a']), { id: 'f' })
  expect(await app.stopped).toMatchObject({ message: 'no key' })
  await expect(app.start(flow([]), { id: 'g' })).rejects.toMatchObject({ message: 'no key' })
})

test('F10: a process that was replaced and has not noticed: it does not say of a run of its successor that it has ended', async () => {
  const Go = signal('go', z.object({ n: z.number() }))
  const waiter = workflow('waiter', { input: z.null(), output, signals: [Go] }, async (run) => {
    return (await run.receive(Go)).data.n
  })
  const definition = ballet({ services: [], workflows: [waiter] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  const second = await openForTest(definition, { store: memory(data) })
  await second.start(waiter(null), { id: 'w' })
  await expect(first.signal('w', Go({ n: 1 }))).rejects.toMatchObject({ code: 'SHARD_FENCED' })
  await expect(first.cancel('w')).rejects.toMatchObject({ code: 'SHARD_FENCED' })
  await second.signal('w', Go({ n: 2 }))
  expect(await second.result('w')).toBe(2)
})
