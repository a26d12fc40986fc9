// A service that is carried out for applications elsewhere: what it answers to each request, and what its code is told.
import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { firstAttempt } from '../../../test/remote/attempt.ts'
import { keptLog } from '../../../test/support/applications.ts'
import { elsewhere, serveService, serviceHandler } from '../../http.ts'
import { event, operation, RetryAfterError, service, TerminalError, type OperationContext } from '../../index.ts'
import { systemClock } from '../../engine/clock.ts'
import { definitionOf } from '../../define/definition-symbol.ts'
import type { Asked } from '../../core/transport.ts'
import { transportOf } from './place.ts'

const Id = z.object({ orderId: z.string() })
const Paid = event('order.paid', Id.extend({ cents: z.int() }), { key: 'orderId' })

type Body = (context: OperationContext) => unknown
let body: Body = () => undefined
const kept: { context?: OperationContext } = {}
const run = (_input: unknown, context: OperationContext): never => {
  kept.context = context
  return body(context) as never
}
const payment = service('payment', {
  charge: operation({ input: Id, outcomes: [Paid], run }),
  price: operation({ input: Id, output: z.object({ cents: z.int() }).optional(), run }),
  note: operation({ input: Id.extend({ times: z.int().default(1) }), run }),
})

afterEach(() => void (body = () => undefined))

const asked: Asked = { ...firstAttempt, attempt: 2, timeoutMs: 60_000, key: 'orderId:1', cause: 'event:shop:1' }

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

const log = keptLog()
const handle = serviceHandler(payment, { secrets: null, log, bodyLimitBytes: 2000 })

