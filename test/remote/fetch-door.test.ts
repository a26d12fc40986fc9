// The door at which services ask for their calls, by what comes over the wire: what is handed out and when, what becomes of it
// when nobody answers or a connection breaks, and that rubbish takes nothing.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { fetched } from '../../src/http.ts'
import { ballet, operation, service, workflow, type ServiceLimits } from '../../src/index.ts'
import { handler, serve } from '../../src/server.ts'
import { gate, keptLog, openForTest, until } from '../support/applications.ts'
import { Asker, secret, signed } from './asking.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Id = z.object({ id: z.string() })
interface Wanted {
  readonly timeout?: `${number}ms`
  readonly limits?: ServiceLimits
  readonly attempts?: number
  readonly waiting?: number
  readonly answerLimitBytes?: number
}

/** Of an attempt that is over soon. Others answer within it, on a machine that is busy as well; the workflow `later` takes longer. */
const SHORT = '600ms'

/** An application with a service that fetches its calls, and somebody who asks for them. */
async function world({ timeout = '20000ms', limits, attempts = 3, ...options }: Wanted = {}) {
  const retry = { attempts, backoff: '1ms', limit: '5ms' } as const
  const bank = service(
    'payment',
    {
      charge: operation({ input: Id, output: z.string(), timeout, retry }),
      refund: operation({ input: Id, output: z.string(), undoes: 'charge', retry }),
    },
    { limits },
  )
  const payment = fetched(bank, { secrets: [secret], ...options })
  const pay = workflow('pay', { input: Id, output: z.string() }, async (run, input) => {
    return run.call(payment.charge(input), { undo: payment.refund(input) })
  })
  const later = workflow('later', { input: z.null(), output: z.null() }, async (run) => {
    await run.sleep('700ms')
    return null
  })
  const app = await openForTest(ballet({ name: 'shop', services: [payment], workflows: [pay, later] }))
  const log = keptLog()
  const serving = await serve(app, { port: 0, token: 'open-sesame', log })
  closing.push(() => serving.close())
  const begin = async (id: string): Promise<string> => (await app.start(pay({ id }), { id })).id
  const failures = async (id: string): Promise<readonly string[]> => {
    const { items = [] } = (await app.journal(id)) ?? {}
    return JSON.stringify(items).match(/ATTEMPT_TIMEOUT|REMOTE_UNREACHABLE|REMOTE_FAILED/g) ?? []
  }
  return { app, serving, log, begin, later, failures, asker: new Asker(serving.url) }
}

test('a call is what the body of a request would be, and its answer is that of one which comes later', async () => {
  const { app, begin, asker } = await world()
  await begin('a')
  const call = await asker.call()
  expect(call).toMatchObject({ operation: 'payment.charge', input: { id: 'a' }, attempt: 1, timeoutMs: 20_000 })
  expect(call.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
  expect(call.answerTo).toMatch(/^\/api\/work\/payment\/local\.[\w-]{43}$/)
  expect(await asker.answer(call, { answer: 'charged' }, { id: 'another' })).toBe('401 SIGNATURE_REFUSED')
  const foreign = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
  expect(await asker.answer(call, { answer: 'charged' }, { secret: foreign })).toBe('401 SIGNATURE_REFUSED')
  expect(await asker.answer(call, { answer: 'charged' })).toBe('204')
  expect(await app.result('a')).toBe('charged')
  expect(await asker.answer(call, { answer: 'charged' })).toBe('404 ANSWER_UNAWAITED')
})

test('the time in the line is no time of an attempt', async () => {
  const { app, begin, later, asker, failures } = await world({ timeout: SHORT })
  await begin('a')
  // The time of more than one attempt passes.
  await app.result((await app.start(later(null))).id)
  const call = await asker.call()
  expect(call.attempt).toBe(1)
  expect(await asker.answer(call, { answer: 'charged' })).toBe('204')
  expect(await app.result('a')).toBe('charged')
  expect(await failures('a')).toEqual([])
})

test('what is not answered in time is made again by the same key, and the answer that is late is nobody’s', async () => {
  const { app, begin, asker, failures } = await world({ timeout: SHORT })
  await begin('a')
  const first = await asker.call()
  const second = await asker.call()
  expect([first.attempt, second.attempt]).toEqual([1, 2])
  expect(second.idempotencyKey).toBe(first.idempotencyKey)
  expect(await asker.answer(first, { answer: 'late' })).toBe('404 ANSWER_UNAWAITED')
  // Whoever has seen what was meant for the first one makes nothing of it.
  expect(await asker.answer(second, { to: first.answerTo, status: 500 })).toBe('401 SIGNATURE_REFUSED')
  expect(await asker.answer(second, { to: second.answerTo, answer: 'charged' })).toBe('204')
  expect(await app.result('a')).toBe('charged')
  expect(await failures('a')).toEqual(['ATTEMPT_TIMEOUT'])
})

test('a failure is one by its status, and the policy goes on', async () => {
  const { app, begin, asker } = await world()
  await begin('a')
  const first = await asker.call()
  expect(await asker.answer(first, { status: 503, detail: 'not now', retryAfter: 0 })).toBe('204')
  const second = await asker.call()
  expect(await asker.answer(second, { status: 503, retryAfter: 'soon' })).toBe('422 REQUEST_INVALID')
  expect(await asker.answer(second, { status: 422, detail: 'stolen' })).toBe('204')
  // The first attempt may have been made all the same.
  await asker.answer(await asker.call(), { answer: 'refunded' })
  await until(app, null, async () => (await app.run('a'))?.ended != null)
  expect(await app.run('a')).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('stolen') } })
})

