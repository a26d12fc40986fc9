// Whoever asks one node of several for work gets the calls of all, and answers at whichever: two nodes on one database, each with its
// server. The clock of the servers stands still, so that nobody looks by himself: what comes, comes because it was told.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { fetched } from '../../src/http.ts'
import { ballet, operation, service, workflow, type Application } from '../../src/index.ts'
import { handler } from '../../src/server.ts'
import { serveWith, type Serving } from '../../src/server/serve.ts'
import { Asker, secret, signed, type Call } from '../remote/asking.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { SteppedClock } from '../support/clocks.ts'
import { placeForTest } from './two-versions.ts'

const nodeSecret = 'a secret of the nodes of this test'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Id = z.object({ id: z.string() })
const Told = z.union([z.string(), z.array(z.string())])
const retry = { attempts: 5, backoff: '1ms' } as const
const bank = () => service('payment', { charge: operation({ input: Id, output: Told, timeout: '1h', retry }) })

interface Node {
  readonly app: Application
  readonly serving: Serving
  readonly asker: Asker
  readonly log: ReturnType<typeof keptLog>
}

/** A node, and its server. */
async function nodeOf(store: string, secretOfNodes: string | undefined): Promise<Node> {
  const payment = fetched(bank(), { secrets: [secret], answerLimitBytes: 3_000_000 })
  const pay = workflow('pay', { input: Id, output: Told }, async (run, input) => run.call(payment.charge(input)))
  const opening = Promise.withResolvers<Application>()
  const log = keptLog()
  const options = { port: 0, token: 'open-sesame', nodeSecret: secretOfNodes, log }
  const serving = await serveWith(opening.promise, options, { clock: new SteppedClock(Date.now()) })
  closing.push(() => serving.close())
  const definition = ballet({ name: 'shop', services: [payment], workflows: [pay] })
  const app = await openForTest(definition, { store, address: serving.url })
  opening.resolve(app)
  return { app, serving, asker: new Asker(serving.url), log }
}

/** Two nodes, and ids of runs that each of them carries. */
async function world(secretOfNodes: string | undefined = nodeSecret) {
  // So many shards that each node has a good part of the names, whatever the nodes are called.
  const store = (await placeForTest()).url('&shards=32&lease=1&pool=4')
  const [one, two] = await Promise.all([nodeOf(store, secretOfNodes), nodeOf(store, secretOfNodes)])
  const names = Array.from({ length: 40 }, (_, index) => `run-${index}`)
  const at = ({ app }: Node, other: Node): readonly string[] =>
    names.filter((name) => app.carrierOf(name) === null && other.app.carrierOf(name) !== null)
  await until(one.app, null, async () => at(one, two).length > 4 && at(two, one).length > 4)
  const begin = async ({ app }: Node, id = ''): Promise<string> =>
    (await app.startNamed({ call: 'pay', input: { id }, id })).id
  return { one, two, ofOne: at(one, two), ofTwo: at(two, one), begin }
}

const only = (calls: readonly Call[]): Call => {
  expect(calls).toHaveLength(1)
  return calls[0] as Call
}

test('whoever waits at one node is handed the calls of both, answers at either, and is ended from either', async () => {
  const { one, two, ofOne, ofTwo, begin } = await world()
  const waiting = one.asker.calls()
  await begin(two, ofTwo[0])
  const there = only(await waiting)
  expect(there).toMatchObject({ input: { id: ofTwo[0] }, attempt: 1 })
  expect(there.answerTo).toContain(two.app.standing.node)
  const foreign = { secret: `whsec_${'A'.repeat(43)}=` }
  expect(await one.asker.answer(there, { answer: 'charged' }, foreign)).toBe('401 SIGNATURE_REFUSED')
  expect(await one.asker.answer(there, { answer: 'charged there' })).toBe('204')
  expect(await two.app.result(ofTwo[0] ?? '')).toBe('charged there')
  expect(await two.asker.answer(there, { answer: 'again' })).toBe('404 ANSWER_UNAWAITED')
  // What waits already is found as well, and that of no node is left behind.
  for (const id of ofOne.slice(0, 2)) await begin(one, id)
  for (const id of ofTwo.slice(1, 3)) await begin(two, id)
  const found: unknown[] = []
  while (found.length < 4) for (const call of await one.asker.calls(1)) found.push(call.input)
  expect(found).toEqual(expect.arrayContaining([...ofOne.slice(0, 2), ...ofTwo.slice(1, 3)].map((id) => ({ id }))))
  // The first of these may come before the request that is to end.
  const state = { isOver: false }
  const mine = await one.asker.id()
  const ended = one.asker.calls(5, 20_000, { id: mine }).finally(() => (state.isOver = true))
  const end = JSON.stringify({ request: mine })
  while (!state.isOver)
    expect(await two.asker.send('/api/work/payment', { method: 'DELETE', ...signed(end) })).toBe('204')
  expect(await ended).toEqual([])
})