async function post(sent: unknown, path = '/price', init: RequestInit = {}): Promise<Answer> {
  const text = typeof sent === 'string' ? sent : JSON.stringify(sent)
  const headers = { 'content-type': 'application/json' }
  const answer = await handle(new Request(`http://localhost${path}`, { method: 'POST', headers, body: text, ...init }))
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

const codeOf = ({ text }: Answer): unknown => (JSON.parse(text) as { code: string }).code

describe('an answer', () => {
  test('an output is JSON', async () => {
    body = () => ({ cents: 5 })
    expect(await post(asked)).toMatchObject({ status: 200, text: '{"cents":5}' })
  })

  test('nothing is 204', async () => {
    expect(await post(asked)).toMatchObject({ status: 204, text: '' })
    body = () => 'what nobody asked for'
    expect(await post({ ...asked, operation: 'payment.note' }, '/note')).toMatchObject({ status: 204, text: '' })
  })

  test('an outcome is its type and data', async () => {
    body = () => Paid({ orderId: '1', cents: 5 })
    const answer = await post({ ...asked, operation: 'payment.charge' }, '/any/where/charge')
    expect(answer.text).toBe('{"type":"order.paid","data":{"orderId":"1","cents":5}}')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('its code is told what it would be told in the process of the application', async () => {
    body = ({ log: said }) => said.info('looked up', { cents: 5 })
    await post(asked)
    const { signal, log: _log, heartbeat: _heartbeat, ...context } = kept.context ?? ({} as OperationContext)
    const { operation: _operation, input: _input, ...expected } = asked
    expect(context).toEqual(expected)
    expect(signal.aborted).toBe(false)
    expect(log.lines).toContain('info one payment.price#0: looked up')
  })
})

describe('a request that is not taken', () => {
  const text = JSON.stringify(asked)
  test.each<[what: string, sent: unknown, path: string, init: RequestInit, expected: string]>([
    ['no JSON', '{', '/price', {}, '400 JSON_MALFORMED'],
    ['a list', '[]', '/price', {}, '422 REQUEST_INVALID'],
    ['another type', text, '/price', { headers: { 'content-type': 'text/plain' } }, '415 BODY_TYPE'],
    ['no type', text, '/price', { headers: {} }, '415 BODY_TYPE'],
    ['too much', { ...asked, more: 'x'.repeat(2000) }, '/price', {}, '413 BODY_TOO_LARGE'],
    ['an operation that is not here', { ...asked, operation: 'payment.pirce' }, '/pirce', {}, '404 OPERATION_UNHOSTED'],
    ['a path that is not of it', asked, '/note', {}, '404 OPERATION_UNHOSTED'],
    ['a part of its name', asked, '/theprice', {}, '404 OPERATION_UNHOSTED'],
    ['another method', text, '/price', { method: 'PUT' }, '405 METHOD_NOT_ALLOWED'],
    [
      'a key that is another',
      text,
      '/price',
      { headers: { 'content-type': 'application/json', 'idempotency-key': 'x' } },
      '401 SIGNATURE_REFUSED',
    ],
    ...[
      'operation',
      'idempotencyKey',
      'fence',
      'run',
      'op',
      'root',
      'undoes',
      'key',
      'cause',
      'attempt',
      'timeoutMs',
      'traceparent',
    ].map((name): [string, unknown, string, RequestInit, string] => [
      `no ${name}`,
      { ...asked, [name]: undefined },
      '/price',
      {},
      '422 REQUEST_INVALID',
    ]),
    ['no time', { ...asked, timeoutMs: 0 }, '/price', {}, '422 REQUEST_INVALID'],
  ])('%s', async (_what, sent, path, init, expected) => {
    delete kept.context
    const answer = await post(sent, path, init)
    expect(`${answer.status} ${String(codeOf(answer))}`).toBe(expected)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(kept.context).toBeUndefined()
  })

  test('one that reads only says what may be asked', async () => {
    const answer = await handle(new Request('http://localhost/price'))
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, DELETE'])
  })

  test('an operation that is nearly named is named', async () => {
    const { text: said } = await post({ ...asked, operation: 'payment.pirce' }, '/pirce')
    expect(said).toContain('Did you mean \\"payment.price\\"?')
  })

  test('input that its schema refuses; what a newer schema adds is there', async () => {
    const answer = await post({ ...asked, input: { orderId: 5 } })
    expect(answer).toMatchObject({ status: 422 })
    expect(codeOf(answer)).toBe('INPUT_INVALID')
    expect(answer.text).toContain('the input of payment.price is not valid at orderId')
  })
})

describe('what its code throws', () => {
  test('that it will never work: 422, with its words', async () => {
    body = () => {
      throw new TerminalError('no such card')
    }
    expect(JSON.parse((await post(asked)).text)).toEqual({
      title: 'Refused for good',
      status: 422,
      code: 'TERMINAL',
      detail: 'no such card',
    })
  })

  test('that it may from then on: 503 with Retry-After, in whole seconds and never before', async () => {
    body = () => {
      throw new RetryAfterError('the provider is down', 1200)
    }
    const answer = await post(asked)
    expect([answer.status, answer.headers.get('retry-after'), codeOf(answer)]).toEqual([503, '2', 'RetryAfterError'])
  })

  test('anything else: 500 without a stack, and a line in the log', async () => {
    body = () => {
      throw new RangeError('too far', { cause: new Error('ECONNREFUSED') })
    }
    const answer = await post(asked)
    expect(JSON.parse(answer.text)).toEqual({
      title: 'Failed',
      status: 500,
      code: 'RangeError',
      detail: 'too far: ECONNREFUSED',
    })
    expect(log.lines).toContain('warn one payment.price#0: attempt 2 at payment.price failed: too far: ECONNREFUSED')
  })

  test.each<[Body, string, string]>([
    [() => new Map([[1, 2]]), '/price', 'VALUE_NOT_JSON'],
    [() => 5n, '/price', 'VALUE_NOT_JSON'],
    [() => ({ type: 'order.paid' }), '/charge', 'OUTCOME_UNDECLARED'],
    [() => undefined, '/charge', 'OUTCOME_UNDECLARED'],
    [() => event('order.lost', Id, { key: 'orderId' })({ orderId: '1' }), '/charge', 'OUTCOME_UNDECLARED'],
  ])('and what it may not answer with: %s', async (answers, path, code) => {
    body = answers
    const answer = await post({ ...asked, operation: `payment.${path.slice(1)}` }, path)
    expect([answer.status, codeOf(answer)]).toEqual([500, code])
  })
})

describe('its code is told to stop', () => {
  /** A body that goes on until it is told to stop, and then says that it has. */
  function waiting() {
    const begun = Promise.withResolvers<OperationContext>()
    const stopped = Promise.withResolvers<unknown>()
    body = (context) => {
      begun.resolve(context)
      return new Promise((resolve) => {
        context.signal.addEventListener('abort', () => {
          stopped.resolve((context.signal.reason as { code: string }).code)
          resolve({ cents: 1 })
        })
      })
    }
    return { begun: begun.promise, stopped: stopped.promise }
  }

  test('when the attempt has no time left', async () => {
    const { stopped } = waiting()
    expect(await post({ ...asked, timeoutMs: 5 })).toMatchObject({ status: 200 })
    expect(await stopped).toBe('ATTEMPT_TIMEOUT')
  })

  test('when whoever asked has gone', async () => {
    const { begun, stopped } = waiting()
    await using there = await serveService(payment, { port: 0 })
    const text = JSON.stringify(asked)
    const client = request(`${there.url}/price`, { method: 'POST', headers: { 'content-type': 'application/json' } })
    client.on('error', () => {}).end(text)
    await begun
    client.destroy()
    expect(await stopped).toBe('CALL_ABORTED')
  })

  test('when the attempt is given up, and its answer is waited for', async () => {
    const { begun, stopped } = waiting()
    await using there = await serveService(payment, { port: 0 })
    const transport = transportOf('payment', { url: there.url }, systemClock)
    const controller = new AbortController()
    const answer = transport.ask(asked, controller.signal)
    await begun
    controller.abort(Object.assign(new Error('given up'), { code: 'CALL_ABORTED' }))
    expect(await stopped).toBe('CALL_ABORTED')
    expect(await answer).toEqual({ cents: 1 })
  })

  test('when the application closes, and nothing is waited for', async () => {
    const { begun, stopped } = waiting()
    await using there = await serveService(payment, { port: 0 })
    const transport = transportOf('payment', { url: there.url }, systemClock)
    const controller = new AbortController()
    const answer = transport.ask(asked, controller.signal)
    await begun
    const reason = new Error('closing')
    controller.abort(reason)
    await expect(answer).rejects.toBe(reason)
    expect(await stopped).toBe('CALL_ABORTED')
  })
})

describe('a server of it', () => {
  test('closes when what is under way has been answered, and takes nothing new', async () => {
    const begun = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    body = async () => {
      begun.resolve()
      await goOn.promise
      return { cents: 9 }
    }
    const there = await serveService(payment, { port: 0 })
    const transport = transportOf('payment', { url: there.url }, systemClock)
    const { signal } = new AbortController()
    const first = transport.ask(asked, signal)
    await begun.promise
    const closed = there.close()
    await expect(transport.ask(asked, signal)).rejects.toThrow('ECONNREFUSED')
    goOn.resolve()
    expect(await first).toEqual({ cents: 9 })
    await closed
  })

  test('says that it is there', async () => {
    await using there = await serveService(payment, { port: 0, secrets: [`whsec_${'A'.repeat(43)}=`] })
    const answer = await fetch(`${there.url}/healthz`)
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }])
    expect((await fetch(`${there.url}/price`)).status).toBe(405)
  })

  test('does not answer a page in a browser where nothing is signed', async () => {
    const told = keptLog()
    await using there = await serveService(payment, { port: 0, log: told })
    const send = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve) => {
        const client = request(`${there.url}/price`, { method: 'POST', headers }, (answer) => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        })
        client.end(JSON.stringify(asked))
      })
    const type = { 'content-type': 'application/json' }
    expect(await send(type)).toBe(204)
    expect(await send({ ...type, host: 'rebound.example.com' })).toBe(403)
    expect(told.lines).toEqual([expect.stringMatching(/^warn POST \/price was refused \(403\): .*rebound/)])
    expect(await send({ ...type, origin: 'https://evil.example.com' })).toBe(403)
  })

  test('says in its log what it refused, each kind once in a while, and not what is as it should be', async () => {
    const told = keptLog()
    const [secret, another] = [`whsec_${'A'.repeat(43)}=`, `whsec_${'Q'.repeat(43)}=`]
    const options = { port: 0, secrets: [secret], bodyLimitBytes: 2000, log: told }
    await using there = await serveService(payment, options)
    const ask = async (by: string, input: unknown): Promise<unknown> => {
      const transport = transportOf('payment', { url: there.url, secrets: [by] }, systemClock)
      return transport.ask({ ...asked, input }, new AbortController().signal).catch(() => 'refused')
    }
    expect(await ask(secret, asked.input)).toBeUndefined()
    expect(await ask(secret, 'x'.repeat(3000))).toBe('refused')
    for (let times = 0; times < 20; times++) expect(await ask(another, asked.input)).toBe('refused')
    expect((await fetch(`${there.url}/healthz`)).status).toBe(200)
    expect(told.lines).toEqual([
      expect.stringMatching(/^warn POST \/price was refused \(413\): .*2000/),
      expect.stringMatching(/^warn POST \/price was refused \(401\): .*another secret/),
    ])
    expect(JSON.stringify(told.lines)).not.toContain('AAAA')
  })

  test('carries out several services, and each operation once', async () => {
    const other = service('other', { do: operation({ input: Id, run: () => {} }) })
    await using there = await serveService([payment, other], { port: 0 })
    const transport = transportOf('other', { url: there.url }, systemClock)
    expect(await transport.ask({ ...asked, operation: 'other.do' }, new AbortController().signal)).toBeUndefined()
    expect(() => serviceHandler([payment, payment], { secrets: null })).toThrow('there are two of this name')
  })

  test('refuses what it could not carry out', () => {
    const bare = service('bare', { do: operation({ input: Id }) })
    expect(() => serviceHandler(bare, { secrets: null })).toThrow('operation "bare.do": it has no run(input, context)')
    expect(() => serviceHandler({} as never, { secrets: null })).toThrow('it takes a service, made by service(...)')
    expect(() => elsewhere({} as never, { url: 'http://localhost' })).toThrow(
      'it takes a service, made by service(...)',
    )
  })
})

test('a service that is put elsewhere is another value, and leaves the first as it was', () => {
  const there = elsewhere(payment, { url: 'http://localhost:1' })
  const origins = (one: unknown): unknown =>
    (definitionOf(one) as { operations: { elsewhere: { origin: string } | null }[] }).operations.map(
      (op) => op.elsewhere?.origin,
    )
  expect(origins(there)).toEqual(Array(3).fill('http://localhost:1'))
  expect(origins(payment)).toEqual(Array(3).fill(undefined))
})
