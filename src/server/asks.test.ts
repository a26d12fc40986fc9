// What goes between nodes: only a node asks so, whatever is answered is understood or says nothing, and nobody is waited for in vain.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import type { NodeAnswer, NodeAsk } from '../define/node.ts'
import { systemClock } from '../engine/clock.ts'
import { silentLog } from '../engine/log.ts'
import { asksCarrier, ASKS_PATH } from './asks.ts'
import { Forwarding } from './forward.ts'
import { handler } from './handler.ts'
import { Hints } from './hints.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'

const SECRET = 'the secret of these nodes'
const ASK: NodeAsk = { ns: 'default', kind: 'start', shard: 0, target: 'checkout:1', data: 't{}' }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function listening(answer: RequestListener, host = '127.0.0.1'): Promise<string> {
  const server = createServer(answer).listen(0, host)
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return host === '::1' ? `http://[::1]:${port}` : `http://${host}:${port}`
}

/** A node that owns everything, and keeps what it was asked and told. */
async function owner(): Promise<{ url: string; heard: unknown[] }> {
  const heard: unknown[] = []
  const { app } = testApplication({
    asks: {
      carry: () => () => {},
      take: (asks) => {
        heard.push(...asks)
        return Promise.resolve(asks.map(() => ({ done: { created: true } })))
      },
    },
    hints: { listen: () => () => {}, take: (hint) => void heard.push(hint) },
  })
  const server = await serve(app, { port: 0, nodeSecret: SECRET, log: silentLog })
  closing.push(() => server.close())
  return { url: server.url, heard }
}

const standing = (address: string) => ({
  role: 'standby' as const,
  node: 'me',
  owner: { id: 'node-1', address },
  isSure: false,
  over: new AbortController().signal,
  doubt: () => {},
})

const askedOf = (address: string, over = new AbortController().signal): Promise<readonly NodeAnswer[]> =>
  asksCarrier(new Forwarding([SECRET], systemClock))({ id: 'node-1', address }, [ASK], over)

test('what a node asks is taken, and answered', async () => {
  const { url, heard } = await owner()
  expect(await askedOf(url)).toEqual([{ done: { created: true } }])
  expect(heard).toEqual([ASK])
})

test.each([ASKS_PATH, '/api/%61sks', '/api/hints', '/api/work-between'])(
  'what somebody asks at %s of a node that stands by is not passed on, as if the node had asked it',
  async (path) => {
    const { url, heard } = await owner()
    const { app } = testApplication({ standing: standing(url) })
    const node = handler(app, { token: null, nodeSecret: SECRET, log: silentLog })
    const headers = { 'content-type': 'application/json', origin: 'http://localhost' }
    const body = JSON.stringify([ASK])
    const answer = await node(new Request(`http://localhost${path}`, { method: 'POST', headers, body }))
    expect([answer.status, heard]).toEqual([404, []])
  },
)

test('what a node of an older version passes on for somebody is not taken for what that node asks', async () => {
  const { url, heard } = await owner()
  const asked = new Request(`http://localhost${ASKS_PATH}`, { method: 'POST', body: JSON.stringify([ASK]) })
  const options = { limitBytes: 1000, signal: asked.signal }
  await expect(new Forwarding([SECRET], systemClock).pass(asked, standing(url), options)).rejects.toMatchObject({
    code: 'OWNER_UNREACHABLE',
  })
  expect(heard).toEqual([])
})

test('a node of an older version, which looks for the path in the signature, says that it has no such door', async () => {
  const said: string[] = []
  const older = new Forwarding([SECRET], systemClock)
  const url = await listening((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const headers = { 'ballet-forwarded': String(incoming.headers['ballet-forwarded']) }
      const request = new Request(`http://owner${incoming.url}`, {
        method: 'POST',
        headers,
        body: Buffer.concat(chunks),
      })
      const end = (): void => void outgoing.writeHead(404).end()
      older.take(request, 'node-1', 10_000).then(async (taken) => {
        said.push(await taken.text())
        end()
      }, end)
    })
  })
  await expect(askedOf(url)).rejects.toThrow('it answers 404')
  expect(said).toEqual([JSON.stringify([ASK])])
})

