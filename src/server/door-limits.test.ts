// The limits at the doors, each tried one below, at it and one above, over HTTP on a real application. What is above is
// refused with its code, and before anything is kept: the store is the same to the letter afterwards.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { keptLog, until } from '../../test/support/applications.ts'
import { ballet, event, memory, open, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import type { Problem } from './problem.ts'
import { HEADER_LIMIT_BYTES } from './refusal.ts'
import { serve, type Serving } from './serve.ts'
import { connection } from './test-socket.ts'

const anything = z.custom<string>(() => true)
const Noted = event(
  'note.taken',
  z.custom<{ noteId: string }>(() => true),
  { key: 'noteId' },
)
const Said = signal('said', anything)
const desk = service('desk', { echo: operation({ input: anything, output: z.boolean(), run: () => true }) })
const keyed = workflow(
  'keyed',
  { input: z.custom<{ noteId: string }>(() => true), output: z.boolean(), key: 'noteId' },
  async () => true,
)
const listener = workflow('listener', { input: z.null(), output: z.boolean(), signals: [Said] }, async (run) => {
  for (;;) await run.receive(Said)
})
const definition = ballet({ services: [desk], workflows: [keyed, listener], events: [Noted] })

const data = new MemoryData()
let app: Application
let server: Serving
/** Takes bodies of up to 32 MiB. */
let large: Serving
beforeAll(async () => {
  app = await open(definition, { store: memory(data), log: keptLog(), graceMs: 0 })
  await app.start(listener(null), { id: 'listener' })
  server = await serve(app, { port: 0 })
  large = await serve(app, { port: 0, bodyLimitBytes: 33_554_432 })
})
afterAll(async () => {
  await Promise.all([server.close(), large.close()])
  await app.close()
})

/** A digest of everything that the store holds. */
const kept = (): string => {
  const rows = [data.runs, data.journal, data.claims, data.timers, data.inbox].map((map) => [...map])
  return createHash('sha256')
    .update(JSON.stringify([data.head, ...rows, data.events]))
    .digest('hex')
}

interface Asked {
  readonly path: string
  readonly body?: string
  /** Asked of the server that takes large bodies. */
  readonly isLarge?: boolean
}

async function ask({ path, body, isLarge = false }: Asked): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const init = body === undefined ? {} : { method: 'POST', headers, body }
  const response = await fetch(`${(isLarge ? large : server).url}${path}`, init)
  const answer = (await response.json()) as Partial<Problem>
  return response.ok ? 'taken' : `${response.status} ${answer.code}`
}

const start = (input: string, id?: string): Asked => ({
  path: '/api/runs',
  body: `{"call":"desk.echo","input":${input}${id === undefined ? '' : `,"id":"${id}"`}}`,
})
const publish = (fields: string, noteId = 'n'): Asked => ({
  path: '/api/events',
  body: `{"type":"note.taken","data":{"noteId":"${noteId}"}${fields}}`,
})
const say = (fields: string): Asked => ({ path: '/api/runs/listener/signals/said', body: `{"data":1${fields}}` })
const startKeyed = (noteId: string): Asked => ({
  path: '/api/runs',
  body: `{"call":"keyed","input":{"noteId":"${noteId}"}}`,
})
const roomy = (asked: Asked): Asked => ({ ...asked, isLarge: true })
const cancel = (fields: string): Asked => ({ path: '/api/runs/nobody/cancel', body: `{${fields}}` })

const x = (length: number): string => 'x'.repeat(length)
const items = (count: number, item = '0'): string => `[${Array.from({ length: count }, () => item).join(',')}]`
const keys = (count: number): string => `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join(',')}}`
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
/** A body of exactly so many bytes, in characters of two. */
const sized = (bytes: number): Asked => {
  const { body = '' } = start('""')
  const [left, string] = [body.slice(0, -2), bytes - body.length]
  return { path: '/api/runs', body: `${left}${'é'.repeat(Math.floor(string / 2))}${x(string % 2)}"}` }
}

/** What is sent at a size, the largest size that is taken, and the refusal of one more. */
interface Limit {
  readonly what: string
  readonly sent: (size: number) => Asked
  readonly limit: number
  readonly refusal: string
  /** What is answered within the limit, when that is not that it is taken. */
  readonly within?: string
}

const limit = (
  what: string,
  sent: (size: number) => Asked,
  most: number,
  refusal: string,
  within = 'taken',
): Limit => ({ what, sent, limit: most, refusal, within })