test('somebody who goes before anything was handed out takes nothing along', async () => {
  const { app, begin, asker, failures } = await world()
  const gone = new AbortController()
  const lost = asker.calls(5, 20_000, { signal: gone.signal }).catch(() => 'gone')
  // The server has it: another one is told apart by its turn.
  const kept = asker.calls()
  gone.abort()
  expect(await lost).toBe('gone')
  await begin('a')
  const [call] = await kept
  expect(call).toMatchObject({ input: { id: 'a' } })
  if (call !== undefined) await asker.answer(call, { answer: 'charged' })
  expect(await app.result('a')).toBe('charged')
  expect((await failures('a')).filter((code) => code === 'ATTEMPT_TIMEOUT')).toEqual([])
})

test('a connection that breaks while a call is handed out: the attempt has failed, and the next is made at once', async () => {
  const { app, begin, asker, failures } = await world()
  await begin('a')
  const handle = handler(app, { token: null, log: keptLog() })
  const gone = new AbortController()
  const init = {
    method: 'POST',
    signal: gone.signal,
    ...signed('{"atOnce":5,"waitMs":1000}', { id: await asker.id() }),
  }
  const answered = await handle(new Request('http://localhost/api/work/payment', init))
  expect(await answered.json()).toMatchObject({ calls: [{ attempt: 1 }] })
  gone.abort()
  const call = await asker.call()
  expect(call.attempt).toBe(2)
  await asker.answer(call, { answer: 'charged' })
  expect(await app.result('a')).toBe('charged')
  expect(await failures('a')).toEqual(['REMOTE_UNREACHABLE'])
})

test('somebody who takes a call and is not heard of again holds up that one alone: the rest of the line goes on waiting', async () => {
  const { app, begin, later, asker, failures } = await world({ timeout: SHORT })
  for (const id of ['a', 'b', 'c']) await begin(id)
  expect(await asker.calls(1)).toMatchObject([{ input: { id: 'a' } }])
  await until(app, null, async () => (await failures('a'))[0])
  // The time of more than one attempt passes.
  await app.result((await app.start(later(null))).id)
  expect([await failures('a'), await failures('b'), await failures('c')]).toEqual([['ATTEMPT_TIMEOUT'], [], []])
  const calls = await asker.calls(3)
  expect(calls.map(({ input, attempt }) => [input, attempt])).toEqual([
    [{ id: 'a' }, 2],
    [{ id: 'b' }, 1],
    [{ id: 'c' }, 1],
  ])
})

test('a call that was given up and is never answered leaves no room behind that nobody has', async () => {
  const { app, begin, later, asker, failures } = await world({ timeout: SHORT })
  await begin('a')
  await asker.call(1)
  await app.cancel('a')
  // It is taken back when its time is over.
  const refund = await asker.call(1)
  expect([refund.operation, await asker.answer(refund, { answer: 'refunded' })]).toEqual(['payment.refund', '204'])
  await begin('b')
  await app.result((await app.start(later(null))).id)
  expect(await failures('b')).toEqual([])
})

