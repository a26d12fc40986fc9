// Answers that come later: a service accepts an attempt, and sends what came of it when it has it.
import { createServer, request as requestTo } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, until } from '../../../test/support/applications.ts'
import { elsewhere, laterAnswers } from '../../http.ts'
import { ballet, event, open, operation, service, workflow, type Application } from '../../index.ts'
import { serve } from '../../server.ts'
import { silentLog } from '../../engine/log.ts'
import { systemClock } from '../../engine/clock.ts'
import { readBytes } from '../../server/body.ts'
import { Answers } from './answers.ts'
import { secretsOf, signatureHeaders } from './signature.ts'

const secret = `whsec_${Buffer.alloc(32, 4).toString('base64')}`
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

interface Request202 {
  readonly method: string
  readonly idempotencyKey: string
  readonly answerTo: string
  readonly attempt: number
}

/** A service that accepts everything, and says what it was asked. */
async function accepting(status = (_attempt: number): number => 202) {
  const asked: Request202[] = []
  let heard: () => void = () => {}
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (part: string) => (text += part))
    request.on('end', () => {
      const body = JSON.parse(text) as Request202
      response.writeHead(request.method === 'DELETE' ? 204 : status(body.attempt)).end()
      asked.push({ ...body, method: request.method ?? '' })
      heard()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())))
  const nth = async (count: number): Promise<Request202> => {
    for (let one = asked[count - 1]; ; one = asked[count - 1]) {
      if (one !== undefined) return one
      await new Promise<void>((resolve) => (heard = resolve))
    }
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, nth }
}

const Id = z.object({ orderId: z.string() })
const Paid = event('order.paid', Id, { key: 'orderId' })
const Refunded = event('order.refunded', Id, { key: 'orderId' })
const policy = { retry: { attempts: 3, backoff: '1ms' }, timeout: '1h' } as const
const payment = service('payment', {
  charge: operation({ input: Id, outcomes: [Paid], ...policy }),
  refund: operation({ input: Id, undoes: 'charge', outcomes: [Refunded], ...policy }),
})