const limits: readonly Limit[] = [
  limit('bytes', sized, 1_048_576, '413 BODY_TOO_LARGE'),
  // The body is a level itself, and with its two fields and the lists in it seven parts.
  limit('levels', (size) => start(nested(size)), 63, '400 JSON_TOO_DEEP'),
  limit('keys in an object', (size) => start(keys(size)), 10_000, '400 JSON_TOO_MANY'),
  limit('items in an array', (size) => start(items(size)), 100_000, '400 JSON_TOO_MANY'),
  limit('parts in all', (size) => start(`[${items(99_000)},${items(size - 99_008)}]`), 150_000, '400 JSON_TOO_MANY'),
  limit('characters in a string', (size) => roomy(start(`"${x(size)}"`)), 1_048_576, '400 JSON_TOO_MANY'),
  limit('characters in a key', (size) => roomy(start(`{"${x(size)}":1}`)), 1_048_576, '400 JSON_TOO_MANY'),
  limit('characters in a run id', (size) => start('1', x(size)), 256, '422 ID_INVALID'),
  limit('characters in an event id', (size) => publish(`,"id":"${x(size)}"`), 256, '422 ID_INVALID'),
  limit('characters in a source', (size) => publish(`,"source":"${x(size)}"`), 256, '422 ID_INVALID'),
  limit('characters in a signal id', (size) => say(`,"id":"${x(size)}"`), 256, '422 ID_INVALID'),
  limit('characters in the key of an event', (size) => publish('', x(size)), 256, '422 KEY_INVALID'),
  limit('characters in the key of a run', (size) => startKeyed(x(size)), 256, '422 KEY_INVALID'),
  limit('characters in a cause', (size) => publish(`,"causationid":"${x(size)}"`), 1024, '422 REQUEST_INVALID'),
  limit('characters in a name', (size) => cancel(`"by":"${x(size)}"`), 256, '422 REQUEST_INVALID', '404 RUN_UNKNOWN'),
  limit(
    'characters in a reason',
    (size) => cancel(`"why":"${x(size)}"`),
    4000,
    '422 REQUEST_INVALID',
    '404 RUN_UNKNOWN',
  ),
  limit('items on a page', (size) => ({ path: `/api/runs?limit=${size}` }), 1000, '400 QUERY_INVALID'),
  limit(
    'seconds to wait',
    (size) => ({ path: `/api/runs/nobody?wait=${size}s` }),
    60,
    '400 QUERY_INVALID',
    '404 RUN_UNKNOWN',
  ),
]

describe('a limit at the doors', () => {
  it.each<Limit>(limits)(
    'a request with too many $what is refused, and nothing is kept',
    async ({ sent, limit: most, refusal, within }) => {
      expect(await ask(sent(most - 1))).toBe(within)
      expect(await ask(sent(most))).toBe(within)
      await settled()
      const before = kept()
      expect(await ask(sent(most + 1))).toBe(refusal)
      expect(kept()).toBe(before)
    },
  )

  it('F23: headers that are too large: the request is refused, and nothing is kept', async () => {
    // The parser counts the address, names and values, and none of what stands between them.
    const counted = (bytes: number): string => {
      const body = '{"call":"desk.echo","input":1}'
      const head = `POST /api/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`
      const bare = head.replace(/POST | HTTP\/1\.1|\r\n|: /g, '')
      return `${head}X: ${x(bytes - bare.length - 1)}\r\n\r\n${body}`
    }
    const answer = async (bytes: number): Promise<string> => {
      const client = await connection(server.port)
      client.send(counted(bytes))
      return client.ended()
    }
    expect(await answer(HEADER_LIMIT_BYTES - 2)).toMatch(/^HTTP\/1\.1 201 /)
    expect(await answer(HEADER_LIMIT_BYTES - 1)).toMatch(/^HTTP\/1\.1 201 /)
    await settled()
    const before = kept()
    expect(await answer(HEADER_LIMIT_BYTES)).toMatch(/^HTTP\/1\.1 431 [^]*HEADERS_TOO_LARGE/)
    expect(kept()).toBe(before)
  })

  it.each([' ', '/', '~', '#', '?', '%', '"', "'", '\\', '<', 'é', '😀', '\0', '\n', '\u202e', '\ud800'])(
    'an id or a key with the character %j is refused, and nothing is kept',
    async (character) => {
      const text = JSON.stringify(`a${character}b`).slice(1, -1)
      const before = kept()
      expect(await ask(start('1', text))).toBe('422 ID_INVALID')
      expect(await ask(say(`,"id":"${text}"`))).toBe('422 ID_INVALID')
      expect(await ask(publish('', text))).toBe('422 KEY_INVALID')
      expect(await ask(startKeyed(text))).toBe('422 KEY_INVALID')
      expect(kept()).toBe(before)
    },
  )

  it('F23: JSON of 5,000,000 levels: it is refused at once, and nothing is kept', async () => {
    const before = kept()
    expect(await ask(roomy(start(nested(5_000_000))))).toBe('400 JSON_TOO_DEEP')
    expect(await ask(roomy(start(`${'{"a":'.repeat(3_000_000)}1`)))).toBe('400 JSON_TOO_DEEP')
    expect(kept()).toBe(before)
  })
})

/** Resolves when every run that was started has ended, but for the one that listens. */
async function settled(): Promise<void> {
  await until(app, null, async () =>
    (await app.runs({ status: ['running'] })).items.every(({ id }) => id === 'listener'),
  )
}
