// Heartbeats of fetched calls at several nodes on one database: said at any of them, also while the one that waits is killed; and that a
// request for work which somebody has seen is worth nothing at any of them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import type { Application } from '../../src/index.ts'
import { handler } from '../../src/server.ts'
import { Asker, signed } from '../remote/asking.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { fetchingDefinition, fetchingNode, nodeSecret } from './fetching.ts'
import { placeForTest } from './two-versions.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function nodeOf(store: string, isReached = true) {
  const opening = (address: string): Promise<Application> =>
    openForTest(fetchingDefinition(), { store, ...(isReached ? { address } : {}) })
  const { app, serving } = await fetchingNode(opening)
  closing.push(() => serving.close())
  return { app, asker: new Asker(serving.url, 'table') }
}

/** Of so many shards that each node has a good part of the names, whatever the nodes are called. */
const storeForTest = async (): Promise<string> => (await placeForTest()).url('&shards=32&lease=1&pool=4')

/** Ids of runs that another node carries, as this one sees it. */
async function idsElsewhere(app: Application): Promise<readonly string[]> {
  const names = Array.from({ length: 40 }, (_, index) => `run-${index}`)
  const there = (): readonly string[] => names.filter((name) => app.carrierOf(name) !== null)
  await until(app, null, async () => there().length > 4)
  return there()
}

const foreign = { secret: `whsec_${'A'.repeat(43)}=` }

test('a call says that it lives at any node, and hears there that it was given up', async () => {
  const store = await storeForTest()
  const [one, two] = await Promise.all([nodeOf(store), nodeOf(store)])
  const [id = ''] = await idsElsewhere(one.app)
  await two.app.startNamed({ call: 'flow', input: null, id })
  const call = await one.asker.call()
  expect(call.heartbeatTo).toContain(two.app.standing.node)
  expect(await one.asker.beat(call, { beat: 1, progress: { row: 1 } }, foreign)).toBe('401 SIGNATURE_REFUSED')
  expect(await one.asker.beat(call, { beat: 1, progress: { row: 2 } })).toBe('204')
  expect((await two.app.run(id))?.waits[0]?.heartbeat).toMatchObject({ attempt: 1, progress: { row: 2 } })
  expect(await one.asker.beat(call, { beat: 2, progress: 'x'.repeat(16_384) })).toBe('413 PAYLOAD_TOO_LARGE')
  await two.app.cancel(id, { by: 'ann', why: 'too late' })
  expect(await one.asker.beat(call, { asks: true })).toBe('410 HEARTBEAT_UNWANTED')
  expect(await one.asker.answer(call, { answer: 'half of it' })).toBe('204')
  expect(await two.app.settled(id, 60_000)).toMatchObject({ status: 'cancelled' })
})

test('a node that lives and cannot be reached says so by the others: nobody is told to stop, or that his answer is not wanted', async () => {
  const store = await storeForTest()
  const [one, two] = await Promise.all([nodeOf(store), nodeOf(store, false)])
  await idsElsewhere(two.app)
  for (let number = 0; number < 16; number += 1)
    await two.app.startNamed({ call: 'flow', input: null, id: `run-${number}` })
  let call = await two.asker.call(1)
  while (!call.answerTo.includes(two.app.standing.node)) call = await two.asker.call(1)
  expect(await one.asker.beat(call)).toBe('503 OWNER_UNREACHABLE')
  expect(await one.asker.answer(call, { answer: 1 })).toBe('503 OWNER_UNREACHABLE')
  const made = signed('{"atOnce":1}', { id: await two.asker.id() })
  expect(await one.asker.send('/api/work/table', made)).toBe('409 WORK_NODE_UNNAMED')
  expect(await two.asker.beat(call)).toBe('204')
})

