// Stored journals against changed code, without an application: what fits, what differs and where, and that nothing at
// all is done by it.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import {
  ballet,
  choreography,
  event,
  on,
  operation,
  seq,
  service,
  signal,
  workflow,
  type ApplicationDefinition,
  type Run,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { OfflineReplay, type ReplayedRun } from './offline-replay.ts'

const Go = signal('go', z.string())
const done: string[] = []
const desk = service('desk', {
  one: operation({ input: z.string(), output: z.string(), run: (input) => (done.push(`one ${input}`), 'answer') }),
  two: operation({
    undoes: 'one',
    input: z.string(),
    output: z.string(),
    run: (input) => (done.push(`two ${input}`), 'answer'),
  }),
})

type Body = (run: Run<never, typeof Go, never, string>, input: string) => Promise<string>
const shop = (body: Body, name = 'flow'): ApplicationDefinition => {
  const flow = workflow(name, { input: z.string(), output: z.string(), signals: [Go] }, body as never)
  return ballet({ name: 'shop', services: [desk], workflows: [flow] })
}
const original: Body = async (run, input) => {
  const first = await run.call(desk.one(input))
  await run.step('note', () => void done.push('step'))
  const said = await run.receive(Go)
  if (said.data === 'throw') throw new RangeError('a bug')
  return first + String(run.random())
}

/** A store with an ended run, an open one and one that threw; and a run of an operation. */
async function stored(): Promise<MemoryData> {
  const data = new MemoryData()
  const app = await openForTest(shop(original), { store: memory(data) })
  for (const id of ['ended', 'open', 'threw']) await app.startNamed({ call: 'flow', input: id, id })
  await app.startNamed({ call: 'desk.two', input: 'alone', id: 'alone' })
  for (const id of ['ended', 'open', 'threw'])
    await until(app, null, async () => (await app.run(id))?.waits[0]?.kind === 'receive')
  await app.signal('ended', Go('end'))
  await app.result('ended')
  await app.signal('threw', Go('throw'))
  await until(app, null, async () => (await app.run('threw'))?.status === 'stuck')
  await app.result('alone')
  await app.close()
  return data
}

async function replays(data: MemoryData, definition: ApplicationDefinition, ended = 10): Promise<ReplayedRun[]> {
  const before = JSON.stringify([...data.journal.values()])
  done.length = 0
  const reader = memory(data)
  await reader.open()
  const found: ReplayedRun[] = []
  for await (const run of new OfflineReplay({ definition, reader }).all(ended)) found.push(run)
  await reader.close()
  expect([done, JSON.stringify([...data.journal.values()])]).toEqual([[], before])
  return found
}

test('what fits is ok: open runs first, then ended ones, and nothing is done or written', async () => {
  const data = await stored()
  expect(await replays(data, shop(original))).toEqual([
    expect.objectContaining({ id: 'threw', turns: 4, verdict: 'threw' }),
    { id: 'open', name: 'flow', status: 'running', turns: 3, verdict: 'ok' },
    { id: 'ended', name: 'flow', status: 'completed', turns: 4, verdict: 'ok' },
  ])
  expect((await replays(data, shop(original), 0)).map(({ id }) => id)).toEqual(['threw', 'open'])
})

test('what makes a call that there is no more, or conducts a flow, is told as well', async () => {
  const data = new MemoryData()
  const Asked = event('asked', z.object({ id: z.string() }), { key: 'id' })
  const Given = event('given', z.object({ id: z.string() }), { key: 'id' })
  const hand = service('hand', {
    give: operation({
      input: z.object({ id: z.string() }),
      outcomes: [Given],
      retry: { attempts: 1 },
      run: () => {
        throw new Error('it is empty')
      },
    }),
  })
  const asking = choreography('asking', { key: 'id' }, seq(Asked, Given))
  const newer = ballet({
    name: 'shop',
    services: [desk, hand],
    reactions: [on(hand, Asked, (asked) => hand.give(asked))],
    choreographies: [asking],
  })
  const app = await openForTest(newer, { store: memory(data) })
  await app.startNamed({ call: 'hand.give', input: { id: 'a' }, id: 'call' })
  await app.publish(Asked({ id: 'b' }), { id: 'b' })
  await app.conduct(asking)(Asked({ id: 'c' }), { id: 'c' })
  const stuck = async (): Promise<number> => (await app.runs({ status: ['stuck'] })).items.length
  await until(app, null, async () => (await stuck()) === 3)
  await app.close()
  expect(await replays(data, newer)).toEqual([])
  const without = await replays(data, ballet({ name: 'shop', services: [desk], events: [Asked, Given] }))
  expect(without.map(({ id, verdict, diff }) => [id, verdict, diff?.split('\n')[1]])).toEqual([
    ['call', 'diverged', '  + there is no operation or workflow "hand.give"'],
    ['hand:asked:c', 'diverged', '  + there is no operation or workflow "hand.give"'],
    ['hand:asked:b', 'diverged', '  + there is no operation or workflow "hand.give"'],
    ['asking:c', 'diverged', '  + there is no choreography "asking"'],
  ])
})