test('the limits of a service count from when a call is fetched', async () => {
  const { app, begin, asker } = await world({ limits: { atOnce: 2 } })
  for (const id of ['a', 'b', 'c']) await begin(id)
  const [one, two, ...none] = await asker.calls(5)
  expect([one?.input, two?.input, none]).toEqual([{ id: 'a' }, { id: 'b' }, []])
  if (one !== undefined) await asker.answer(one, { answer: 'charged' })
  expect(await app.result('a')).toBe('charged')
  expect(await asker.call()).toMatchObject({ input: { id: 'c' } })
})

test('what takes back comes before what was asked for earlier, and waits for the answer of what it takes back', async () => {
  const { app, begin, asker } = await world()
  await begin('a')
  await begin('b')
  const call = await asker.call(1)
  await app.cancel('a', { by: 'ann', why: 'too late' })
  expect(await asker.answer(call, { answer: 'charged' })).toBe('204')
  await until(app, null, async () => JSON.stringify((await app.run('a'))?.waits).includes('refund'))
  expect(await asker.call(1)).toMatchObject({ operation: 'payment.refund', undoes: call.idempotencyKey })
  expect(await asker.call(1)).toMatchObject({ operation: 'payment.charge', input: { id: 'b' } })
})

test('a call that is given up in the line is handed to nobody', async () => {
  const { app, begin, asker } = await world()
  await begin('a')
  await begin('b')
  await app.cancel('a', { by: 'ann', why: 'too late' })
  // It may have been made by another process, as far as its run knows.
  const calls = await asker.calls(5)
  expect(calls.map(({ operation: name, input }) => [name, input])).toEqual([
    ['payment.refund', { id: 'a' }],
    ['payment.charge', { id: 'b' }],
  ])
})

test('requests that wait are answered with nothing when the server ends, or when they are asked to end', async () => {
  const { serving, asker } = await world()
  const mine = await asker.id()
  const ended = asker.calls(5, 20_000, { id: mine })
  const waiting = asker.calls()
  const end = (request: string): Promise<string> =>
    asker.send('/api/work/payment', { method: 'DELETE', ...signed(JSON.stringify({ request })) })
  expect(await end('of nobody')).toBe('204')
  expect(await end(mine)).toBe('204')
  expect(await ended).toEqual([])
  await serving.close()
  expect(await waiting).toEqual([])
})

test('rubbish at the door takes nothing', async () => {
  const { begin, asker, log } = await world({ waiting: 1 })
  await begin('a')
  const ask = (body: string, how: Parameters<typeof signed>[1] = {}, path = '/api/work/payment'): Promise<string> =>
    asker.send(path, signed(body, how))
  const right = '{"atOnce":5,"waitMs":0}'
  const foreign = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
  const { headers } = signed(right)
  const now = Math.floor(Date.now() / 1000)
  expect({
    unsigned: await asker.send('/api/work/payment', { body: right, headers: { 'content-type': 'application/json' } }),
    token: await asker.send('/api/work/payment', {
      body: right,
      headers: { 'content-type': 'application/json', authorization: 'Bearer open-sesame' },
    }),
    secret: await ask(right, { secret: foreign }),
    changed: await asker.send('/api/work/payment', { body: '{"atOnce":50}', headers }),
    old: await ask(right, { seconds: now - 400 }),
    id: await ask(right, { id: 'x'.repeat(201) }),
    unknown: await ask(right, {}, '/api/work/shipping'),
    type: await asker.send('/api/work/payment', { body: right, headers: { ...headers, 'content-type': 'text/plain' } }),
    huge: await ask(`{"atOnce":5,"waitMs":0,"more":"${'x'.repeat(20_000)}"}`),
    json: await ask('{'),
    none: await ask('{"atOnce":0}'),
    many: await ask('{"atOnce":101}'),
    long: await ask('{"atOnce":1,"waitMs":30001}'),
    method: await asker.send('/api/work/payment', { method: 'PUT' }),
    answer: await ask('{"idempotencyKey":"k"}', { id: 'k' }, `/api/work/payment/local.${'A'.repeat(43)}`),
    node: await ask('{"idempotencyKey":"k"}', { id: 'k' }, `/api/work/payment/${'A'.repeat(43)}`),
  }).toEqual({
    unsigned: '401 SIGNATURE_REFUSED',
    token: '401 SIGNATURE_REFUSED',
    secret: '401 SIGNATURE_REFUSED',
    changed: '401 SIGNATURE_REFUSED',
    old: '401 SIGNATURE_REFUSED',
    id: '401 SIGNATURE_REFUSED',
    unknown: '404 WORK_UNFETCHED',
    type: '415 BODY_TYPE',
    huge: '413 BODY_TOO_LARGE',
    json: '400 JSON_MALFORMED',
    none: '422 REQUEST_INVALID',
    many: '422 REQUEST_INVALID',
    long: '422 REQUEST_INVALID',
    method: '405 METHOD_NOT_ALLOWED',
    answer: '404 ANSWER_UNAWAITED',
    node: '404 ANSWER_UNAWAITED',
  })
  expect(await asker.call()).toMatchObject({ attempt: 1 })
  // Each kind is told once, and what is only late is not.
  const told = log.lines.map((line) =>
    /^warn a request for the work of (\w+) was refused \((\d+)\)/.exec(line)?.slice(1),
  )
  expect(told).toEqual([
    ['payment', '401'],
    ['shipping', '404'],
    ['payment', '415'],
    ['payment', '413'],
    ['payment', '400'],
    ['payment', '422'],
  ])
})