test('a request for work that somebody has seen is worth nothing at any node', async () => {
  const store = await storeForTest()
  const [one, two] = await Promise.all([nodeOf(store), nodeOf(store)])
  const [id = ''] = await idsElsewhere(one.app)
  const send = ({ asker }: typeof one, init: ReturnType<typeof signed>): Promise<string> =>
    asker.send('/api/work/table', init)
  // Either way round: one that was made for the node that is asked, and one for the other.
  const [first, second] = [await one.asker.id(), await two.asker.id()].map((of) =>
    signed('{"atOnce":1,"waitMs":0}', { id: of }),
  )
  if (first === undefined || second === undefined) throw new Error('there are two')
  expect([await send(one, first), await send(one, second)]).toEqual(['200', '200'])
  await two.app.startNamed({ call: 'flow', input: null, id })
  for (const node of [one, two])
    for (const init of [first, second]) expect(await send(node, init)).toBe('401 SIGNATURE_REFUSED')
  // It is there for whoever asks himself.
  expect(await one.asker.call()).toMatchObject({ run: id, attempt: 1 })
})

test('a node is killed while a call says that it lives: it is told to stop, and the next node has it from where it was', async () => {
  const store = await storeForTest()
  const one = await nodeOf(store)
  const child = fork(fileURLToPath(new URL('fetching.ts', import.meta.url)), { env: { ...process.env, STORE: store } })
  closing.push(() => child.kill('SIGKILL'))
  const [url] = (await once(child, 'message')) as [string]
  const there = new Asker(url, 'table')
  const [id = ''] = await idsElsewhere(one.app)
  await one.app.startNamed({ call: 'flow', input: null, id })
  const first = await one.asker.call()
  // What an attempt that failed has said is durable with its note.
  expect(await one.asker.answer(first, { status: 503, detail: 'not now', progress: { row: 3 } })).toBe('204')
  while ((await one.app.run(id))?.waits[0]?.heartbeat === undefined);
  const second = await there.call()
  expect(second).toMatchObject({ attempt: 2, progress: { row: 3 }, idempotencyKey: first.idempotencyKey })
  expect(await one.asker.beat(second, { beat: 1, progress: { row: 4 } })).toBe('204')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  // As a service does that lives: until it is told that nobody wants it.
  const heard: string[] = []
  while (heard.at(-1) !== '410 HEARTBEAT_UNWANTED') heard.push(await one.asker.beat(second, { progress: { row: 5 } }))
  expect(new Set(heard.map((said) => said.slice(0, 9)))).toEqual(new Set(['503 OWNER', '410 HEART']))
  expect(await one.asker.answer(second, { answer: 'late' })).toBe('404 ANSWER_UNAWAITED')
  const third = await one.asker.call()
  expect(third).toMatchObject({ progress: { row: 3 }, idempotencyKey: first.idempotencyKey })
  expect(third.answerTo).toContain(one.app.standing.node)
  expect(await one.asker.answer(third, { answer: 'all of it' })).toBe('204')
  expect(await one.app.result(id)).toEqual({ told: 'all of it' })
})

test('what nobody has signed asks no store, and no other node', async () => {
  const { app } = await nodeOf(await storeForTest())
  const asked: string[] = []
  const { fetching } = app
  const find = (node: string): ReturnType<typeof fetching.find> => {
    asked.push(node)
    return fetching.find(node)
  }
  const looked = new Proxy(app, {
    get: (target, name) => {
      if (name === 'fetching') return { ...fetching, find }
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const handle = handler(looked, { token: null, nodeSecret, log: keptLog() })
  const path = `/api/work/table/stranger.${'A'.repeat(43)}`
  const send = async (to: string, how: object = {}): Promise<number> => {
    const init = { method: 'POST', ...signed('{"idempotencyKey":"k"}', { id: 'k', ...how }) }
    return (await handle(new Request(`http://localhost${to}`, init))).status
  }
  expect([await send(path, foreign), await send(`${path}/heartbeat`, foreign), asked]).toEqual([401, 401, []])
  expect([await send(path), await send(`${path}/heartbeat`), asked]).toEqual([404, 410, ['stranger', 'stranger']])
})
