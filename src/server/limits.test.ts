import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Page, RunView } from '../core/views.ts'
import type { Problem } from './problem.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'
import { connection, type Connection } from './test-socket.ts'

const MIB = 1_048_576
const head = (...lines: readonly string[]): string => [...lines, '', ''].join('\r\n')
const post = ['POST /api/runs HTTP/1.1', 'Host: localhost', 'Content-Type: application/json']
const small = JSON.stringify({ call: 'checkout', input: {} })
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const ask = (
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${url}/api/runs`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
const code = async (response: Response): Promise<string> => ((await response.json()) as Problem).code

/** What a client receives that sends everything before it listens. A reset on the way would cost it the answer. */
async function sentFirst(client: Connection, bytes: string): Promise<string> {
  const { socket } = client
  let reset = ''
  socket.on('error', (error) => (reset = error.message))
  socket.pause()
  socket.write(bytes, () => socket.resume())
  const received = await client.ended()
  return reset === '' ? received : reset
}

/** JSON of exactly so many bytes. */
function sized(bytes: number): string {
  const frame = JSON.stringify({ call: 'checkout', input: '' }).length
  return JSON.stringify({ call: 'checkout', input: 'x'.repeat(bytes - frame) })
}

describe('the size of a body', () => {
  it.each([
    [MIB - 1, 201],
    [MIB, 201],
    [MIB + 1, 413],
  ])('%d bytes', async (bytes, status) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    expect((await ask(server.url, sized(bytes))).status).toBe(status)
  })

  it('can be set, up to 32 MiB', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, bodyLimitBytes: 100 })
    expect((await ask(server.url, sized(100))).status).toBe(201)
    const response = await ask(server.url, sized(101))
    expect(await response.json()).toMatchObject({ code: 'BODY_TOO_LARGE', details: { limit: 100 } })
    await using large = await serve(app, { port: 0, bodyLimitBytes: Number.MAX_SAFE_INTEGER })
    const refused = await ask(large.url, 'x'.repeat(32 * MIB + 1))
    expect(await refused.json()).toMatchObject({ code: 'BODY_TOO_LARGE', details: { limit: 32 * MIB } })
  })

  it('F23: a body that is said to be too large: it is refused before a byte has come, and the client may go on', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(head(...post, `Content-Length: ${MIB + 10}`))
    expect(await client.until(/BODY_TOO_LARGE/)).toMatch(/^HTTP\/1\.1 413 /)
    // The body that comes all the same is read away, so that the next request is understood.
    client.send(`${'x'.repeat(MIB + 10)}${head(...post, `Content-Length: ${small.length}`)}${small}`)
    expect(await client.until(/HTTP\/1\.1 201 /)).toContain('checkout:8841')
    client.socket.destroy()
  })

  it('F23: a body in chunks that grows too large: it is refused long before its end', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(head(...post, 'Transfer-Encoding: chunked'))
    client.send(chunk('"'))
    for (let kib = 0; kib < 1024; kib += 64) client.send(chunk('x'.repeat(65_536)))
    expect(await client.until(/BODY_TOO_LARGE/)).toMatch(/^HTTP\/1\.1 413 /)
    // Only now does the body end.
    client.send(`${chunk('"')}0\r\n\r\n${head(...post, `Content-Length: ${small.length}`)}${small}`)
    await client.until(/HTTP\/1\.1 201 /)
    expect(asked.length).toBe(1)
    client.socket.destroy()
  })

  it('F23: a client that never ends its body: its connection is ended', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(head(...post, `Content-Length: ${MIB * 100}`))
    expect(await client.ended()).toContain('BODY_TOO_LARGE')
  })

  it('F23: a client that sends all of too large a body before it listens: the refusal arrives', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    for (const lines of [[`Content-Length: ${20 * MIB}`], ['Transfer-Encoding: chunked']]) {
      const client = await connection(server.port)
      const body = lines[0]?.startsWith('C') === true ? 'x'.repeat(20 * MIB) : chunk('x'.repeat(MIB)).repeat(20)
      expect(await sentFirst(client, `${head(...post, 'Connection: close', ...lines)}${body}`)).toMatch(
        /^HTTP\/1\.1 413 [^]*BODY_TOO_LARGE/,
      )
    }
    expect(await sentFirst(await connection(server.port), 'A'.repeat(20 * MIB))).toMatch(
      /^HTTP\/1\.1 400 [^]*REQUEST_MALFORMED/,
    )
    expect(asked).toEqual([])
  })

  it('may come with an expectation that nobody knows', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(head(...post, `Content-Length: ${small.length}`, 'Expect: a-miracle', 'Connection: close') + small)
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 201 /)
  })

  it('is refused before it is sent when the client asks first', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(head(...post, `Content-Length: ${MIB + 1}`, 'Expect: 100-continue'))
    expect(await client.until(/BODY_TOO_LARGE/)).not.toContain('100 Continue')
    client.socket.destroy()
    const polite = await connection(server.port)
    polite.send(head(...post, `Content-Length: ${small.length}`, 'Expect: 100-continue'))
    await polite.until(/100 Continue/)
    polite.send(small)
    await polite.until(/201 Created/)
    polite.socket.destroy()
  })

  it('F23: a hundred bodies that are half sent: others are answered at once', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const slow = await Promise.all(Array.from({ length: 100 }, () => connection(server.port)))
    for (const client of slow) client.send(`${head(...post, 'Content-Length: 1000')}{"call":`)
    expect((await ask(server.url, small)).status).toBe(201)
    for (const client of slow) client.socket.destroy()
  })
})

describe('what a body is', () => {
  it.each<[string, string | Uint8Array<ArrayBuffer>, Record<string, string>, number, string]>([
    ['no type', new TextEncoder().encode(small), { 'content-type': '' }, 415, 'BODY_TYPE'],
    ['a form', small, { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'BODY_TYPE'],
    ['text, as a form of another origin can send it', small, { 'content-type': 'text/plain' }, 415, 'BODY_TYPE'],
    ['another charset', small, { 'content-type': 'application/json; charset="latin1"' }, 415, 'BODY_TYPE'],
    ['compressed', gzipSync('x'.repeat(50 * MIB)), { 'content-encoding': 'gzip' }, 415, 'BODY_ENCODED'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 400, 'JSON_MALFORMED'],
    ['nothing', '', {}, 400, 'JSON_MALFORMED'],
    ['not JSON', '{"call":"checkout",}', {}, 400, 'JSON_MALFORMED'],
    ['too deep', `{"call":"a","input":${'['.repeat(500_000)}`, {}, 400, 'JSON_TOO_DEEP'],
    ['with a forbidden key', '{"call":"a","input":{"\\u005f_proto__":{"admin":true}}}', {}, 400, 'JSON_KEY_FORBIDDEN'],
    ['with a key twice', '{"call":"a","input":1,"input":2}', {}, 400, 'JSON_KEY_REPEATED'],
    ['with a number that is none', '{"call":"a","input":1e999}', {}, 400, 'JSON_NUMBER_LOSSY'],
    ['with too many items', `{"call":"a","input":[${'0,'.repeat(100_000)}0]}`, {}, 400, 'JSON_TOO_MANY'],
  ])('%s', async (_name, body, headers, status, expected) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await ask(server.url, body, headers)
    expect([response.status, await code(response)]).toEqual([status, expected])
    expect(asked).toEqual([])
  })

  it('says where it is malformed', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await ask(server.url, '{\n  "call": checkout\n}')
    expect(await response.json()).toMatchObject({
      detail: 'The body is not JSON: unexpected "c" at line 2, column 11.',
    })
  })

  it('F23: a body that breaks off: it reaches nobody, and nobody is bothered', async () => {
    const errors: unknown[] = []
    const log = { info: () => {}, warn: () => {}, error: (...line: unknown[]) => void errors.push(line) }
    const { app, asked } = testApplication()
    const server = await serve(app, { port: 0, log })
    const client = await connection(server.port)
    client.send(`${head(...post, `Content-Length: ${small.length}`)}${small.slice(0, -1)}`)
    client.socket.destroy()
    await client.ended()
    await server.close()
    expect([asked, errors]).toEqual([[], []])
  })
})

describe('what is hardly a request', () => {
  it.each([
    ['GARBAGE\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    ['GET / HTTP/1.1\r\n\r\n', 400, 'REQUEST_MALFORMED'],
    [head('GET /x\\y HTTP/1.1', 'Host: localhost'), 400, 'REQUEST_MALFORMED'],
    [head('GET /api/runs HTTP/1.1', 'Host: local host'), 400, 'REQUEST_MALFORMED'],
    [
      head('POST /api/runs HTTP/1.1', 'Host: localhost', 'Content-Length: 3', 'Transfer-Encoding: chunked'),
      400,
      'REQUEST_MALFORMED',
    ],
    [
      head('POST /api/runs HTTP/1.1', 'Host: localhost', 'Content-Length: 3', 'Content-Length: 4'),
      400,
      'REQUEST_MALFORMED',
    ],
    [head('GET / HTTP/1.1', 'Host: localhost', `X: ${'x'.repeat(20_000)}`), 431, 'HEADERS_TOO_LARGE'],
    [`${head(...post, 'Transfer-Encoding: chunked')}zz\r\n`, 400, 'REQUEST_MALFORMED'],
  ])('%#', async (bytes, status, expected) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(bytes)
    const answer = await client.until(/\r\n\r\n/)
    expect([answer.slice(0, 12), answer]).toEqual([`HTTP/1.1 ${status}`, expect.stringContaining(expected)])
    client.socket.destroy()
    expect((await ask(server.url, small)).status).toBe(201)
  })

  it('F23: garbage behind a request: the request is answered, and nothing else', async () => {
    const held = Promise.withResolvers<Page<RunView>>()
    const { app } = testApplication({ runs: () => held.promise })
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(`${head('GET /api/runs HTTP/1.1', 'Host: localhost')}GARBAGE\r\n\r\n`)
    const other = await ask(server.url, small)
    expect([other.status, client.received()]).toEqual([201, ''])
    held.resolve({ items: [] })
    expect((await client.ended()).match(/HTTP\/1\.1 \d+|"items":\[\]/g)).toEqual(['HTTP/1.1 200', '"items":[]'])
  })

  it('F23: a body that breaks off behind another request: that one is answered', async () => {
    const held = Promise.withResolvers<Page<RunView>>()
    const { app, asked } = testApplication({ runs: () => held.promise })
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(
      `${head('GET /api/runs HTTP/1.1', 'Host: localhost')}${head(...post, 'Transfer-Encoding: chunked')}zz\r\n`,
    )
    await ask(server.url, small)
    held.resolve({ items: [] })
    expect((await client.ended()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    expect(asked.map(([what]) => what)).toEqual(['runs', 'startNamed'])
  })

  it('F23: requests behind one that was to be the last: its answer is whole, and they are not read', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    const get = head('GET /api/runs HTTP/1.1', 'Host: localhost', 'Connection: close')
    client.send(`${get}${get}${get}`)
    expect((await client.ended()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    expect(asked.length).toBe(1)
  })

  it('F23: a request for another server through this one: it is refused', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    client.send(head('CONNECT localhost:80 HTTP/1.1', 'Host: localhost'))
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 [^]*REQUEST_MALFORMED/)
  })

  it('answers requests that come in one piece in their order', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const client = await connection(server.port)
    const get = (path: string): string => head(`GET ${path} HTTP/1.1`, 'Host: localhost')
    client.send(`${get('/healthz')}${get('/api/nowhere')}${get('/api/app')}`)
    const answers = await client.until(/"events":/)
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200'])
    client.socket.destroy()
  })
})

describe('time', () => {
  it.each([
    ['headers', 'POST /api/runs HTTP/1.1\r\nHost: lo'],
    ['a body', `${head(...post, 'Content-Length: 100')}{"call":`],
  ])('%s that do not come are not waited for', async (_name, bytes) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0, headersTimeoutMs: 50, requestTimeoutMs: 100 })
    const client = await connection(server.port)
    client.send(bytes)
    const answer = await client.ended()
    expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*REQUEST_TIMEOUT/)
    expect(asked).toEqual([])
  })
})
