// What one node passes on to another for services that fetch their calls, whatever their sites take of everybody else.
import { afterEach, expect, test } from 'vitest'
import { firstAttempt } from '../../test/remote/attempt.ts'
import { Asker, secret } from '../../test/remote/asking.ts'
import type { Asked } from '../core/transport.ts'
import type { NodeAt } from '../define/node.ts'
import { systemClock } from '../engine/clock.ts'
import { silentLog } from '../engine/log.ts'
import { fetchedTransport } from '../transports/http/desk.ts'
import { secretsOf } from '../transports/http/signature.ts'
import { readBytes } from './body.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const asked: Asked = {
  ...firstAttempt,
  operation: 'payment.charge',
  input: null,
  idempotencyKey: 'store:one:0:payment.charge#0',
  op: 'payment.charge#0',
  heartbeatMs: 60_000,
  timeoutMs: 60_000,
}

/** A node with a desk of the service, next to another one. */
async function nodeOf(node: string, others: readonly NodeAt[], bodyLimitBytes: number) {
  const how = { clock: systemClock, read: readBytes, secrets: secretsOf([secret]), waiting: 10, answerLimitBytes: 1000 }
  const transport = fetchedTransport(how)
  const door = transport.work?.door ?? null
  const known = [...others, { id: 'here', address: null }]
  const find = async (id: string) => known.find((one) => one.id === id) ?? null
  const { app } = testApplication({
    standing: { ...testApplication().app.standing, node },
    fetching: { services: ['payment'], door: () => door, others: () => others, find },
  })
  const serving = await serve(app, { port: 0, nodeSecret: 'the secret of these nodes', log: silentLog, bodyLimitBytes })
  closing.push(() => serving.close())
  return { transport, url: serving.url }
}

test('a call is handed out by another node, and says there that it lives, where sites take little and answers are short', async () => {
  const heard: unknown[] = []
  const there = await nodeOf('there', [], 40)
  const here = await nodeOf('here', [{ id: 'there', address: there.url }], 40)
  const answer = there.transport.ask(asked, new AbortController().signal, (progress) => void heard.push(progress))
  const asker = new Asker(here.url)
  const call = await asker.call()
  expect(call.heartbeatTo).toContain('/there.')
  const progress = 'p'.repeat(16_000)
  expect(await asker.beat(call, { beat: 1, progress })).toBe('204')
  expect(heard.at(-1)).toBe(progress)
  // No more than that comes in.
  expect(await asker.beat(call, { beat: 2, progress: 'p'.repeat(40_000) })).toBe('413 BODY_TOO_LARGE')
  expect(await asker.answer(call, { answer: 'charged' })).toBe('204')
  expect(await answer).toBe('charged')
})
