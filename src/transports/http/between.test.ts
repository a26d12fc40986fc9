// What becomes of an attempt, and of those behind it, where the other side or somebody between does not keep to the manners of HTTP:
// each case is a real server that does so.
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect, createServer as createPlain, type AddressInfo, type Server as PlainServer } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { firstAttempt } from '../../../test/remote/attempt.ts'
import { laterAnswers, serveService } from '../../http.ts'
import { operation, service } from '../../index.ts'
import { toFailure } from '../../core/failure.ts'
import type { Transport } from '../../core/transport.ts'
import { systemClock } from '../../engine/clock.ts'
import { silentLog } from '../../engine/log.ts'
import { transportOf } from './place.ts'

const servers: (Server | PlainServer)[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function listening(server: Server | PlainServer): Promise<string> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The value of one attempt, or `CODE: message` of what it failed with. */
async function toldBy(transport: Transport, input: unknown = firstAttempt.input): Promise<string> {
  const answer = transport.ask({ ...firstAttempt, input }, new AbortController().signal)
  return answer.then(
    (value) => `value ${JSON.stringify(value)}`,
    (error: unknown) => `${toFailure(error).code}: ${toFailure(error).message}`,
  )
}

test('one who answers before the request is there, and reads no more of it, keeps no connection from others', async () => {
  const server = createServer((request, to) => {
    const type = { 'content-type': 'application/json' }
    if (Number(request.headers['content-length']) < 10_000)
      return void request.resume().on('end', () => to.writeHead(200, type).end('{"cents":1}'))
    request.once('data', () => {
      request.pause()
      to.writeHead(413, type).end('{"message":"too much"}')
    })
  })
  // Nor does it close the connection by itself.
  server.keepAliveTimeout = 0
  // More than the two sides hold for each other between them.
  const large = Array.from({ length: 16 }, () => 'x'.repeat(1_000_000))
  const transport = transportOf('payment', { url: await listening(server), connections: 1 }, systemClock)
  expect(await toldBy(transport, large)).toContain('REMOTE_FAILED: payment.price at http')
  expect(await toldBy(transport)).toBe('value {"cents":1}')
})

test('a service is told that an attempt is given up, though such attempts hold every connection', async () => {
  const begun = Promise.withResolvers<void>()
  const held: ServerResponse[] = []
  const server = createServer((request, to) => {
    if (request.method === 'POST') return void (held.push(to) === 2 && begun.resolve())
    to.writeHead(204).end()
    for (const one of held.splice(0)) one.end('{"cents":1}')
  })
  const transport = transportOf('payment', { url: await listening(server), connections: 2 }, systemClock)
  const controller = new AbortController()
  const answers = [1, 2].map(() => transport.ask(firstAttempt, controller.signal))
  await begun.promise
  controller.abort(Object.assign(new Error('given up'), { code: 'CALL_ABORTED' }))
  expect(await Promise.all(answers)).toEqual([{ cents: 1 }, { cents: 1 }])
})

test('of many attempts that are given up at once it is told on no more connections than there may be', async () => {
  const [begun, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const held: ServerResponse[] = []
  let [posts, isHolding] = [0, true]
  const server = createServer((request, to) => {
    if (request.method === 'GET') return void to.end()
    if (request.method === 'POST') {
      to.writeHead(202).end()
      return void ((posts += 1) === 20 && begun.resolve())
    }
    if (held.push(to) === 20) told.resolve()
    if (!isHolding) to.writeHead(204).end()
  })
  const url = await listening(server)
  const answers = laterAnswers('http://127.0.0.1:1/answers')
  const transport = transportOf('payment', { url, connections: 2, answers }, systemClock)
  const controller = new AbortController()
  for (let count = 0; count < 20; count += 1) void transport.ask(firstAttempt, controller.signal)
  await begun.promise
  controller.abort(Object.assign(new Error('given up'), { code: 'CALL_ABORTED' }))
  // Behind this, all that were sent at once would be here.
  await fetch(url)
  expect(held.length).toBeLessThanOrEqual(2)
  isHolding = false
  for (const to of held) to.writeHead(204).end()
  await told.promise
})

/** The way to one that answers each request with this, and closes the connection. */
async function saying(text: string): Promise<Transport> {
  const server = createPlain((socket) => {
    let came = ''
    socket.on('error', () => {})
    socket.on('data', (part: Buffer) => {
      came += part.toString()
      const body = came.split('\r\n\r\n')[1]
      if (body?.endsWith('}') === true) socket.end(text)
    })
  })
  return transportOf('payment', { url: await listening(server) }, systemClock)
}

const json = 'content-type: application/json\r\n'

describe('an answer that ends with its connection', () => {
  test.each([
    ['nothing behind the headers', `HTTP/1.0 200 OK\r\n${json}\r\n`],
    ['nothing behind the headers, of no type', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'],
    ['12, perhaps of 12500', `HTTP/1.0 200 OK\r\n${json}\r\n12`],
    [
      '12 in an encoding that does not say where it ends',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n${json}\r\n12`,
    ],
    ['half an object', `HTTP/1.0 200 OK\r\n${json}\r\n{"cents":`],
  ])('%s: it may have been cut off', async (_what, text) => {
    const words = await toldBy(await saying(text))
    expect(words).toContain('REMOTE_ANSWER_INVALID: payment.price at http')
    expect(words).toContain('it may have been cut off, since nothing says how long it is')
  })

  test.each([
    ['{"cents":12}', '{"cents":12}'],
    ['"12"', '"12"'],
    ['null', 'null'],
    ['12\n', '12'],
  ])('%j: no part of another', async (body, value) => {
    expect(await toldBy(await saying(`HTTP/1.0 200 OK\r\n${json}\r\n${body}`))).toBe(`value ${value}`)
  })
})

test.each([
  ['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 'undefined'],
  ['HTTP/1.0 204 No Content\r\n\r\n', 'undefined'],
  ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 'undefined'],
  ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n12', '12'],
  ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n12\r\n0\r\n\r\n', '12'],
])('%j says how long it is', async (text, value) => {
  expect(await toldBy(await saying(text))).toBe(`value ${value}`)
})

test('one who goes on in another protocol, which nobody asked for, does not answer, and leaves its connection to others', async () => {
  let count = 0
  const server = createPlain((socket) => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'
    const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"cents":1}'
    const isFirst = (count += 1) === 1
    socket.on('error', () => {}).once('data', () => (isFirst ? socket.write(switching) : socket.end(answer)))
  })
  const transport = transportOf('payment', { url: await listening(server), connections: 1 }, systemClock)
  const words = await toldBy(transport)
  expect(words).toContain('REMOTE_ANSWER_INVALID: payment.price at http')
  expect(words).toContain('its status is 101')
  expect(await toldBy(transport)).toBe('value {"cents":1}')
})

describe('an answer in an encoding, though it was asked for as it is', () => {
  const encoded = async (status: number, encoding: string, body: string | Buffer): Promise<string> => {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding, connection: 'close' }
    const server = createServer((request, to) => {
      request.resume().on('end', () => to.writeHead(status, headers).end(body))
    })
    return toldBy(transportOf('payment', { url: await listening(server) }, systemClock))
  }

  test('is none, and is not taken for one that is no JSON', async () => {
    const words = await encoded(200, 'gzip', gzipSync('{"cents":1}'))
    expect(words).toContain('REMOTE_ANSWER_INVALID: payment.price at http')
    expect(words).toContain('no answer: its content-encoding is gzip, though it was asked for as it is (identity).')
  })

  test('is no no that could be read', async () => {
    const words = await encoded(422, 'br', brotliCompressSync('{"code":"INPUT_INVALID"}'))
    expect(words).toContain('REMOTE_ANSWER_INVALID: payment.price at http')
    expect(words).toContain('its status is 422, and its content-encoding is br,')
  })

  test.each([
    ['identity', '{"cents":1}', 'value {"cents":1}'],
    ['Identity', '{"cents":1}', 'value {"cents":1}'],
    ['gzip', '', 'value undefined'],
  ])('%s of %j: it is as it is', async (encoding, body, expected) => {
    expect(await encoded(200, encoding, body)).toBe(expected)
  })
})

describe('a 4xx that is not from the service takes no order back', () => {
  const page = '<html>no</html>'
  const closing = (status: string): string => `HTTP/1.1 ${status}\r\nconnection: close\r\n`
  const sized = (body: string): string => `content-length: ${body.length}\r\n\r\n${body}`
  const broken = (code: string): string => JSON.stringify({ code, detail: 'it came broken' })
  const problem = 'content-type: application/problem+json\r\n'

  test.each([
    ['400 Bad Request', 'text/html'],
    ['402 Payment Required', 'text/html; charset=utf-8'],
    ['422 Unprocessable Content', 'Text/HTML'],
    ['460 Gone Away', 'application/xhtml+xml'],
  ])('%s in %s', async (status, type) => {
    const transport = await saying(`${closing(status)}content-type: ${type}\r\n${sized(page)}`)
    expect(await toldBy(transport)).toContain(
      `answered with what is no answer: its status is ${status.slice(0, 3)}, and it comes as ${type}.`,
    )
  })

  test.each(['413 Payload Too Large', '502 Bad Gateway', '504 Gateway Timeout'])(
    '%s, as a page: told as that',
    async (status) => {
      const transport = await saying(`${closing(status)}content-type: text/html\r\n${sized(page)}`)
      const number = status.slice(0, 3)
      expect(await toldBy(transport)).toMatch(
        new RegExp(`^REMOTE_FAILED: .* answered ${number} with a page \\(HTML\\), which is mostly`),
      )
    },
  )

  test.each(['REQUEST_MALFORMED', 'BODY_INCOMPLETE'])('%s: the request came broken', async (code) => {
    const transport = await saying(`${closing('400 Bad Request')}${problem}${sized(broken(code))}`)
    expect(await toldBy(transport)).toMatch(/^REMOTE_FAILED: .* answered 400: it came broken\.$/)
  })

  test('what a server of Node says to a request that was cut off', async () => {
    const server = createServer(() => {})
    const behind = Number(new URL(await listening(server)).port)
    const tunnel = createPlain({ allowHalfOpen: true }, (socket) => {
      const on = connect({ port: behind, allowHalfOpen: true })
      for (const one of [socket, on]) one.on('error', () => {})
      socket.once('data', (part) => on.end(part.subarray(0, 300)))
      on.pipe(socket)
    })
    const transport = transportOf('payment', { url: await listening(tunnel) }, systemClock)
    const words = await toldBy(transport)
    expect(words).toContain('REMOTE_ANSWER_INVALID: payment.price at http')
    expect(words).toContain('its status is 400, and it may have been cut off')
  })

  test('what a server of Ballet says to a request that was cut off is tried again, with the same call', async () => {
    const payment = service('payment', {
      price: operation({
        input: z.object({ orderId: z.string() }),
        output: z.object({ cents: z.int() }),
        run: () => ({ cents: 1 }),
      }),
    })
    await using there = await serveService(payment, { port: 0, log: silentLog })
    let connections = 0
    const tunnel = createPlain({ allowHalfOpen: true }, (socket) => {
      const on = connect({ port: there.port, allowHalfOpen: true })
      for (const one of [socket, on]) one.on('error', () => {})
      if ((connections += 1) > 1) socket.pipe(on)
      // The headers, and a part of the body.
      else socket.once('data', (part) => on.end(part.subarray(0, part.indexOf('\r\n\r\n') + 20)))
      on.pipe(socket)
    })
    const transport = transportOf('payment', { url: await listening(tunnel) }, systemClock)
    expect(await toldBy(transport)).toMatch(/^REMOTE_FAILED: .* answered 400: /)
    expect(await toldBy(transport)).toBe('value {"cents":1}')
  })

  test.each([
    [`content-type: application/json\r\n${sized('{"message":"no such card"}')}`, '422: no such card'],
    [`${problem}${sized('{"detail":"no such card"}')}`, '422: no such card'],
    [`${problem}\r\n{"detail":"no such card"}`, '422: no such card'],
    [`content-type: text/plain\r\n${sized('no')}`, '422'],
    [sized('no'), '422'],
    [sized(''), '422'],
  ])('but %j is a no', async (rest, said) => {
    const words = await toldBy(await saying(closing('422 Unprocessable Content') + rest))
    expect(words).toMatch(/^TERMINAL: payment\.price at http/)
    expect(words.endsWith(` answered ${said}`)).toBe(true)
  })
})