const unknown = [{ unknown: true }]
test.each([
  ['null', [null], unknown],
  ['a number', [7], unknown],
  ['nothing', [{}], unknown],
  ['done that is none', [{ done: true }], unknown],
  ['a code of another version', [{ refused: { code: 'OF_TOMORROW', details: {} } }], unknown],
  ['a name of every object', [{ refused: { code: 'constructor', details: {} } }], unknown],
  [
    'a refusal without details',
    [{ refused: { code: 'RUN_CONFLICT' } }],
    [{ refused: { code: 'RUN_CONFLICT', details: {} } }],
  ],
])('an answer that is %s is understood, or says nothing', async (_, answers, came) => {
  const url = await listening((incoming, outgoing) =>
    incoming.resume().on('end', () => outgoing.end(JSON.stringify(answers))),
  )
  expect(await askedOf(url)).toEqual(came)
})

test.each([
  ['no JSON', 200, 'yes', 'yes'],
  ['no list', 200, '{}', 'it answers 200'],
  ['a refusal', 503, '[]', 'it answers 503'],
])('%s is no answer', async (_, status, text, problem) => {
  const url = await listening((incoming, outgoing) =>
    incoming.resume().on('end', () => outgoing.writeHead(status).end(text)),
  )
  await expect(askedOf(url)).rejects.toThrow(problem)
})

test('an answer that does not end is not waited for any longer than is said', async () => {
  const over = new AbortController()
  const url = await listening((incoming, outgoing) =>
    incoming.resume().on('end', () => {
      outgoing.write('[')
      over.abort()
    }),
  )
  await expect(askedOf(url, over.signal)).rejects.toMatchObject({ code: 'OWNER_SILENT' })
})

test('a node is asked at an address of version 6 of the protocol', async () => {
  const url = await listening(
    (incoming, outgoing) => incoming.resume().on('end', () => outgoing.end('[{"done":{"created":false}}]')),
    '::1',
  )
  expect(await askedOf(url)).toEqual([{ done: { created: false } }])
})

test('a connection that the other side has closed meanwhile is no reason to have no answer', async () => {
  let connections = 0
  const url = await listening((incoming, outgoing) => {
    incoming.resume().on('end', () => {
      outgoing.end('[{"done":{"created":true}}]')
      // It closes what is kept, without a word that it would.
      outgoing.on('finish', () => incoming.socket.destroySoon())
    })
    connections += 1
  })
  const carrier = asksCarrier(new Forwarding([SECRET], systemClock))
  const ask = () => carrier({ id: 'node-1', address: url }, [ASK], new AbortController().signal)
  for (let times = 0; times < 5; times++) expect(await ask()).toEqual([{ done: { created: true } }])
  expect(connections).toBe(5)
})

test('a node that says nothing when it is told something is told the next thing all the same', async () => {
  const clock = new SteppedClock()
  const told: string[] = []
  const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const gone = Promise.withResolvers<void>()
  const url = await listening((incoming, outgoing) => {
    let body = ''
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()))
    incoming.on('end', () => arrived[told.push(body) - 1]?.resolve())
    outgoing.on('close', () => gone.resolve())
  })
  const hints = new Hints(new Forwarding([SECRET], systemClock), clock)
  const hint = { shards: [], expected: [], watch: [], from: null }
  hints.send({ id: 'node-1', address: url }, { ...hint, ended: ['one'] })
  await arrived[0]?.promise
  hints.send({ id: 'node-1', address: url }, { ...hint, ended: ['two'] })
  await clock.moveTo(clock.now() + 5000)
  await gone.promise
  await clock.moveTo(clock.now() + 10)
  await arrived[1]?.promise
  expect(told.map((body) => (JSON.parse(body) as { ended: string[] }).ended)).toEqual([['one'], ['two']])
})