test('a run whose code threw is tried once more: it fits when it is mended, and is told when it throws again', async () => {
  const data = await stored()
  const told = (found: readonly ReplayedRun[]): unknown =>
    found.map(({ id, verdict, problem }) => [id, verdict, problem])
  const others = [
    ['open', 'ok', undefined],
    ['ended', 'ok', undefined],
  ]
  expect(told(await replays(data, shop(original)))).toEqual([
    ['threw', 'threw', expect.stringContaining('RangeError: a bug')],
    ...others,
  ])
  const mended: Body = async (run, input) => {
    const first = await run.call(desk.one(input))
    await run.step('note', () => void done.push('step'))
    const said = await run.receive(Go)
    if (said.data === 'throw') await run.call(desk.two(input))
    return first + String(run.random())
  }
  expect(told(await replays(data, shop(mended)))).toEqual([['threw', 'ok', undefined], ...others])
})

test('what differs is told with its turn and a diff; the rest goes on', async () => {
  const data = await stored()
  const changed = await replays(
    data,
    shop(async (run, input) => {
      const first = await run.call(input === 'open' ? desk.two(input) : desk.one(input))
      await run.step('note', () => void done.push('step'))
      await run.receive(Go)
      return `${first}!`
    }),
  )
  expect(changed.map(({ id, verdict, seq: at }) => [id, verdict, at])).toEqual([
    ['threw', 'ok', undefined],
    ['open', 'diverged', 0],
    ['ended', 'diverged', 3],
  ])
  expect(changed[1]?.diff).toBe(
    '  - recorded call "desk.one#0" "desk.one" "open"\n  + produced call "desk.two#0" "desk.two" "open"',
  )
  expect(changed[2]?.diff).toMatch(/^ {2}- recorded end "answer0\.\d+"\n {2}\+ produced end "answer!"$/)
})

test('code that awaits what is not durable, throws, rejects or is gone differs', async () => {
  const data = await stored()
  const foreign = await replays(
    data,
    shop(async () => {
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      return 'never'
    }),
  )
  expect(foreign.map(({ verdict, diff }) => [verdict, diff?.includes('is not durable')])).toEqual(
    Array.from({ length: 3 }, () => ['diverged', true]),
  )
  const rejecting = await replays(
    data,
    shop(async (run, input) => {
      void Promise.reject(new Error('nobody looks'))
      return original(run, input)
    }),
  )
  expect(rejecting.map(({ verdict, diff }) => [verdict, diff?.includes('nobody looks')])).toEqual(
    Array.from({ length: 3 }, () => ['diverged', true]),
  )
  const gone = await replays(data, shop(original, 'other'))
  expect(gone.map(({ id, verdict, problem }) => [id, verdict, problem])).toEqual([
    ['threw', 'diverged', undefined],
    ['open', 'diverged', undefined],
    ['ended', 'skipped', 'there is no workflow "flow"'],
  ])
})

test('a run whose rows cannot be read is told, and the others are replayed', async () => {
  const data = await stored()
  const [rows = []] = data.journal.values()
  rows.splice(1, 1, ...rows.slice(1, 2).map((row) => ({ ...row, data: 'not a row' })))
  const found = await replays(data, shop(original))
  expect(found.map(({ verdict, problem }) => [verdict, typeof problem])).toEqual([
    ['threw', 'string'],
    ['ok', 'undefined'],
    ['unreadable', 'string'],
  ])
})

test('one run is found by its id; one of an operation has nothing to replay', async () => {
  const reader = memory(await stored())
  await reader.open()
  const replay = new OfflineReplay({ definition: shop(original), reader })
  expect(await replay.one('open')).toMatchObject({ verdict: 'ok', turns: 3 })
  expect(await replay.one('alone')).toMatchObject({ verdict: 'skipped', turns: 0 })
  await expect(replay.one('nobody')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
})

test('a run that was cancelled, one that was forced to stop, one that has continued and one that is to begin fit', async () => {
  const data = new MemoryData()
  const body: Body = async (run, input) => {
    if (input === 'next') return 'done'
    await run.call(desk.one(input), { undo: desk.two(input) })
    const said = await run.receive(Go)
    if (said.data === 'throw') throw new RangeError('a bug')
    return run.continueAs('next')
  }
  const definition = shop(body)
  const app = await openForTest(definition, { store: memory(data) })
  for (const id of ['cancelled', 'forced', 'continued']) {
    await app.startNamed({ call: 'flow', input: id, id })
    await until(app, null, async () => (await app.run(id))?.waits[0]?.kind === 'receive')
  }
  await app.startNamed({ call: 'flow', input: 'later', id: 'later', at: Date.now() + 3_600_000 })
  await app.signal('forced', Go('throw'))
  await until(app, null, async () => (await app.run('forced'))?.status === 'stuck')
  await app.signal('continued', Go('on'))
  await app.result('continued')
  for (const id of ['cancelled', 'forced']) {
    await app.cancel(id, { by: 'ann' })
    await until(app, null, async () => (await app.run(id))?.ended !== null)
  }
  await app.close()
  expect((await replays(data, definition)).map(({ id, status, verdict }) => [id, status, verdict])).toEqual([
    ['later', 'running', 'ok'],
    ['continued', 'completed', 'ok'],
    ['forced', 'cancelled', 'ok'],
    ['cancelled', 'cancelled', 'ok'],
  ])
})