test('an answer may be as large at one node as at the other', async () => {
  const { one, two, ofTwo, begin } = await world()
  await begin(two, ofTwo[0])
  const call = only(await two.asker.calls())
  const answer = Array.from({ length: 4 }, () => 'x'.repeat(500_000))
  expect(await one.asker.answer(call, { answer: [answer, answer] })).toBe('413 BODY_TOO_LARGE')
  expect(await one.asker.answer(call, { answer })).toBe('204')
  expect(await two.app.result(ofTwo[0] ?? '')).toEqual(answer)
})

test('who has gone when the calls of another node came has none, and when that node ends they are made again', async () => {
  const { one, two, ofTwo, begin } = await world()
  const handle = handler(one.app, { token: null, nodeSecret, log: keptLog() })
  const gone = new AbortController()
  const init = {
    method: 'POST',
    signal: gone.signal,
    ...signed('{"atOnce":5,"waitMs":20000}', { id: await one.asker.id() }),
  }
  const waiting = handle(new Request('http://localhost/api/work/payment', init))
  await begin(two, ofTwo[0])
  expect(await (await waiting).json()).toMatchObject({ calls: [{ attempt: 1 }] })
  gone.abort()
  const first = only(await two.asker.calls())
  expect(first).toMatchObject({ input: { id: ofTwo[0] }, attempt: 2 })
  await two.serving.close()
  await two.app.close()
  const again = only(await one.asker.calls())
  expect(again).toMatchObject({ idempotencyKey: first.idempotencyKey })
  expect(again.answerTo).toContain(one.app.standing.node)
  expect(await one.asker.answer(first, { answer: 'late' })).toMatch(/^(404 ANSWER_UNAWAITED|503 OWNER_UNREACHABLE)$/)
  expect(await one.asker.answer(again, { answer: 'charged' })).toBe('204')
  expect(await one.app.result(ofTwo[0] ?? '')).toBe('charged')
})

test('a node that stands by passes on what is asked, and answers', async () => {
  const store = (await placeForTest()).url('&shards=1&lease=1&pool=4')
  const owner = await nodeOf(store, nodeSecret)
  const standby = await nodeOf(store, nodeSecret)
  await until(owner.app, null, async () => standby.app.standing.owner?.address === owner.serving.url)
  expect(standby.app.standing.role).toBe('standby')
  const waiting = standby.asker.calls()
  await owner.app.startNamed({ call: 'pay', input: { id: 'a' }, id: 'a' })
  const call = only(await waiting)
  expect(await standby.asker.answer(call, { answer: 'charged' })).toBe('204')
  expect(await owner.app.result('a')).toBe('charged')
  // What nobody has signed goes no further.
  const foreign = { secret: `whsec_${'A'.repeat(43)}=` }
  expect(await standby.asker.answer(call, { answer: 'charged' }, foreign)).toBe('401 SIGNATURE_REFUSED')
  expect(await standby.asker.send('/api/work/payment', signed('{"atOnce":1}', foreign))).toBe('401 SIGNATURE_REFUSED')
  expect(await standby.asker.send('/api/work/other', signed('{"atOnce":1}'))).toBe('404 WORK_UNFETCHED')
  expect([standby.log.lines.length, owner.log.lines]).toEqual([2, []])
  // What waits there does not keep it from ending.
  const left = standby.asker.calls().catch(() => 'none')
  expect(await owner.asker.calls(1, 0)).toEqual([])
  await standby.serving.close()
  expect(await left).toBe('none')
})

test('nodes without a secret hand out their own, and say so of answers that are for others', async () => {
  const { one, two, ofOne, ofTwo, begin } = await world('')
  await begin(two, ofTwo[0])
  await begin(one, ofOne[0])
  expect(only(await one.asker.calls())).toMatchObject({ input: { id: ofOne[0] } })
  const call = only(await two.asker.calls())
  expect(await one.asker.answer(call, { answer: 'charged' })).toBe('503 OWNER_UNREACHABLE')
  expect(await two.asker.answer(call, { answer: 'charged' })).toBe('204')
})
