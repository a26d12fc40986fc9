// Clients that take what a server has and give nothing back: connections that say nothing, bodies that never end, answers
// that nobody reads. Each costs little and for a short time, and others are served meanwhile.
import { afterEach, describe, expect, it } from 'vitest'
import type { Page, RunView } from '../core/views.ts'
import { BodyRoom } from './body-room.ts'
import { readBytes } from './body.ts'
import type { Problem } from './problem.ts'
import { serve, type ServeOptions, type Serving } from './serve.ts'
import { RUN, testApplication } from './test-application.ts'
import { connection, type Connection } from './test-socket.ts'

const clients: Connection[] = []
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy()
})

/** Connects so many clients, a hundred at once: more may wait at no door of any system. */
async function crowd(port: number, size: number): Promise<readonly Connection[]> {
  const all: Connection[] = []
  while (all.length < size) {
    const some = Math.min(100, size - all.length)
    all.push(...(await Promise.all(Array.from({ length: some }, () => connection(port)))))
  }
  clients.push(...all)
  return all
}
async function one(port: number): Promise<Connection> {
  const [client] = await crowd(port, 1)
  return client as Connection
}
const open = (options: Partial<ServeOptions> = {}, answers = {}): Promise<Serving> =>
  serve(testApplication(answers).app, { port: 0, ...options })
const head = (...lines: readonly string[]): string => [...lines, '', ''].join('\r\n')
const get = (path: string, ...lines: readonly string[]): string =>
  head(`GET ${path} HTTP/1.1`, 'Host: localhost', ...lines)
const isServed = async (server: Serving): Promise<boolean> => (await fetch(`${server.url}/api/runs`)).ok

