// What one node passes on to another: taken only as it was signed, by whom it was signed, once, and in time.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import type { Standing } from '../define/node.ts'
import { systemClock } from '../engine/clock.ts'
import { silentLog } from '../engine/log.ts'
import { Forwarding } from './forward.ts'
import { nodeSecretsIn } from './node-secrets.ts'
import { createFetch, handler } from './handler.ts'
import { serve } from './serve.ts'
import { RUN, testApplication } from './test-application.ts'
import { Traffic } from './traffic.ts'

const SECRET = 'the secret of these nodes'
const LIMIT = 1000
const HINT = { path: '/api/hints', text: '{}' }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const standby = (address: string, over = new AbortController().signal): Standing => ({
  role: 'standby',
  node: 'me',
  owner: { id: 'owner', address },
  isSure: false,
  over,
  doubt: () => {},
})

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server that keeps what it was sent, and answers. */
async function listener(
  more: Readonly<Record<string, string>> = {},
  status = 201,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((incoming, outgoing) => {
    let body = ''
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()))
    incoming.on('end', () => {
      seen.push({ method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body })
      outgoing
        .writeHead(status, { 'x-own': 'yes', connection: 'x-hop', 'x-hop': 'no', ...more })
        .end(status === 204 ? '' : 'done')
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const post = (body = '{"a":1}'): Request =>
  new Request('http://me/orders?style=x', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: 'Bearer t', 'x-more': '1' },
  })

/** As it arrives at the owner: what was sent by a node with this secret, at the time of this clock. */
async function arrived(
  secret: string | readonly string[] = SECRET,
  clock = new SteppedClock(),
  asked = post(),
): Promise<Request> {
  const { url, seen } = await listener()
  const options = { limitBytes: LIMIT, signal: asked.signal }
  await new Forwarding([secret].flat(), clock).pass(asked, standby(url), options)
  const [{ method, url: path, headers, body } = { method: 'GET', url: '', headers: {}, body: '' }] = seen
  const own = Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []))
  return new Request(`http://owner${path}`, {
    method,
    headers: Object.fromEntries(own),
    ...(body === '' ? {} : { body }),
  })
}

test('a request goes on as it came, and its answer comes back as it is', async () => {
  const { url, seen } = await listener()
  const asked = post()
  const answer = await new Forwarding([SECRET], systemClock).pass(asked, standby(url), {
    limitBytes: LIMIT,
    signal: asked.signal,
  })
  expect([answer.status, await answer.text(), answer.headers.get('x-own')]).toEqual([201, 'done', 'yes'])
  expect(answer.headers.get('x-hop')).toBeNull()
  expect(seen).toMatchObject([{ method: 'POST', url: '/orders?style=x', body: '{"a":1}' }])
  expect(seen[0]?.headers).toMatchObject({
    authorization: 'Bearer t',
    'x-more': '1',
    'content-type': 'application/json',
  })
})

test('what was signed for this node is taken, once', async () => {
  const clock = new SteppedClock()
  const request = await arrived(SECRET, clock)
  const owner = new Forwarding([SECRET], clock)
  const taken = await owner.take(request.clone(), 'owner', LIMIT)
  expect(await taken.json()).toEqual({ a: 1 })
  expect(taken.headers.has('ballet-forwarded')).toBe(false)
  await expect(owner.take(request, 'owner', LIMIT)).rejects.toMatchObject({ code: 'FORWARD_FORBIDDEN' })
})

const changed: readonly (readonly [string, (request: Request) => Request])[] = [
  [
    'another body',
    (request) => new Request(request.url, { method: 'POST', headers: request.headers, body: '{"a":2}' }),
  ],
  ['another path', (request) => new Request('http://owner/orders', request)],
  [
    'another method',
    (request) => new Request(request.url, { method: 'PUT', headers: request.headers, body: '{"a":1}' }),
  ],
  [
    'no signature',
    (request) =>
      new Request(request, { headers: { ...Object.fromEntries(request.headers), 'ballet-forwarded': 'v1' } }),
  ],
  [
    'a later time',
    (request) => {
      const [version, at, ...rest] = request.headers.get('ballet-forwarded')?.split(',') ?? []
      const later = [version, Number(at) + 1, ...rest].join(',')
      return new Request(request, { headers: { ...Object.fromEntries(request.headers), 'ballet-forwarded': later } })
    },
  ],
]

