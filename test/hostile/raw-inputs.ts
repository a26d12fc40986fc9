// Bytes that are hardly HTTP, or are HTTP and bent: request lines, hosts, lengths, chunks, pipelines, halves, clients that
// stop in the middle. The server may answer, or end the connection where nothing can be answered; it may not hang, and it
// may not take one request for two.
import { judge, fault, withFaults, type Input, type Outcome } from './input.ts'
import { head, request, send } from './requests.ts'
import { exchange, type Piece } from './wire.ts'

interface Expectation {
  /** Answers that are waited for; default one. */
  readonly answers?: number
  /** Statuses that they must have, in order. */
  readonly statuses?: readonly number[]
  /** Whether the connection may end without an answer. */
  readonly isSilent?: boolean
}

const small = '{"call":"desk.echo","input":1}'
const post = ['POST /api/runs HTTP/1.1', 'Host: localhost', 'Content-Type: application/json']
const get = (target: string, ...lines: readonly string[]): string =>
  head(`GET ${target} HTTP/1.1`, 'Host: localhost', ...lines)
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const chunked = (...lines: readonly string[]): string => head(...post, 'Transfer-Encoding: chunked', ...lines)

type RawInput = Input & { readonly isPatient: boolean }

function raw(name: string, pieces: () => readonly (string | Piece)[], expected: Expectation = {}): RawInput {
  return {
    place: 'raw bytes',
    name,
    isAlways: true,
    isPatient: expected.statuses?.includes(408) === true,
    async attack({ target }): Promise<Outcome> {
      const all = pieces().map((piece) => (typeof piece === 'string' ? send(piece) : piece))
      const { answers, rest, end } = await exchange(target.port, all, { answers: expected.answers ?? 1 })
      if (end === 'silence') return fault('the connection was held, and nothing came')
      const [last] = answers.slice(-1)
      if (last === undefined) {
        const isFine = expected.isSilent === true && rest === ''
        return isFine ? { verdict: 'ended', faults: [] } : fault(`no answer, ${JSON.stringify(rest.slice(0, 200))}`)
      }
      const statuses = answers.map(({ status }) => status)
      const isWanted = expected.statuses === undefined || String(statuses) === String(expected.statuses)
      return withFaults(judge(last), [
        ...answers.flatMap((answer) => judge(answer).faults),
        isWanted ? undefined : `statuses ${String(statuses)}, not ${String(expected.statuses)}`,
      ])
    },
  }
}

const until = (pattern: RegExp): Piece => ({ kind: 'until', pattern })
const END: Piece = { kind: 'end' }
const DESTROY: Piece = { kind: 'destroy' }
const SILENT = { isSilent: true }

