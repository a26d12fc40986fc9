// What an application makes of what a service answers: each case is a real server that answers so, and the error that the
// attempt has failed with.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createPlain, type AddressInfo, type Server as PlainServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { firstAttempt } from '../../../test/remote/attempt.ts'
import { openForTest, until } from '../../../test/support/applications.ts'
import { elsewhere } from '../../http.ts'
import { ballet, event, operation, service, type Application, type Policy, type RunView } from '../../index.ts'
import { retryAfterMsOf } from '../../core/errors.ts'
import { systemClock } from '../../engine/clock.ts'
import { transportOf } from './place.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const servers: (Server | PlainServer)[] = []
afterEach(closeAll)
async function closeAll(): Promise<void> {
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

async function listening(server: Server | PlainServer): Promise<string> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

type Answers = (response: ServerResponse, request: IncomingMessage, count: number) => void

async function serving(answers: Answers): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (part: string) => (body += part))
    request.on('end', () => {
      asked.push(body)
      answers(response, request, asked.length)
    })
  })
  return { url: await listening(server), asked }
}

const Id = z.object({ orderId: z.string() })
const Paid = event('order.paid', Id.extend({ cents: z.int() }), { key: 'orderId' })

function placedAt(url: string, policy: Policy, more: { readonly answerLimitBytes?: number } = {}) {
  const shape = service('payment', {
    charge: operation({ input: Id, outcomes: [Paid], ...policy }),
    price: operation({ input: Id, output: z.object({ cents: z.int() }), ...policy }),
  })
  return elsewhere(shape, { url, ...more })
}

/** One call, by itself: how it stands when it needs nobody or somebody. */
async function called(
  url: string,
  {
    op = 'price',
    policy = { retry: { attempts: 1 } },
    ...more
  }: { op?: 'price' | 'charge'; policy?: Policy; answerLimitBytes?: number } = {},
): Promise<RunView> {
  const payment = placedAt(url, policy, more)
  const app = await openForTest(ballet({ services: [payment] }))
  const input = { orderId: '1' }
  const { id } =
    op === 'price'
      ? await app.start(payment.price(input), { id: 'one' })
      : await app.start(payment.charge(input), { id: 'one' })
  return standing(app, id)
}

const standing = (app: Application, id: string): Promise<RunView> =>
  until(app, null, async () => {
    const run = await app.run(id)
    return run !== null && run.status !== 'running' && run
  })

/** `stuck CODE: message`, with the address of the server left out. */
const told = ({ status, error, output }: RunView, url: string): string =>
  error == null
    ? `${status} ${JSON.stringify(output)}`
    : `${status} ${error.code}: ${error.message.replaceAll(url, 'URL')}`

const at = 'payment.price at URL/price'

describe('an answer', () => {
  test.each([
    [200, '{"cents":5}', 'completed {"cents":5}'],
    [201, ' {"cents" : 5}\n', 'completed {"cents":5}'],
  ])('%i %j: %s', async (status, body, expected) => {
    const { url } = await serving((response) => response.writeHead(status).end(body))
    expect(told(await called(url), url)).toBe(expected)
  })

  test('the span of the attempt stands in the header of W3C Trace Context as well', async () => {
    const headers: unknown[] = []
    const { url, asked } = await serving((response, request) => {
      headers.push(request.headers['traceparent'])
      response.end('{"cents":5}')
    })
    await called(url)
    const { traceparent } = JSON.parse(asked[0] ?? '') as { readonly traceparent: string }
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
    expect(headers).toEqual([traceparent])
  })

  test('an outcome, with its type and data', async () => {
    const body = JSON.stringify({ type: 'order.paid', data: { orderId: '1', cents: 5 } })
    const { url } = await serving((response) => response.end(body))
    expect(await called(url, { op: 'charge' })).toMatchObject({
      status: 'completed',
      output: { type: 'order.paid', data: { orderId: '1', cents: 5 } },
    })
  })

  test.each([
    ['{"type":"order.lost","data":{}}', 'stuck OUTCOME_UNDECLARED: payment.charge answered with order.lost'],
    [
      '{"type":"order.paid","data":{"orderId":"1"}}',
      'stuck INPUT_INVALID: the data of order.paid is not valid at cents',
    ],
    ['[1]', 'stuck OUTCOME_UNDECLARED: payment.charge answered with a object'],
    ['', 'stuck OUTCOME_UNDECLARED: payment.charge answered with nothing'],
  ])('%j where an outcome is declared: %s', async (body, expected) => {
    const { url, asked } = await serving((response) => response.end(body))
    const policy = { retry: { attempts: 5, backoff: '1ms' } } as const
    expect(told(await called(url, { op: 'charge', policy }), url)).toContain(expected)
    expect(asked).toHaveLength(1)
  })
})