test.each(changed)('%s is refused', async (_, change) => {
  const clock = new SteppedClock()
  const request = change(await arrived(SECRET, clock))
  await expect(new Forwarding([SECRET], clock).take(request, 'owner', LIMIT)).rejects.toMatchObject({
    code: 'FORWARD_FORBIDDEN',
  })
})

test('what was signed with another secret, for another node, or long ago is refused; so is everything without a secret', async () => {
  const clock = new SteppedClock()
  const forbidden = { code: 'FORWARD_FORBIDDEN' }
  const request = await arrived(SECRET, clock)
  await expect(new Forwarding([`${SECRET}!`], clock).take(request.clone(), 'owner', LIMIT)).rejects.toMatchObject(
    forbidden,
  )
  await expect(new Forwarding([SECRET], clock).take(request.clone(), 'other', LIMIT)).rejects.toMatchObject(forbidden)
  // One that is started anew where another was is meant by whoever has not heard of it yet: no secret is wrong then.
  const told = async (secret: string, node: string, asked = request): Promise<unknown> =>
    new Forwarding([secret], clock).take(asked.clone(), node, LIMIT).catch((error: Error) => error.message)
  expect(await told(SECRET, 'other')).toContain('it was meant for another node, which was here before')
  const bare = new Request(request.clone())
  bare.headers.delete('ballet-forwarded-to')
  for (const node of ['owner', 'other'])
    expect(await told(`${SECRET}!`, node)).toMatch(/: it was signed with another secret\.$/)
  // One of an older version does not say whom it means.
  expect(await told(SECRET, 'other', bare)).toContain('another secret, or for another node')
  await expect(new Forwarding([], clock).take(request.clone(), 'owner', LIMIT)).rejects.toMatchObject(forbidden)
  clock.pass(60_001)
  await expect(new Forwarding([SECRET], clock).take(request, 'owner', LIMIT)).rejects.toMatchObject(forbidden)
})

test('a secret is changed while nodes have different ones: two understand each other by one that both have', async () => {
  const clock = new SteppedClock()
  const other = `${SECRET} to come`
  const isTaken = async (by: readonly string[], of: readonly string[]): Promise<boolean> => {
    const request = await arrived(of, clock)
    const taken = await new Forwarding(by, clock).take(request, 'owner', LIMIT).catch(() => null)
    return taken !== null
  }
  const [before, meanwhile, after] = [[SECRET], [SECRET, other], [other]]
  expect(await isTaken(before, meanwhile)).toBe(true)
  expect(await isTaken(meanwhile, before)).toBe(true)
  expect(await isTaken(meanwhile, after)).toBe(true)
  expect(await isTaken(after, meanwhile)).toBe(true)
  expect(await isTaken(after, before)).toBe(false)
  expect(await isTaken([`${SECRET}!`, `${other}!`], meanwhile)).toBe(false)
})

test('nobody listens: nothing was taken; another owner meanwhile: it is not known', async () => {
  const { url } = await listener()
  const gone = await serve(testApplication().app, { port: 0 })
  await gone.close()
  const forwarding = new Forwarding([SECRET], systemClock)
  const asked = post()
  const options = { limitBytes: LIMIT, signal: asked.signal }
  await expect(forwarding.pass(asked, standby(gone.url), options)).rejects.toMatchObject({
    code: 'OWNER_UNREACHABLE',
    status: 503,
  })
  await expect(forwarding.pass(post(), standby(url, AbortSignal.abort()), options)).rejects.toMatchObject({
    code: 'OWNER_SILENT',
    status: 502,
  })
})

