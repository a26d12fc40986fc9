// What a command does where somebody stands between it and the application: one who sends again by himself, who loses an answer, or
// who answers with pages of his own.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { SteppedClock } from '../../test/support/clocks.ts'
import { systemClock } from '../engine/clock.ts'
import { ballet, event, open, operation, service } from '../index.ts'
import { serve } from '../server.ts'
import { clientFor, type Client } from './client.ts'
import { RemoteError } from './problem.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** By way of somebody who has each request done so often, and hands the last answer to `last`. */
async function between(times: number, last: (answer: Response, outgoing: ServerResponse) => unknown): Promise<Client> {
  const order = z.object({ orderId: z.string() })
  const placed = event('order.placed', order, { key: 'orderId' })
  const payment = service('payment', { charge: operation({ input: order, run: () => {} }) })
  const app = await open(ballet({ name: 'shop', services: [payment], events: [placed] }), { store: 'memory:' })
  const serving = await serve(app, { port: 0 })
  closing.push(async () => {
    await serving.close()
    await app.close()
  })
  const proxy = createServer((incoming, outgoing) => {
    const { method = '', url = '' } = incoming
    void text(incoming).then(async (body) => {
      const init = { method, headers: { 'content-type': 'application/json' }, ...(body === '' ? {} : { body }) }
      let answer = await fetch(`${serving.url}${url}`, init)
      for (let time = 1; time < times; time++) answer = await fetch(`${serving.url}${url}`, init)
      await last(answer, outgoing)
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  closing.push(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return clientFor(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, null, systemClock)
}

const whole = async (answer: Response, outgoing: ServerResponse): Promise<unknown> =>
  outgoing.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())

const charge = { call: 'payment.charge', input: { orderId: '1' } }
const placed = { type: 'order.placed', data: { orderId: '1' } }

async function problemOf(asked: Promise<unknown>): Promise<RemoteError['problem']> {
  const error = await asked.catch((thrown: unknown) => thrown)
  if (!(error instanceof RemoteError))
    throw new Error('it was answered, or something else was thrown', { cause: error })
  return error.problem
}

test('what somebody between sends again is done once: what has no id by nature gets one before it is sent', async () => {
  const client = await between(2, whole)
  expect([await client.start(charge), await client.publish(placed)]).toMatchObject([
    { created: false },
    { created: false },
  ])
  expect((await client.runs({})).items).toHaveLength(1)
  expect((await client.events({})).items).toHaveLength(1)
})

test('of an answer that is lost it is said that nobody knows what became of it, and how it is done once', async () => {
  let isLost = true
  const client = await between(1, (answer, outgoing) => (isLost ? outgoing.destroy() : whole(answer, outgoing)))
  const { code, hint } = await problemOf(client.publish(placed))
  expect([code, hint]).toEqual([
    'PROCESS_UNREACHABLE',
    expect.stringMatching(/^Whether it was done is not known\. Send it again with --id \S+, and it is done once\.$/),
  ])
  isLost = false
  const id = /--id (\S+),/.exec(hint)?.[1]
  expect(await client.publish({ ...placed, id })).toMatchObject({ id, created: false })
})

test('a page of a proxy is told as that; what could not be sent is not said to be done, perhaps', async () => {
  const page = { 'content-type': 'text/html' }
  const client = await between(1, (_, outgoing) => outgoing.writeHead(502, page).end('<h1>502 Bad Gateway</h1>'))
  expect((await problemOf(client.trigger('nightly', {}))).hint).toContain('look there, ballet runs')
  const told = String(await client.runs({}).catch((error: unknown) => error))
  expect(told).toContain('it answered 502 with a page (HTML), which comes from a proxy or from another server')
  expect(told).not.toContain('not known')
  const moved = { location: 'https://shop.example/' }
  const other = await between(1, (_, outgoing) => outgoing.writeHead(301, moved).end())
  await expect(other.publish(placed)).rejects.toMatchObject({
    message: expect.stringContaining(
      'it redirects (301) to https://shop.example/, and no redirect is followed',
    ) as string,
    hint: 'Is it running? --url names another.',
  })
  const full = await between(1, (_, outgoing) => outgoing.writeHead(413, page).end('<h1>413</h1>'))
  await expect(full.publish(placed)).rejects.toMatchObject({ hint: 'Is it running? --url names another.' })
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const nobody = clientFor(`http://127.0.0.1:${(gone.address() as AddressInfo).port}`, null, systemClock)
  gone.close()
  await expect(nobody.publish(placed)).rejects.toMatchObject({ hint: 'Is it running? --url names another.' })
})

test('an application that waits for another node for half a minute is heard to the end', async () => {
  const clock = new SteppedClock()
  const silent = { code: 'OWNER_SILENT', status: 502, detail: 'It has not answered.', hint: 'Ask again.' }
  const server = createServer((_, outgoing) => {
    clock.pass(30_000)
    outgoing.writeHead(502, { 'content-type': 'application/problem+json' }).end(JSON.stringify(silent))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const client = clientFor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, null, clock)
  expect(await problemOf(client.publish(placed))).toMatchObject(silent)
})