const lines: readonly RawInput[] = [
  ...[
    'GET /api/runs',
    'GET /api/runs HTTP/0.9',
    'GET /api/runs HTTP/1.2',
    'GET /api/runs HTTP/3.0',
    'GET /api/runs http/1.1',
    'GET  /api/runs HTTP/1.1',
    'GET /api/runs  HTTP/1.1',
    ' GET /api/runs HTTP/1.1',
    'get /api/runs HTTP/1.1',
    'GET\t/api/runs\tHTTP/1.1',
    'GET /api/runs HTTP/1.1 x',
    'GE\0T /api/runs HTTP/1.1',
    'GET /api/ru\0ns HTTP/1.1',
    'GET /api/ru\u0001ns HTTP/1.1',
    'GET /api/ru\u007fns HTTP/1.1',
    'GET /api/rünß HTTP/1.1',
    'GET /api/😀 HTTP/1.1',
    'GET api/runs HTTP/1.1',
    'GET \\api\\runs HTTP/1.1',
    'GET /\\evil.example/ HTTP/1.1',
    'GET //evil.example/ HTTP/1.1',
    'GET ///api/runs HTTP/1.1',
    'GET /api//runs HTTP/1.1',
    'GET /api/./runs HTTP/1.1',
    'GET /x/../api/runs HTTP/1.1',
    'GET /api/%2e%2e/api/runs HTTP/1.1',
    'GET /api%2fruns HTTP/1.1',
    'GET /%61pi/runs HTTP/1.1',
    'GET /API/runs HTTP/1.1',
    'GET /api/runs# HTTP/1.1',
    'GET /api/runs#x?limit=1 HTTP/1.1',
    'GET /api/runs?limit=1?limit=2 HTTP/1.1',
    'GET /api/runs?limit=1&limit=2 HTTP/1.1',
    'GET /api/runs?limit=%00 HTTP/1.1',
    'GET /api/runs?%zz=1 HTTP/1.1',
    'GET /api/runs?=1 HTTP/1.1',
    'GET /api/runs?&&& HTTP/1.1',
    `GET /api/runs?${'limit=1&'.repeat(1500)} HTTP/1.1`,
    `GET /${'a'.repeat(15_000)} HTTP/1.1`,
    `GET /${'a'.repeat(20_000)} HTTP/1.1`,
    `GET /api/runs/${'%41'.repeat(4000)} HTTP/1.1`,
    'GET * HTTP/1.1',
    'GET http://localhost/api/runs HTTP/1.1',
    'GET http://evil.example/api/runs HTTP/1.1',
    'GET http://localhost@evil.example/api/runs HTTP/1.1',
    'GET http://localhost:99999/api/runs HTTP/1.1',
    'GET http:///api/runs HTTP/1.1',
    'GET https://localhost/api/runs HTTP/1.1',
    'GET file:///etc/passwd HTTP/1.1',
    'GET javascript:alert(1) HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'OPTIONS /api/runs HTTP/1.1',
    'TRACE / HTTP/1.1',
    'TRACE /api/runs HTTP/1.1',
    'CONNECT localhost:80 HTTP/1.1',
    'CONNECT /api/runs HTTP/1.1',
    'PRI * HTTP/2.0',
    'M-SEARCH * HTTP/1.1',
    'PROPFIND /api/runs HTTP/1.1',
    'QUERY /api/runs HTTP/1.1',
    'FOO /api/runs HTTP/1.1',
    'DELETE /api/runs/x HTTP/1.1',
    'PATCH /api/runs HTTP/1.1',
    'LINK / HTTP/1.1',
  ].map((line) => raw(`the line ${line.slice(0, 60)}`, () => [head(line, 'Host: localhost', 'Connection: close')])),
  raw('HTTP/0.9', () => ['GET /\r\n', END]),
  raw('HTTP/1.0 without a host', () => ['GET /healthz HTTP/1.0\r\n\r\n']),
  raw('an empty line first', () => [`\r\n\r\n${get('/healthz', 'Connection: close')}`], { statuses: [200] }),
  raw('nothing but lines', () => ['\r\n'.repeat(1000), END], SILENT),
  raw('nothing', () => [END], SILENT),
  raw('NULs', () => ['\0'.repeat(1000)]),
  raw('a TLS hello', () => [send(Buffer.from('160301020001000 1fc0303'.replace(' ', ''), 'hex'))]),
  raw('an HTTP/2 preface', () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']),
  raw('letters without end', () => ['A'.repeat(200_000)]),
  raw('lines of LF alone', () => ['GET /healthz HTTP/1.1\nHost: localhost\n\n']),
]

const headers: readonly RawInput[] = [
  ...[
    ['no host'],
    ['two hosts', 'Host: localhost', 'Host: evil.example'],
    ['a host of another', 'Host: evil.example'],
    ['an empty host', 'Host:'],
    ['a host with a path', 'Host: localhost/../x'],
    ['a host with a user', 'Host: a@localhost'],
    ['a host with spaces', 'Host: local host'],
    ['a host of NUL', 'Host: local\0host'],
    ['a host of 127.0.0.1.evil', 'Host: 127.0.0.1.evil.example'],
    ['a host of numbers', 'Host: 2130706433'],
    ['a host of octal', 'Host: 0177.0.0.1'],
    ['a host of IPv6', 'Host: [::1]:80'],
    ['a host of IPv6 with a zone', 'Host: [::1%25eth0]'],
    ['a host of other dots', 'Host: localhost。'],
    ['a port that is none', 'Host: localhost:x'],
    ['a large port', 'Host: localhost:123456789'],
    ['a space before the colon', 'Host : localhost'],
    ['a folded line', 'Host: localhost', 'X: a', ' b'],
    ['no colon', 'Host: localhost', 'X'],
    ['no name', 'Host: localhost', ': x'],
    ['a name with NUL', 'Host: localhost', 'X\0Y: 1'],
    ['a name with a control', 'Host: localhost', 'X\u0001: 1'],
    ['a value with CR', 'Host: localhost', 'X: a\rb'],
    ['a value with NUL', 'Host: localhost', 'X: a\0b'],
    ['__proto__', 'Host: localhost', '__proto__: 1', 'constructor: 2'],
    [
      'Upgrade to a websocket',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: eA==',
    ],
    [
      'Upgrade to HTTP/2',
      'Host: localhost',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AA',
    ],
    ['an origin of another', 'Host: localhost', 'Origin: https://evil.example'],
    ['100 kB', 'Host: localhost', `X: ${'x'.repeat(100_000)}`],
    ['15 kB', 'Host: localhost', `X: ${'x'.repeat(15_000)}`],
    ['1,900 headers', 'Host: localhost', ...Array.from({ length: 1900 }, (_, at) => `a${at}: `)],
    ['2,100 headers', 'Host: localhost', ...Array.from({ length: 2100 }, () => 'a:b')],
    ['a cookie of 12 kB', 'Host: localhost', `Cookie: ${'a=b; '.repeat(2400)}`],
    ['a name of 12 kB', 'Host: localhost', `${'n'.repeat(12_000)}: x`],
  ].map(([name = '', ...all]) =>
    raw(`headers: ${name}`, () => [head('GET /api/app HTTP/1.1', ...all, 'Connection: close')]),
  ),
  raw('headers that do not end', () => ['GET / HTTP/1.1\r\nHost: localhost\r\nX: '], { statuses: [408] }),
  raw('headers that end in the middle', () => ['GET / HTTP/1.1\r\nHost: loc', END]),
  raw('headers that are left', () => ['GET / HTTP/1.1\r\nHost: loc', DESTROY], SILENT),
]

const lengths: readonly RawInput[] = [
  ...['-1', '+2', '0x10', '1e1', '30 ', '30, 30', '', 'x', '99999999999999999999', ' 30\t', '３０'].map((length) =>
    raw(`Content-Length: ${length}`, () => [head(...post, `Content-Length: ${length}`, 'Connection: close'), small]),
  ),
  raw('two lengths', () => [head(...post, 'Content-Length: 30', 'Content-Length: 31'), small], { statuses: [400] }),
  raw('a length and chunks', () => [chunked('Content-Length: 30'), chunk(small), '0\r\n\r\n'], { statuses: [400] }),
  raw('a length that is too short', () => [head(...post, 'Content-Length: 10', 'Connection: close'), small]),
  raw('a length that is too long', () => [head(...post, 'Content-Length: 1000'), small], { statuses: [408] }),
  raw('a length that is too long, ended', () => [head(...post, 'Content-Length: 1000'), small, END], SILENT),
  raw('half a body, left', () => [head(...post, 'Content-Length: 1000'), small, DESTROY], SILENT),
  raw('a length of 4 GB', () => [head(...post, 'Content-Length: 4294967296'), small], { statuses: [413] }),
  raw('no length', () => [head(...post, 'Connection: close'), small]),
  raw('a body on GET', () => [
    head('GET /api/runs HTTP/1.1', 'Host: localhost', 'Content-Length: 30', 'Connection: close'),
    small,
  ]),
  raw(
    'a body on HEAD',
    () => [head('HEAD /api/runs HTTP/1.1', 'Host: localhost', 'Content-Length: 30', 'Connection: close'), small],
    SILENT,
  ),
  raw('a body on OPTIONS', () => [
    head('OPTIONS /api/runs HTTP/1.1', 'Host: localhost', 'Content-Length: 30', 'Connection: close'),
    small,
  ]),
  raw('chunks on GET', () => [
    head('GET /api/runs HTTP/1.1', 'Host: localhost', 'Transfer-Encoding: chunked', 'Connection: close'),
    chunk(small),
    '0\r\n\r\n',
  ]),
  raw(
    'a length of 2 MB, left after 1',
    () => [head(...post, 'Content-Length: 2000000'), 'x'.repeat(1_000_000), DESTROY],
    SILENT,
  ),
  raw('Expect: 100-continue and too much', () => [head(...post, 'Content-Length: 2000000', 'Expect: 100-continue')], {
    statuses: [413],
  }),
  raw('Expect: 100-continue and nothing', () => [head(...post, 'Content-Length: 30', 'Expect: 100-continue')], {
    statuses: [408],
  }),
  raw('another Expect', () => [head(...post, 'Content-Length: 30', 'Expect: a-miracle', 'Connection: close'), small]),
]

const chunks: readonly RawInput[] = [
  ...['x', '-1', '0x1e', '1e;a=b', '1e ; a="\0"', 'FFFFFFFFFFFFFFFFF', '1e\n', '', ' 1e', '1E'].map((size) =>
    raw(`a chunk of size ${JSON.stringify(size)}`, () => [
      chunked('Connection: close'),
      `${size}\r\n${small}\r\n0\r\n\r\n`,
    ]),
  ),
  ...[
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'identity',
    'xchunked',
    'chunked\u000b',
    '"chunked"',
    ' chunked',
  ].map((coding) =>
    raw(`Transfer-Encoding: ${JSON.stringify(coding)}`, () => [
      head(...post, `Transfer-Encoding: ${coding}`, 'Connection: close'),
      chunk(small),
      '0\r\n\r\n',
    ]),
  ),
  raw('chunks of one byte', () => [chunked('Connection: close'), `${small.split('').map(chunk).join('')}0\r\n\r\n`], {
    statuses: [201],
  }),
  raw('100,000 chunks of one byte', () => [chunked('Connection: close'), `${chunk(' ').repeat(100_000)}0\r\n\r\n`]),
  raw('2 MB in chunks', () => [chunked(), chunk('x'.repeat(100_000)).repeat(20), '0\r\n\r\n'], { statuses: [413] }),
  raw('chunks without end', () => [chunked(), chunk(small)], { statuses: [408] }),
  raw('chunks that are left', () => [chunked(), chunk(small), DESTROY], SILENT),
  raw('an extension of a chunk of 100 kB', () => [chunked(), `1e;${'x'.repeat(100_000)}\r\n${small}\r\n0\r\n\r\n`]),
  raw('trailers', () => [chunked('Connection: close'), `${chunk(small)}0\r\nHost: evil.example\r\n\r\n`], {
    statuses: [201],
  }),
  raw('trailers of 100 kB', () => [
    chunked('Connection: close'),
    `${chunk(small)}0\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
  ]),
  raw('no end of the chunk', () => [chunked(), `1e\r\n${small}x`]),
]

const pipelines: readonly RawInput[] = [
  raw('20 requests at once', () => [get('/healthz').repeat(20)], {
    answers: 20,
    statuses: Array.from({ length: 20 }, () => 200),
  }),
  raw('a request behind a bad one', () => [`GARBAGE\r\n\r\n${get('/healthz')}`], { statuses: [400] }),
  raw('garbage behind a request', () => [`${get('/healthz')}GARBAGE\r\n\r\n`], { answers: 2, statuses: [200] }),
  raw(
    'a request in the body of another',
    () => [
      head(...post, `Content-Length: ${get('/healthz').length}`),
      get('/healthz'),
      get('/readyz', 'Connection: close'),
    ],
    { answers: 2, statuses: [400, 200] },
  ),
  raw(
    'a request behind the body of a GET',
    () => [
      head('GET /healthz HTTP/1.1', 'Host: localhost', 'Content-Length: 5'),
      'GET /',
      get('/api/nothing', 'Connection: close'),
    ],
    { answers: 2, statuses: [200, 404] },
  ),
  raw('requests behind one that closes', () => [get('/healthz', 'Connection: close') + get('/api/app').repeat(3)], {
    statuses: [200],
  }),
  raw('a request a byte at a time', () => get('/healthz', 'Connection: close').split(''), { statuses: [200] }),
  raw(
    'a start that is sent twice in one piece',
    () => {
      const one = request({ target: '/api/runs', body: small }).toString().replace('Connection: close\r\n', '')
      return [one + one]
    },
    { answers: 2, statuses: [201, 201] },
  ),
  raw('keep-alive, and away', () => [get('/healthz'), until(/"up"/), DESTROY], { answers: 1 }),
]

/** All of them, those first that wait for the server to lose patience: they can do so together. */
export const rawInputs: readonly Input[] = [...lines, ...headers, ...lengths, ...chunks, ...pipelines].toSorted(
  (left, right) => Number(right.isPatient) - Number(left.isPatient),
)