/** What stands in front of an application under a path of its own, which the application does not know. */
async function stripping(to: string, prefix: string): Promise<string> {
  const server = createServer((request, response) => {
    const { method, headers, url: path = '' } = request
    if (!path.startsWith(`${prefix}/`)) return void response.writeHead(502).end()
    const asked = requestTo(to + path.slice(prefix.length), { method, headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 0, answered.headers)
      answered.pipe(response)
    })
    request.pipe(asked)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`
}

interface Opening {
  readonly store?: string
  readonly answerLimitBytes?: number
  readonly bodyLimitBytes?: number
  /** Where the application is reached that is served here. */
  readonly reached?: (url: string) => Promise<string>
}

/** An application that takes answers at its own port. */
async function opened(
  url: string,
  { store = 'memory:', reached = async (at) => at, answerLimitBytes, bodyLimitBytes }: Opening = {},
) {
  const ready = Promise.withResolvers<Application>()
  const serving = await serve(ready.promise, { port: 0, log: silentLog, bodyLimitBytes })
  const log = keptLog()
  const answers = laterAnswers(`${await reached(serving.url)}/answers/`, { log })
  const there = elsewhere(payment, { url, secrets: [secret], answers, answerLimitBytes })
  const paying = workflow('paying', { input: Id, output: z.string(), key: 'orderId' }, async (run, { orderId }) => {
    const paid = await run.call(there.charge({ orderId }), { undo: there.refund({ orderId }) })
    return paid.type
  })
  const definition = ballet({ services: [there], workflows: [paying], http: () => answers.take })
  const app = await open(definition, { store, log: silentLog, graceMs: 0 })
  ready.resolve(app)
  const close = async (): Promise<void> => {
    await app.close()
    await serving.close()
  }
  closing.push(close)
  return { app, paying, there, serving, close, log }
}

interface Later {
  readonly key?: string
  readonly id?: string
  readonly by?: string
  readonly more?: object
  readonly isInPieces?: boolean
}

/** An answer, signed. */
function made(asked: Request202, { key, id, by = secret, more }: Later = {}) {
  const answer = { type: 'order.paid', data: { orderId: '1' } }
  const text = JSON.stringify({ idempotencyKey: key ?? asked.idempotencyKey, ...(more ?? { answer }) })
  const said = { id: id ?? asked.idempotencyKey, seconds: Math.floor(Date.now() / 1000), body: Buffer.from(text) }
  const headers = { 'content-type': 'application/json', ...signatureHeaders(secretsOf([by]), said) }
  return { text, headers }
}

/** Sends an answer; its status and code. */
async function send(asked: Request202, { isInPieces = false, ...later }: Later = {}): Promise<string> {
  const { text, headers } = made(asked, later)
  const sent = isInPieces ? { body: new Blob([text]).stream(), duplex: 'half' as const } : { body: text }
  const response = await fetch(asked.answerTo, { method: 'POST', headers, ...sent })
  const body = await response.text()
  return `${response.status} ${body === '' ? '' : (JSON.parse(body) as { code: string }).code}`.trim()
}

test('the attempt goes on when the answer comes, which is taken once', async () => {
  const { url, asked, nth } = await accepting()
  const { app, paying } = await opened(url)
  const { id } = await app.start(paying({ orderId: '1' }))
  const first = await nth(1)
  expect(await send(first)).toBe('204')
  expect(await app.result(id)).toBe('order.paid')
  expect(await send(first)).toBe('404 ANSWER_UNAWAITED')
  expect(asked).toHaveLength(1)
})

test('whose answer it is not is refused, and the attempt goes on waiting', async () => {
  const { url, nth } = await accepting()
  const { app, paying, serving, log } = await opened(url)
  const { id } = await app.start(paying({ orderId: '1' }))
  const first = await nth(1)
  const foreign = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
  expect(await send(first, { by: foreign })).toBe('401 SIGNATURE_REFUSED')
  expect(await send(first, { key: 'another' })).toBe('401 SIGNATURE_REFUSED')
  expect(await send(first, { key: 'another', id: 'another' })).toBe('401 SIGNATURE_REFUSED')
  expect(await send({ ...first, answerTo: `${serving.url}/answers/${'A'.repeat(43)}` })).toBe('404 ANSWER_UNAWAITED')
  expect(await send(first, { more: { status: 202 } })).toBe('422 REQUEST_INVALID')
  expect(await send(first, { more: { status: 302 } })).toBe('422 REQUEST_INVALID')
  expect(await send(first, { more: { answer: 'x'.repeat(1_100_000) } })).toBe('413 BODY_TOO_LARGE')
  expect((await fetch(first.answerTo)).status).toBe(405)
  expect((await fetch(`${first.answerTo}/more`, { method: 'POST' })).status).toBe(404)
  expect(await send(first)).toBe('204')
  expect(await app.result(id)).toBe('order.paid')
  // The address, which nobody else is to know, stands in no line.
  expect(log.lines).toEqual([
    expect.stringMatching(/^warn an answer that came later was refused \(401\): .*another secret/),
    expect.stringMatching(/^warn an answer that came later was refused \(422\): /),
    expect.stringMatching(/^warn an answer that came later was refused \(413\): /),
  ])
  expect(JSON.stringify(log.lines)).not.toContain(first.answerTo.split('/').at(-1))
})

describe('what came of it', () => {
  test('a failure for good', async () => {
    const { url, nth } = await accepting()
    const { app, there } = await opened(url)
    const { id } = await app.start(there.charge({ orderId: '1' }), { id: 'one' })
    expect(await send(await nth(1), { more: { status: 422, code: 'TERMINAL', detail: 'no such card' } })).toBe('204')
    expect(await app.settled(id, 20_000)).toMatchObject({ status: 'failed', error: { message: 'no such card' } })
  })

  test('a failure that is tried again, at an address of its own', async () => {
    const { url, nth } = await accepting()
    const { app, paying } = await opened(url)
    const { id } = await app.start(paying({ orderId: '1' }))
    const first = await nth(1)
    expect(await send(first, { more: { status: 503, detail: 'not now' } })).toBe('204')
    const second = await nth(2)
    expect([second.attempt, second.idempotencyKey]).toEqual([2, first.idempotencyKey])
    expect(second.answerTo).not.toBe(first.answerTo)
    expect(await send(second)).toBe('204')
    expect(await app.result(id)).toBe('order.paid')
  })
})

test('the process dies while it waits: the next one asks again, by the same key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-answers-'))
  const store = `file:${join(folder, 'store.db')}`
  const { url, nth } = await accepting()
  const before = await opened(url, { store })
  const { id } = await before.app.start(before.paying({ orderId: '1' }))
  const first = await nth(1)
  await before.app.close()
  // Nobody waits there any more, and what is sent is not taken.
  expect(await send(first)).toMatch(/^(404 ANSWER_UNAWAITED|503 APP_CLOSED)$/)
  const after = await opened(url, { store })
  const second = await nth(2)
  expect(second.idempotencyKey).toBe(first.idempotencyKey)
  expect(await send(second)).toBe('204')
  expect(await after.app.result(id)).toBe('order.paid')
  await after.close()
  rmSync(folder, { recursive: true })
})

test('a call that is given up is told so, and its answer is waited for before it is taken back', async () => {
  const { url, asked, nth } = await accepting()
  const { app, paying } = await opened(url)
  const { id } = await app.start(paying({ orderId: '1' }))
  const first = await nth(1)
  await app.cancel(id, { by: 'ann', why: 'too late' })
  expect(await nth(2)).toMatchObject({ method: 'DELETE', idempotencyKey: first.idempotencyKey })
  expect(asked).toHaveLength(2)
  expect(await send(first)).toBe('204')
  const refund = await nth(3)
  expect(refund.idempotencyKey).toMatch(/:0:undo:payment\.charge#0$/)
  expect(await send(refund, { more: { answer: { type: 'order.refunded', data: { orderId: '1' } } } })).toBe('204')
  const ended = await until(app, null, async () => {
    const run = await app.run(id)
    return run?.ended != null && run
  })
  expect(ended.status).toBe('cancelled')
})

test('an answer that is here before it was said that it comes later', async () => {
  const answers = new Answers(new URL('http://localhost/answers'), {
    clock: systemClock,
    read: readBytes,
    refused: () => {},
  })
  const expected = answers.expect({ idempotencyKey: 'k', secrets: [], timeoutMs: 1000, limitBytes: 1000 })
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
  const taken = await answers.take(
    new Request(answers.addressOf(expected), { ...init, body: '{"idempotencyKey":"k"}' }),
  )
  expect(taken?.status).toBe(204)
  expect(await expected.came).toEqual({
    status: 200,
    isWhole: true,
    type: 'application/json',
    retryAfter: undefined,
    body: new Uint8Array(),
  })
  expect(await answers.take(new Request('http://localhost/other', init))).toBeUndefined()
})

describe('an answer is as large as answerLimitBytes allows, whatever the site takes', () => {
  const large = (bytes: number) => ({
    answer: { type: 'order.paid', data: { orderId: '1', receipt: 'x'.repeat(bytes) } },
  })

  test('more than a request to the site may be, or less', async () => {
    const { url, nth } = await accepting()
    const { app, paying, log } = await opened(url, { answerLimitBytes: 20_000, bodyLimitBytes: 10_000 })
    const { id } = await app.start(paying({ orderId: '1' }))
    const first = await nth(1)
    expect(await send(first, { more: large(20_001) })).toBe('413 BODY_TOO_LARGE')
    expect(log.lines).toEqual([expect.stringMatching(/refused \(413\): .*20000 bytes/)])
    // Nobody waits there: it is a request to the site as any other.
    const unknown = { ...first, answerTo: first.answerTo.replace(/[^/]+$/, 'A'.repeat(43)) }
    expect(await send(unknown, { more: large(15_000) })).toBe('413 BODY_TOO_LARGE')
    expect(await send(first, { more: large(15_000) })).toBe('204')
    expect(await app.result(id)).toBe('order.paid')
    expect(await send(first, { more: large(15_000) })).toBe('413 BODY_TOO_LARGE')
    expect(log.lines).toHaveLength(1)
  })

  test('a heartbeat may have all of its progress', async () => {
    const { url, nth } = await accepting()
    const { app, paying } = await opened(url, { bodyLimitBytes: 10_000 })
    await app.start(paying({ orderId: '1' }))
    const first = await nth(1)
    const beat = { beat: 1, progress: 'p'.repeat(16_000) }
    expect(await send({ ...first, answerTo: `${first.answerTo}/heartbeat` }, { more: beat })).toBe('204')
    expect(await send(first)).toBe('204')
  })

  test('also of a service that asks before it sends', async () => {
    const { url, nth } = await accepting()
    const { app, paying } = await opened(url, { answerLimitBytes: 20_000, bodyLimitBytes: 10_000 })
    const { id } = await app.start(paying({ orderId: '1' }))
    const first = await nth(1)
    const statusOf = (bytes: number): Promise<string> =>
      new Promise((resolve, reject) => {
        const { text, headers } = made(first, { more: large(bytes) })
        const how = { method: 'POST', headers: { ...headers, 'content-length': text.length, expect: '100-continue' } }
        let isAsked = false
        const request = requestTo(first.answerTo, how, (answered) => {
          resolve(`${isAsked ? 'asked' : 'not asked'} ${answered.statusCode}`)
          answered.resume()
          request.destroy()
        })
        request.on('continue', () => {
          isAsked = true
          request.end(text)
        })
        request.on('error', reject).flushHeaders()
      })
    expect(await statusOf(20_001)).toBe('not asked 413')
    expect(await statusOf(15_000)).toBe('asked 204')
    expect(await app.result(id)).toBe('order.paid')
  })

  test('in pieces too, whose length nobody has said', async () => {
    const { url, nth } = await accepting()
    const { app, paying } = await opened(url, { answerLimitBytes: 20_000, bodyLimitBytes: 10_000 })
    const { id } = await app.start(paying({ orderId: '1' }))
    const first = await nth(1)
    expect(await send(first, { more: large(20_001), isInPieces: true })).toBe('413 BODY_TOO_LARGE')
    expect(await send(first, { more: large(15_000), isInPieces: true })).toBe('204')
    expect(await app.result(id)).toBe('order.paid')
  })
})

test.each(['/shop', '/shop/v2'])(
  'a proxy in front takes %s away from the path: answers and heartbeats arrive',
  async (prefix) => {
    const { url, nth } = await accepting()
    const { app, paying } = await opened(url, { reached: (at) => stripping(at, prefix) })
    const { id } = await app.start(paying({ orderId: '1' }))
    const first = await nth(1)
    const { pathname } = new URL(first.answerTo)
    expect(pathname.startsWith(`${prefix}/answers/`)).toBe(true)
    const unknown = { ...first, answerTo: first.answerTo.replace(/[^/]+$/, 'A'.repeat(43)) }
    expect(await send(unknown)).toBe('404 ANSWER_UNAWAITED')
    expect(await send({ ...unknown, answerTo: `${unknown.answerTo}/heartbeat` })).toBe('410 HEARTBEAT_UNWANTED')
    expect(await send({ ...first, answerTo: `${first.answerTo}/heartbeat` }, { more: { beat: 1 } })).toBe('204')
    expect(await send(first)).toBe('204')
    expect(await app.result(id)).toBe('order.paid')
  },
)

test('behind a rest of its path only what looks like an answer is taken for one, and nothing behind another path', async () => {
  const taking = { clock: systemClock, read: readBytes, refused: () => {} }
  const answers = new Answers(new URL('http://localhost/shop/answers'), taking)
  const token = 'A'.repeat(43)
  const statusOf = async (path: string, method = 'POST'): Promise<number | undefined> =>
    (await answers.take(new Request(`http://localhost${path}`, { method })))?.status
  for (const before of ['/shop/answers', '/answers', '']) {
    expect(await statusOf(`${before}/${token}`)).toBe(404)
    expect(await statusOf(`${before}/${token}/heartbeat`)).toBe(410)
  }
  expect(await statusOf('/shop/answers/short')).toBe(404)
  // They are the application's.
  for (const path of ['/', '/orders', '/heartbeat', '/answers/short', '/answers/short/heartbeat', '/answers/'])
    expect(await statusOf(path)).toBeUndefined()
  expect(await statusOf(`/${token}`, 'GET')).toBeUndefined()
  for (const before of ['/shop', '/nswers', '/x/answers', '/x/shop/answers', '/shop/answers/answers', '//answers'])
    expect(await statusOf(`${before}/${token}`)).toBeUndefined()
  expect(await statusOf(`/answers/${token}/heartbeat/more`)).toBeUndefined()
})

test('what nobody forgets is forgotten when its time is over', () => {
  let now = 0
  const clock = { ...systemClock, elapsed: () => now }
  const answers = new Answers(new URL('http://localhost/'), { clock, read: readBytes, refused: () => {} })
  const awaited = { idempotencyKey: 'k', secrets: [], timeoutMs: 1000, limitBytes: 1000 }
  for (let count = 0; count < 10; count += 1) answers.expect(awaited)
  now = 1001
  answers.expect(awaited).forget()
  expect(answers.size).toBe(0)
})

test('a door that is none is refused', () => {
  expect(() => elsewhere(payment, { url: 'http://localhost', answers: { take: async () => undefined } })).toThrow(
    'answers must be made by laterAnswers(...)',
  )
  expect(() => laterAnswers(undefined)).toThrow('laterAnswers(...): it has no url')
})