test('an owner that takes a request and says nothing: it is told in words, why ever it is waited for no longer', async () => {
  const mute = createServer().listen(0, '127.0.0.1')
  await once(mute, 'listening')
  closing.push(() => {
    mute.closeAllConnections()
    mute.close()
  })
  const url = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`
  const clock = new SteppedClock()
  const forwarding = new Forwarding([SECRET], clock)
  const waiting = async (end: () => void, over = new AbortController().signal): Promise<unknown> => {
    const asked = once(mute, 'request')
    const options = { limitBytes: LIMIT, signal: new AbortController().signal }
    const passed = forwarding.pass(post(), standby(url, over), options).catch(String)
    await asked
    end()
    return passed
  }
  expect(await waiting(() => clock.pass(120_000))).toContain('has not answered: no answer in time')
  const over = new AbortController()
  expect(await waiting(() => over.abort(), over.signal)).toContain('another node is about to own the store')
  const late = new AbortController()
  expect(await waiting(() => late.abort('no answer in 30 s'), late.signal)).toContain('no answer in 30 s')
})

test('from node to node: the API and its refusals; a node with another secret is told apart from a refused request', async () => {
  const owner = await serve(testApplication().app, { port: 0, nodeSecret: SECRET, log: silentLog })
  closing.push(() => owner.close())
  const { app } = testApplication({ standing: { ...standby(owner.url), owner: { id: 'node-1', address: owner.url } } })
  const start = (): Request =>
    new Request('http://localhost/api/runs', {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'http://localhost' },
      body: JSON.stringify({ call: 'checkout', input: {} }),
    })
  const node = handler(app, { token: null, nodeSecret: SECRET, log: silentLog })
  expect((await node(start())).status).toBe(201)
  expect((await node(new Request('http://localhost/api/runs/none?wait=1s'))).status).toBe(404)
  const stranger = handler(app, { token: null, nodeSecret: `${SECRET}!`, log: silentLog })
  expect(await (await stranger(start())).json()).toMatchObject({ code: 'OWNER_UNREACHABLE' })
  // Whoever decides where requests go is told by each before it has passed anything on.
  const ready = () => new Request('http://localhost/readyz')
  expect(await (await node(ready())).json()).toEqual({ status: 'standby', owner: owner.url })
  const fresh = handler(app, { token: null, nodeSecret: `${SECRET}!`, log: silentLog })
  const refused = await fresh(ready())
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'OWNER_UNREACHABLE' }])
  const silent = handler(app, { token: null, log: silentLog })
  expect(await (await silent(start())).json()).toMatchObject({ code: 'NODE_STANDBY', details: { address: owner.url } })
})

test.each([502, 503, 504])(
  'a proxy between the nodes has no answer, %i: a wait is answered from committed rows',
  async (status) => {
    const { url, seen } = await listener({ 'content-type': 'text/html' }, status)
    const owner = { id: 'owner', address: url }
    const wait = (): Request => new Request(`http://localhost/api/runs/${RUN.id}?wait=1s`)
    let doubts = 0
    const doubt = (): void => void (doubts += 1)
    const carried = { ...testApplication().app.standing, doubt }
    for (const { app } of [
      testApplication({ standing: { ...standby(url), doubt } }),
      testApplication({ standing: carried, carrierOf: () => owner }),
    ]) {
      const answer = await handler(app, { token: null, nodeSecret: SECRET, log: silentLog })(wait())
      expect([answer.status, await answer.json()]).toMatchObject([200, { id: RUN.id }])
    }
    expect([doubts, seen.length]).toEqual([2, 2])
  },
)

