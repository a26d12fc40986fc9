// Whose requests a service takes: everything of one is exchanged, bit by bit, and nothing of it is carried out.
import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { serviceHandler, serveService } from '../../http.ts'
import { operation, service } from '../../index.ts'
import { silentLog } from '../../engine/log.ts'
import { askedText } from './asked-text.ts'
import { secretsOf, signatureHeaders, signedId } from './signature.ts'

const text = (byte: number, length = 32): string => `whsec_${Buffer.alloc(length, byte).toString('base64')}`
const [ours, older, foreign] = [text(1), text(2), text(3)]

let done: unknown[] = []
beforeEach(() => void (done = []))
const notes = service('notes', {
  write: operation({ input: z.object({ text: z.string() }), run: (input) => void done.push(input) }),
  erase: operation({ input: z.object({ text: z.string() }), run: (input) => void done.push(input) }),
})
const handle = serviceHandler(notes, { secrets: [ours, older], log: silentLog })

const input = { text: 'für Ålesund ✓ \u{1F3B5}' }
const asked = {
  operation: 'notes.write',
  input,
  idempotencyKey: 'store:order:8841:0:notes.write#0',
  fence: '1.0.1764450000000',
  attempt: 1,
  timeoutMs: 10_000,
  key: 'orderId:8841',
  run: 'order:8841',
  op: 'notes.write#0',
  root: 'run:order:8841',
  cause: null,
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  undoes: null,
}
const body = Buffer.from(askedText(asked))
const now = (): number => Math.floor(Date.now() / 1000)

interface Sent {
  readonly secrets?: readonly string[]
  readonly seconds?: number
  readonly id?: string
  readonly path?: string
  /** What is done to the headers and the body when they have been signed. */
  readonly change?: (headers: Record<string, string>) => void
  readonly sent?: Uint8Array
}

async function send({ secrets = [ours], seconds = now(), id = asked.idempotencyKey, ...rest }: Sent): Promise<string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'idempotency-key': asked.idempotencyKey,
    ...signatureHeaders(secretsOf(secrets), { id, seconds, body }),
  }
  rest.change?.(headers)
  const url = `http://localhost${rest.path ?? '/write'}`
  const answer = await handle(new Request(url, { method: 'POST', headers, body: rest.sent ?? body }))
  const said = answer.status === 204 ? '' : ((await answer.json()) as { code: string }).code
  return `${answer.status} ${said}`.trim()
}

const REFUSED = '401 SIGNATURE_REFUSED'

test('the example of Standard Webhooks has the signature that it has there', () => {
  const secrets = secretsOf(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])
  const said = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', seconds: 1_614_265_330, body: Buffer.from('{"test": 2432232314}') }
  expect(signatureHeaders(secrets, said)['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

test('what is signed is carried out, as it came', async () => {
  expect(await send({})).toBe('204')
  expect(done).toEqual([input])
})

test('a bit of the body that is another: refused', async () => {
  for (let at = 0; at < body.byteLength; at += 1) {
    const sent = Buffer.from(body)
    sent[at] = (sent[at] ?? 0) ^ (1 << (at % 8))
    expect(await send({ sent })).toBe(REFUSED)
  }
  expect(await send({ sent: Buffer.concat([body, Buffer.from(' ')]) })).toBe(REFUSED)
  expect(done).toEqual([])
})

test('a character of a header that is another: refused', async () => {
  for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'idempotency-key']) {
    const length = signatureHeaders(secretsOf([ours]), { id: asked.idempotencyKey, seconds: now(), body })[name]?.length
    for (let at = 0; at < (length ?? asked.idempotencyKey.length); at += 1) {
      const change = (headers: Record<string, string>): void => {
        const value = headers[name] ?? ''
        // The last character of base64 has bits that say nothing.
        const other = value[at] === 'w' ? 'A' : 'w'
        headers[name] = value.slice(0, at) + other + value.slice(at + 1)
      }
      expect(`${name} ${at} ${await send({ change })}`).toBe(`${name} ${at} ${REFUSED}`)
    }
  }
  expect(done).toEqual([])
})

test('a header that is missing, or empty: refused', async () => {
  for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
    expect(await send({ change: (headers) => void delete headers[name] })).toBe(REFUSED)
    expect(await send({ change: (headers) => void (headers[name] = '') })).toBe(REFUSED)
  }
})