describe('what is no answer', () => {
  const large = `"${'x'.repeat(2000)}"`
  const endless = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"cents":'
  test.each<[what: string, answers: Answers, expected: string]>([
    [
      'a page',
      (to) => to.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      'it comes as text/html; The body is not JSON',
    ],
    ['half of one', (to) => to.end('{"cents":'), 'it comes as nothing that is named; The body is not JSON'],
    ['too much', (to) => to.end(large), 'it is larger than 1000 bytes'],
    ['too much, in parts', (to) => (to.write(large.slice(0, 900)), to.end(large.slice(900))), 'larger than 1000 bytes'],
    ['a redirect', (to) => to.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(), 'it redirects (307)'],
    ['302', (to) => to.writeHead(302, { location: '/other' }).end(), 'it redirects (302), and no redirect is followed'],
    ['202', (to) => to.writeHead(202).end(), '202 (accepted)'],
    ['206', (to) => to.writeHead(206).end('{"cents":5}'), 'its status is 206'],
    [
      'one that breaks off',
      (to) => (
        to.writeHead(200, { 'content-type': 'application/json', 'content-length': 99 }),
        to.write('{'),
        to.socket?.end()
      ),
      'it breaks off',
    ],
    ['JSON that ends with its connection', (to) => to.socket?.end(endless), 'it may have been cut off'],
  ])('%s', async (_what, answers, expected) => {
    const { url } = await serving(answers)
    const words = told(await called(url, { answerLimitBytes: 1000 }), url)
    expect(words).toContain(`stuck REMOTE_ANSWER_INVALID: ${at} answered with what is no answer: `)
    expect(words).toContain(expected)
  })

  test('what is no JSON and says that it is: the service is wrong, and it is stuck at once', async () => {
    const type = { 'content-type': 'application/json' }
    const { url, asked } = await serving((to) => to.writeHead(200, type).end('{"cents":'))
    const words = told(await called(url, { policy: { retry: { attempts: 5, backoff: '1ms' } } }), url)
    expect(words).toContain(`stuck VALUE_NOT_JSON: What ${at} answered cannot be stored as JSON: The body is not JSON`)
    expect(asked).toHaveLength(1)
  })

  test('what is not HTTP', async () => {
    const url = await listening(
      createPlain((socket) =>
        socket
          .on('error', () => {})
          .resume()
          .end('SSH-2.0-OpenSSH\r\n\r\n'),
      ),
    )
    expect(told(await called(url), url)).toContain(
      `stuck REMOTE_ANSWER_INVALID: ${at} answered with what is no answer: it is not valid HTTP`,
    )
  })

  test('is asked for again, by the policy', async () => {
    const { url, asked } = await serving((to, _request, count) => to.end(count < 3 ? '<html>' : '{"cents":7}'))
    const policy = { retry: { attempts: 3, backoff: '1ms' } } as const
    expect(told(await called(url, { policy }), url)).toBe('completed {"cents":7}')
    const bodies = asked.map((body) => JSON.parse(body) as { attempt: number; idempotencyKey: string })
    expect(bodies.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(new Set(bodies.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
  })
})

describe('a status', () => {
  test.each([400, 402, 406, 410, 412, 422, 423, 451])('%i: the call fails, and is not tried again', async (status) => {
    const { url, asked } = await serving((to) => to.writeHead(status).end('not for you'))
    const run = await called(url, { policy: { retry: { attempts: 3, backoff: '1ms' } } })
    expect(told(run, url)).toBe(`failed TERMINAL: ${at} answered ${status}`)
    expect(asked).toHaveLength(1)
  })

  test.each([401, 403, 404, 405, 408, 409, 413, 415, 425, 429, 431, 500, 502, 503, 504, 599])(
    '%i: tried again',
    async (status) => {
      const { url, asked } = await serving((to) => to.writeHead(status).end('<html>'))
      const run = await called(url, { policy: { retry: { attempts: 2, backoff: '1ms' } } })
      expect(told(run, url)).toBe(`stuck REMOTE_FAILED: ${at} answered ${status}.`)
      expect(asked).toHaveLength(2)
    },
  )

  test.each([
    ['application/problem+json', '{"detail":"the books are closed"}', '500: the books are closed'],
    ['application/problem+json', '{"detail":"The books are closed."}', '500: The books are closed'],
    ['application/json; charset=utf-8', '{"message":"no"}', '500: no'],
    ['application/json', '{"error":{"deep":1}}', '500'],
    ['application/json', 'null', '500'],
    ['application/json', '{', '500'],
    ['text/plain', 'secret words of a proxy', '500'],
  ])('%s %s: %s', async (type, body, expected) => {
    const { url } = await serving((to) => to.writeHead(500, { 'content-type': type }).end(body))
    expect(told(await called(url), url)).toBe(`stuck REMOTE_FAILED: ${at} answered ${expected}.`)
  })

  test('what a service of Ballet says no with is told as if it had been said here', async () => {
    const { url } = await serving((to) =>
      to
        .writeHead(422, { 'content-type': 'application/problem+json' })
        .end('{"code":"TERMINAL","detail":"no such card"}'),
    )
    expect(told(await called(url), url)).toBe('failed TERMINAL: no such card')
  })

  test.each(['INPUT_INVALID', 'REQUEST_INVALID', 'JSON_TOO_DEEP'])(
    '%s: stuck at once, and not failed',
    async (code) => {
      const problem = JSON.stringify({ code, detail: 'amount is missing' })
      const { url, asked } = await serving((to) =>
        to.writeHead(422, { 'content-type': 'application/problem+json' }).end(problem),
      )
      const run = await called(url, { policy: { retry: { attempts: 3, backoff: '1ms' } } })
      expect(told(run, url)).toContain(
        `stuck INPUT_INVALID: What ${at} was asked is not valid at its input: 422: amount is missing`,
      )
      expect(asked).toHaveLength(1)
    },
  )
})

test('Retry-After is told, as seconds and as a date, and what it does not say is not', async () => {
  const now = Date.UTC(2026, 0, 1)
  const said = ['120', new Date(now + 600_000).toUTCString(), new Date(now - 1000).toUTCString(), 'soon', '0']
  const { url } = await serving((to, _request, count) => to.writeHead(503, { 'retry-after': said[count - 1] }).end())
  const transport = transportOf('payment', { url }, { ...systemClock, now: () => now })
  const heard: number[] = []
  for (let count = 0; count < said.length; count += 1)
    await transport
      .ask(firstAttempt, new AbortController().signal)
      .catch((error: unknown) => heard.push(retryAfterMsOf(error)))
  expect(heard).toEqual([120_000, 600_000, 0, 0, 0])
})

describe('a service that cannot be reached', () => {
  test('nothing listens', async () => {
    const url = await listening(createPlain())
    await closeAll()
    expect(told(await called(url), url)).toBe(`stuck REMOTE_UNREACHABLE: ${at} cannot be reached: ECONNREFUSED.`)
  })

  test('the connection breaks before an answer', async () => {
    const { url } = await serving((to) => to.socket?.resetAndDestroy())
    expect(told(await called(url), url)).toBe(`stuck REMOTE_UNREACHABLE: ${at} cannot be reached: ECONNRESET.`)
  })

  test('it says nothing, or goes on for ever, and the attempt is over in its time', async () => {
    const policy = { timeout: '100ms', retry: { attempts: 1 } } as const
    const broken: unknown[] = []
    const ended = Promise.withResolvers<void>()
    const note = (to: ServerResponse): void =>
      void to.on('close', () => broken.push(to.writableFinished) === 2 && ended.resolve())
    const silent = await serving((to) => note(to))
    const expected = 'stuck ATTEMPT_TIMEOUT: payment.price at URL did not answer within 100ms.'
    expect(told(await called(silent.url, { policy }), silent.url)).toBe(expected)
    const slow = await serving((to) => (note(to), to.write('{')))
    expect(told(await called(slow.url, { policy }), slow.url)).toBe(expected)
    // It is told: the connection is closed.
    await ended.promise
    expect(broken).toEqual([false, false])
  })
})

test('a connection that was closed while nothing was asked on it is no failure', async () => {
  const sockets = new Set<unknown>()
  const { url, asked: came } = await serving((to, request, count) => {
    sockets.add(request.socket)
    to.end('{"cents":1}', () => {
      // Behind the answer, when the other side has it for one that is kept.
      if (count === 1) closing.resolve(() => request.socket.resetAndDestroy())
    })
  })
  const closing = Promise.withResolvers<() => void>()
  const transport = transportOf('payment', { url }, systemClock)
  const { signal } = new AbortController()
  expect(await transport.ask(firstAttempt, signal)).toEqual({ cents: 1 })
  const close = await closing.promise
  const second = transport.ask(firstAttempt, signal)
  close()
  expect(await second).toEqual({ cents: 1 })
  expect(came).toHaveLength(2)
  expect(sockets.size).toBe(2)
})

test('all connections that were kept are gone: it is asked on a new one', async () => {
  const old = new Set<unknown>()
  const held: ServerResponse[] = []
  const { url } = await serving((to, request, count) => {
    if (count > 2 && old.has(request.socket)) return void request.socket.destroy()
    old.add(request.socket)
    held.push(to)
    if (count >= 2) for (const one of held.splice(0)) one.end('{"cents":1}')
  })
  const transport = transportOf('payment', { url }, systemClock)
  const { signal } = new AbortController()
  await Promise.all([transport.ask(firstAttempt, signal), transport.ask(firstAttempt, signal)])
  expect(await transport.ask(firstAttempt, signal)).toEqual({ cents: 1 })
  expect(old.size).toBe(3)
})

test('connections are kept, and no more of them than may be', async () => {
  const sockets = new Set<unknown>()
  const { url } = await serving((to, request) => {
    sockets.add(request.socket)
    setImmediate(() => to.end('{"cents":1}'))
  })
  const transport = transportOf('payment', { url, connections: 2 }, systemClock)
  const { signal } = new AbortController()
  await Promise.all(Array.from({ length: 10 }, () => transport.ask(firstAttempt, signal)))
  await transport.ask(firstAttempt, signal)
  expect(sockets.size).toBe(2)
})

describe('where a service may be', () => {
  test('its origin is shown', () => {
    expect(transportOf('payment', { url: 'http://127.0.0.1:1/base/' }, systemClock).origin).toBe('http://127.0.0.1:1')
  })

  test.each([
    [undefined, 'it has no url'],
    ['', 'it has no url'],
    ['payment.internal', 'url must be one of http or https'],
    ['ftp://localhost/', 'url must be one of http or https'],
    ['http://ann:pass-word@localhost/', 'url must not have a user or a password'],
    ['http://localhost/?token=pass-word', 'url must not have a query'],
    ['http://localhost/#pass-word', 'url must not have a query or a fragment'],
  ])('%s: %s', (url, problem) => {
    const place = (): unknown => transportOf('payment', { url }, systemClock)
    expect(place).toThrow(problem)
    expect(place).not.toThrow('pass-word')
  })

  test.each(['http://payment.internal', 'https://10.0.0.1', 'http://0.0.0.0'])('%s needs a secret', (url) => {
    expect(() => transportOf('payment', { url, secrets: [undefined, ''] }, systemClock)).toThrow(
      `elsewhere(payment, ...) needs a secret: ${new URL(url).hostname} is not this machine alone.`,
    )
    expect(transportOf('payment', { url, secrets: [secret] }, systemClock).origin).toBe(url)
  })

  test.each([{ connections: 0 }, { connections: 1.5 }, { answerLimitBytes: 0 }, { answerLimitBytes: 2 ** 26 }])(
    'not with %j',
    (more) => {
      expect(() => transportOf('payment', { url: 'http://localhost', ...more }, systemClock)).toThrow(
        'must be a whole number',
      )
    },
  )
})