test('a request that comes again is refused, and so is one more than may wait', async () => {
  const { begin, asker } = await world({ waiting: 1 })
  const again = signed('{"atOnce":1,"waitMs":20000}', { id: await asker.id() })
  const first = fetch(`${asker.at}/api/work/payment`, { method: 'POST', ...again })
  const refused = gate<string>()
  const more = async (): Promise<void> => {
    const answer = await asker.send('/api/work/payment', signed('{"atOnce":1,"waitMs":0}', { id: await asker.id() }))
    if (answer === '429 OVERLOADED') refused.open(answer)
    else await more()
  }
  await more()
  expect(await refused.promise).toBe('429 OVERLOADED')
  expect(await asker.send('/api/work/payment', again)).toBe('401 SIGNATURE_REFUSED')
  // One that names no node, or a process that is not there any more, could have been sent before, where nobody would know.
  for (const id of ['mine', `local.another.mine`, `${asker.node}mine`, `gone${asker.node}.mine`])
    expect(await asker.send('/api/work/payment', signed('{"atOnce":1}', { id }))).toBe('409 WORK_NODE_UNNAMED')
  await begin('a')
  expect(await (await first).json()).toMatchObject({ calls: [{ attempt: 1 }] })
})

test.each([{}, { limits: { atOnce: 3 } }])(
  'however many connections break, no room is lost and no call: %j',
  async (wanted) => {
    const { app, begin, asker } = await world({ ...wanted, timeout: '200ms', attempts: 1000 })
    const ids = Array.from({ length: 60 }, (_, index) => `run-${index}`)
    const over = { is: false }
    let count = 0
    const asking = async (): Promise<void> => {
      while (!over.is) {
        const mine = (count += 1)
        const gone = new AbortController()
        // One of three goes away, a few rounds of the event loop after it has asked.
        if (mine % 3 === 0) void after(mine % 40, () => gone.abort())
        const calls = await asker.calls(1 + (mine % 4), 50, { signal: gone.signal }).catch(() => [])
        // And one of seven calls is never answered.
        for (const [at, call] of calls.entries())
          if ((mine + at) % 7 !== 0) await asker.answer(call, { answer: call.operation })
      }
    }
    const askers = [asking(), asking(), asking()]
    for (const id of ids) await begin(id)
    for (const id of ids) expect(await app.result(id)).toBe('payment.charge')
    over.is = true
    await Promise.all(askers)
    const limited = app.metrics().filter(({ name }) => name.startsWith('ballet_limit_calls'))
    expect(new Set(JSON.stringify(limited).match(/"value":\d+/g))).toEqual(new Set(['"value":0']))
    // Nobody asks now: it waits, and is no attempt.
    await begin('last')
    expect((await app.run('last'))?.waits).toMatchObject([{ place: { fetched: { running: 0 } } }])
    await asker.answer(await asker.call(1), { answer: 'charged' })
    expect(await app.result('last')).toBe('charged')
  },
)

async function after(rounds: number, then: () => void): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setImmediate(resolve))
  then()
}