test('one of several signatures is enough, and one of several secrets', async () => {
  expect(await send({ secrets: [older] })).toBe('204')
  expect(await send({ secrets: [foreign, older] })).toBe('204')
  expect(await send({ secrets: [foreign] })).toBe(REFUSED)
  const also = (headers: Record<string, string>): void =>
    void (headers['webhook-signature'] = `v1a,abc v2,x ${headers['webhook-signature']}`)
  expect(await send({ change: also })).toBe('204')
  const otherVersion = (headers: Record<string, string>): void =>
    void (headers['webhook-signature'] = headers['webhook-signature']?.replace('v1,', 'v2,') ?? '')
  expect(await send({ change: otherVersion })).toBe(REFUSED)
})

test.each([
  [-290, '204'],
  [290, '204'],
  [-310, REFUSED],
  [310, REFUSED],
])('a request of %i seconds from now: %s', async (seconds, expected) => {
  expect(await send({ seconds: now() + seconds })).toBe(expected)
})

test('signed for another key, or sent to another operation: refused', async () => {
  expect(await send({ id: 'store:order:8842:0:notes.write#0' })).toBe(REFUSED)
  expect(await send({ path: '/erase' })).toBe('404 OPERATION_UNHOSTED')
  expect(await send({ path: '/rewrite' })).toBe('404 OPERATION_UNHOSTED')
  expect(await send({ path: '/notes/write' })).toBe('204')
  expect(done).toHaveLength(1)
})

test('the split between id, time and body cannot be moved', () => {
  // Signed as id "a", time 1, body "2.x": the same bytes as id "a.1", time 2, body "x".
  const secrets = secretsOf([ours])
  const signed = signatureHeaders(secrets, { id: 'a.1', seconds: 2, body: Buffer.from('x') })
  const moved = new Headers({ ...signed, 'webhook-id': 'a', 'webhook-timestamp': '1' })
  // By itself the signature holds: it is the body, which has to be an object that says the same id, that tells them apart.
  expect(signedId(secrets, moved, Buffer.from('2.x'), 1000)).toBe('a')
})

describe('secrets', () => {
  const invalid = ['no-prefix', 'whsec_', 'whsec_!!!', text(1, 23), text(1, 65), ` ${ours}`, `${ours} `]
  test.each(invalid)('%j is none, and is not repeated in the error', (secret) => {
    expect(() => secretsOf([ours, secret])).toThrow('secrets[1] is no secret of a service.')
  })

  test('24 to 64 bytes, with or without the padding of base64', () => {
    const given = [text(1, 24), text(1, 64), text(1, 32).replace(/=+$/, '')]
    expect(secretsOf(given).map(({ length }) => length)).toEqual([24, 64, 32])
  })

  test('what is not set is none', () => {
    expect(secretsOf([undefined, '', ours])).toHaveLength(1)
    expect(secretsOf(undefined)).toEqual([])
  })

  test('a service does not start without one, unless on this machine alone', async () => {
    expect(() => serviceHandler(notes, { secrets: [undefined, ''] })).toThrow('needs a secret')
    await expect(serveService(notes, { port: 0, host: '0.0.0.0' })).rejects.toMatchObject({ code: 'SECRET_MISSING' })
    await expect(serveService(notes, { port: 0, host: '', secrets: [''] })).rejects.toThrow('every address')
    await using alone = await serveService(notes, { port: 0 })
    expect(alone.url).toMatch(/^http:\/\/127\.0\.0\.1:/)
  })
})

test('as a service in another language does it: HMAC-SHA256 of id.time.body, by the bytes behind whsec_', async () => {
  const time = String(now())
  const key = Buffer.from(ours.replace('whsec_', ''), 'base64')
  const signature = createHmac('sha256', key)
    .update(`${asked.idempotencyKey}.${time}.${body.toString()}`)
    .digest('base64')
  const change = (headers: Record<string, string>): void =>
    void Object.assign(headers, { 'webhook-timestamp': time, 'webhook-signature': `v1,${signature}` })
  expect(await send({ change })).toBe('204')
})
