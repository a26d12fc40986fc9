// A crowd at the entrance, over real connections: whatever comes at once, only some of it is begun in a round of the event
// loop, all of it is answered in its order, and what a client has left behind keeps nobody.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog } from '../../test/support/applications.ts'
import type { HttpRoutes } from '../define/application.ts'
import { ballet, memory, open, workflow, type Application } from '../index.ts'
import { systemClock } from '../engine/clock.ts'
import { serve } from './serve.ts'
import { connection } from './test-socket.ts'

const echo = workflow('echo', { input: z.number(), output: z.number() }, async (_, n) => n)
let app: Application
beforeAll(async () => {
  app = await open(ballet({ services: [], workflows: [echo] }), { store: memory(), log: keptLog() })
})
afterAll(() => app.close())

const get = (n: number): string => `GET /n/${n} HTTP/1.1\r\nHost: localhost\r\n\r\n`
const post = (n: number): string => {
  const body = `{"call":"echo","input":${n},"id":"e${n}"}`
  return `POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}
const times = (count: number, make: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => make(n)).join('')

/** Counts what is begun in each round of the event loop. */
function rounds() {
  let most = 0
  let inRound = 0
  let isOver = false
  const begun: number[] = []
  const look = (): void => {
    most = Math.max(most, inRound)
    inRound = 0
    if (!isOver) setImmediate(look)
  }
  setImmediate(look)
  const routes: HttpRoutes = () => (request) => {
    const n = Number(new URL(request.url).pathname.slice(3))
    begun.push(n)
    inRound += 1
    return new Response(`this was ${n}.`)
  }
  return { routes, begun, stop: () => ((isOver = true), most) }
}

test('F16: a crowd that asks in one moment: a few are begun in each round of the event loop, all are answered in order', async () => {
  const { routes, begun, stop } = rounds()
  await using server = await serve(app, { port: 0, routes })
  const clients = await Promise.all([1, 2, 3].map(() => connection(server.port)))
  for (const client of clients) client.send(times(500, get))
  const answers = await Promise.all(clients.map((client) => client.until(/was 499\./)))
  const most = stop()
  for (const client of clients) client.socket.destroy()
  expect(begun.length).toBe(1500)
  expect(most).toBeLessThanOrEqual(128)
  for (const answer of answers)
    expect([...answer.matchAll(/was (\d+)\./g)].map(([, n]) => Number(n))).toEqual(
      Array.from({ length: 500 }, (_, n) => n),
    )
})

test('requests that wait keep their bodies', async () => {
  await using server = await serve(app, { port: 0 })
  const client = await connection(server.port)
  client.send(times(300, post))
  const answers = await client.until(/"e299"/)
  client.socket.destroy()
  expect(answers.match(/HTTP\/1\.1 201/g)?.length).toBe(300)
  for (const n of [0, 150, 299]) expect(await app.result(`e${n}`)).toBe(n)
})

test('F16: a client that leaves with thousands of requests waiting: they are not begun, others are answered, the server can close', async () => {
  const { routes, begun, stop } = rounds()
  // Nobody is cut off: it closes when nothing is under way.
  const server = await serve(app, { port: 0, routes, clock: { ...systemClock, after: () => () => {} } })
  const rude = await connection(server.port)
  rude.send(times(5000, get))
  await rude.until(/was 0\./)
  rude.socket.destroy()
  const polite = await connection(server.port)
  polite.send(get(9999))
  await polite.until(/was 9999\./)
  polite.socket.destroy()
  await server.close()
  stop()
  expect(begun.length).toBeLessThan(2500)
})