describe('connections', () => {
  it('F23: nine hundred connections that say nothing: others are served, and these are ended', async () => {
    await using server = await open({ headersTimeoutMs: 500 })
    const silent = await crowd(server.port, 900)
    expect(await isServed(server)).toBe(true)
    const ended = await Promise.all(silent.map((client) => client.ended()))
    expect(ended.filter((answer) => !/^HTTP\/1\.1 408 [^]*REQUEST_TIMEOUT/.test(answer))).toEqual([])
  })

  it('F23: headers that come a byte at a time: they are waited for as long as any, and others are served', async () => {
    await using server = await open({ headersTimeoutMs: 300 })
    const slow = await crowd(server.port, 50)
    let isOver = false
    const drip = (at = 0): void => {
      for (const { socket } of slow)
        if (socket.writable) socket.write(get('/api/runs', `X: ${'x'.repeat(1000)}`).charAt(at))
      if (!isOver) setImmediate(() => drip(Math.min(at + 1, 200)))
    }
    drip()
    expect(await isServed(server)).toBe(true)
    const answers = await Promise.all(slow.map((client) => client.ended()))
    isOver = true
    expect(answers.filter((answer) => !answer.startsWith('HTTP/1.1 408 '))).toEqual([])
  })

  it('F23: connections that are kept alive and forgotten: they are ended', async () => {
    await using server = await open({ stallTimeoutMs: 1500 })
    const client = await one(server.port)
    client.send(get('/healthz'))
    expect(await client.ended()).toContain('"up"')
  })

  it('F23: a hundred clients that come and go: nothing is left of them', async () => {
    await using server = await open()
    for (const client of await crowd(server.port, 100)) {
      client.send(head('POST /api/runs HTTP/1.1', 'Host: localhost', 'Content-Length: 100'))
      client.socket.resetAndDestroy()
    }
    expect(await isServed(server)).toBe(true)
  })

  it('F23: a client that asks for another server and resets: nobody notices', async () => {
    await using server = await open()
    for (let round = 0; round < 20; round++) {
      const client = await one(server.port)
      client.send(head('CONNECT localhost:80 HTTP/1.1', 'Host: localhost'))
      await new Promise((resolve) => setImmediate(resolve))
      client.send('x'.repeat(100_000))
      client.socket.resetAndDestroy()
    }
    expect(await isServed(server)).toBe(true)
  })

  it('F23: a thousand requests in one piece: each is answered, in their order', async () => {
    await using server = await open()
    const client = await one(server.port)
    const paths = Array.from({ length: 1000 }, (_, at) => `/api/runs/r${at}`)
    client.send(paths.map((path) => get(path)).join('') + get('/healthz', 'Connection: close'))
    const answers = await client.ended()
    expect([...answers.matchAll(/"instance":"([^"]*)"/g)].map(([, path]) => path)).toEqual(paths)
  })
})

describe('answers', () => {
  const large: Page<RunView> = { items: [{ ...RUN, input: 'x'.repeat(20_000_000) }] }

  it('F23: an answer that nobody reads: its connection is ended after a while', async () => {
    const server = await open({ stallTimeoutMs: 200, graceMs: 60_000 }, { runs: () => Promise.resolve(large) })
    const client = await one(server.port)
    client.send(get('/api/runs'))
    await client.until(/HTTP\/1\.1 200 /)
    client.socket.pause()
    // It ends within the grace only because nothing is under way any more.
    await server.close()
    client.socket.resume()
    expect((await client.ended()).length).toBeLessThan(20_000_000)
  })

  it('F1: a server that is closed while an answer is read slowly: the answer arrives whole', async () => {
    const server = await open({}, { runs: () => Promise.resolve(large) })
    const client = await one(server.port)
    client.send(get('/api/runs'))
    await client.until(/HTTP\/1\.1 200 /)
    client.socket.pause()
    const closed = server.close()
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed')
    client.socket.resume()
    await closed
    expect((await client.ended()).length).toBeGreaterThan(20_000_000)
  })

  it('F23: an answer that takes longer to make than to stall: it is waited for', async () => {
    const held = Promise.withResolvers<Page<RunView>>()
    await using server = await open({ stallTimeoutMs: 50 }, { runs: () => held.promise })
    const client = await one(server.port)
    client.send(get('/api/runs', 'Connection: close'))
    const other = await one(server.port)
    // Its own connection stalls and ends: by then the first one has stalled as long.
    other.send(get('/healthz'))
    await other.ended()
    held.resolve({ items: [] })
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('the bodies that come in', () => {
  const body = (bytes: number, isEnded = true): Request => {
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(bytes))
        if (isEnded) controller.close()
        return isEnded ? undefined : new Promise(() => {})
      },
    })
    return new Request('http://localhost/', { method: 'POST', body: stream, duplex: 'half' })
  }
  const held = (room: BodyRoom, bytes: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (room.heldBytes === bytes ? resolve() : setImmediate(look))
      look()
    })

  it('F23: large bodies that do not end: they keep out large ones alone, and only while they are there', async () => {
    const room = new BodyRoom(250_000)
    const endless = [body(100_000, false), body(100_000, false)].map((request) => readBytes(request, 1e6, room))
    await held(room, 200_000)
    await expect(readBytes(body(100_000), 1e6, room)).rejects.toMatchObject({ code: 'OVERLOADED', status: 429 })
    expect((await readBytes(body(65_536), 1e6, room)).byteLength).toBe(65_536)
    expect(room.heldBytes).toBe(200_000)
    expect(endless.length).toBe(2)
  })

  it('give back what they held, however they end', async () => {
    const room = new BodyRoom(250_000)
    await readBytes(body(200_000), 1e6, room)
    await expect(readBytes(body(200_000), 150_000, room)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
    await expect(readBytes(body(300_000), 1e6, room)).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect(room.heldBytes).toBe(0)
    expect((await readBytes(body(200_000), 1e6, room)).byteLength).toBe(200_000)
  })

  it('F23: hundreds of bodies that break off: their room is free again', async () => {
    await using server = await open()
    const bytes = head(
      'POST /api/runs HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/json',
      'Content-Length: 900000',
    )
    for (let round = 0; round < 10; round++) {
      for (const client of await crowd(server.port, 40)) {
        client.send(bytes + 'x'.repeat(80_000))
        client.socket.destroy()
      }
    }
    const answer = await fetch(`${server.url}/api/runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ call: 'checkout', input: 'x'.repeat(900_000) }),
    })
    expect([answer.status, ((await answer.json()) as Partial<Problem>).code]).toEqual([201, undefined])
  })
})