test('somebody between sends again what is passed on: it is not said that nothing was taken, since the first may have been done', async () => {
  const { app, asked } = testApplication()
  const owner = await serve(app, { port: 0, nodeSecret: SECRET, log: silentLog })
  closing.push(() => owner.close())
  // As one whose first answer is lost, and that tries the same once more.
  const between = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    const own = new Headers({ host: '127.0.0.1' })
    for (const [name, value] of Object.entries(headers))
      if (/^(?:content-type|ballet-)/.test(name)) own.set(name, String(value))
    void buffer(incoming)
      .then(async (body) => {
        const again = (): Promise<Response> => fetch(`${owner.url}${url}`, { method, headers: own, body })
        await again()
        return again()
      })
      .then(async (second) => outgoing.writeHead(second.status, [...second.headers].flat()).end(await second.text()))
  }).listen(0, '127.0.0.1')
  await once(between, 'listening')
  closing.push(() => {
    between.closeAllConnections()
    between.close()
  })
  const address = `http://127.0.0.1:${(between.address() as AddressInfo).port}`
  const body = JSON.stringify({ call: 'checkout', input: {} })
  const headers = { 'content-type': 'application/json' }
  const node = handler(testApplication({ standing: { ...standby(address), owner: { id: 'node-1', address } } }).app, {
    token: null,
    nodeSecret: SECRET,
    log: silentLog,
  })
  const answer = await node(new Request('http://localhost/api/runs', { method: 'POST', headers, body }))
  expect([answer.status, await answer.json()]).toMatchObject([502, { code: 'OWNER_SILENT' }])
  expect(asked.map(([name]) => name)).toEqual(['startNamed'])
  const posting = new Forwarding([SECRET], systemClock).post({ id: 'node-1', address }, HINT, standby('').over)
  await expect(posting).rejects.toMatchObject({ code: 'OWNER_SILENT' })
})

test('an owner that takes what is passed on is asked once; one that does not answer so may take it', async () => {
  const ready = () => new Request('http://localhost/readyz')
  const statusOf = async (url: string, times: number): Promise<number[]> => {
    const { app } = testApplication({ standing: standby(url) })
    const node = handler(app, { token: null, nodeSecret: SECRET, log: silentLog })
    const statuses: number[] = []
    for (let time = 0; time < times; time++) statuses.push((await node(ready())).status)
    return statuses
  }
  const taking = await listener({}, 204)
  expect(await statusOf(taking.url, 3)).toEqual([200, 200, 200])
  expect(taking.seen.map(({ url }) => url)).toEqual(['/api/hints'])
  const recovering = await listener()
  expect(await statusOf(recovering.url, 2)).toEqual([200, 200])
  expect(recovering.seen).toHaveLength(2)
  expect(await statusOf('http://127.0.0.1:1', 1)).toEqual([200])
})

test('a server that is closing takes nothing that is passed on: nothing was done, and the node that has passed it on knows that', async () => {
  const traffic = new Traffic()
  const { app, asked } = testApplication()
  const owner = createFetch(app, { token: null, nodeSecret: SECRET, log: silentLog }, traffic)
  traffic.close()
  const answer = (await owner(await arrived())) as Response
  const said = Object.fromEntries(answer.headers)
  expect([answer.status, said['ballet-forwarded'], asked]).toEqual([503, 'closing', []])
  const { url } = await listener(said)
  const options = { limitBytes: LIMIT, signal: new AbortController().signal }
  await expect(new Forwarding([SECRET], systemClock).pass(post(), standby(url), options)).rejects.toMatchObject({
    code: 'OWNER_UNREACHABLE',
    message: expect.stringContaining('it is closing'),
  })
})

test('the token of a caller is asked for at both nodes', async () => {
  const owner = await serve(testApplication().app, { port: 0, nodeSecret: SECRET, token: 'right', log: silentLog })
  closing.push(() => owner.close())
  const { app } = testApplication({ standing: { ...standby(owner.url), owner: { id: 'node-1', address: owner.url } } })
  const asked = (token: string): Request =>
    new Request('http://localhost/api/runs/none?wait=1s', { headers: { authorization: `Bearer ${token}` } })
  const open = handler(app, { token: null, nodeSecret: SECRET, log: silentLog })
  const closed = handler(app, { token: 'right', nodeSecret: SECRET, log: silentLog })
  expect([(await open(asked('wrong'))).status, (await closed(asked('wrong'))).status]).toEqual([401, 401])
  expect((await closed(asked('right'))).status).toBe(404)
})

test('a secret that could be guessed is refused, also beside a long one', () => {
  for (const nodeSecret of ['short', [SECRET, 'short'], [SECRET, '']])
    expect(() => handler(testApplication().app, { token: null, nodeSecret })).toThrow('16')
})

test.each([
  [undefined, []],
  ['', []],
  [' one as it stands ', [' one as it stands ']],
  ['the new one, the old one ', ['the new one', 'the old one']],
])('the secrets in %j are taken apart', (given, secrets) => {
  expect(nodeSecretsIn(given)).toEqual(secrets)
})
