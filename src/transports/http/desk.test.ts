// The desk by itself: what is kept for whoever asks next.
import { expect, test } from 'vitest'
import { firstAttempt } from '../../../test/remote/attempt.ts'
import { SteppedClock } from '../../../test/support/clocks.ts'
import { readBytes } from '../../server/body.ts'
import type { Asked } from '../../core/transport.ts'
import { fetchedTransport } from './desk.ts'
import { secretsOf } from './signature.ts'

const asked: Asked = {
  ...firstAttempt,
  operation: 'payment.charge',
  input: null,
  idempotencyKey: 'store:one:0:payment.charge#0',
  op: 'payment.charge#0',
  timeoutMs: 20_000,
}

test('an attempt whose asker had gone is told to the next one with the time that it still has, and counts as heard of then', async () => {
  const clock = new SteppedClock()
  const secrets = secretsOf([`whsec_${Buffer.alloc(32, 9).toString('base64')}`])
  const transport = fetchedTransport({ clock, read: readBytes, secrets, waiting: 1, answerLimitBytes: 1000 })
  const stop = new AbortController()
  const heard: unknown[] = []
  const answer = transport.ask({ ...asked, heartbeatMs: 6000 }, stop.signal, (progress) => void heard.push(progress))
  clock.pass(5000)
  expect(heard).toEqual([])
  const handed = await transport.work?.door.take({ atOnce: 1, waitMs: 0 }, '/api/work/payment/here.', NEVER)
  expect(handed?.calls.map((call) => JSON.parse(call) as unknown)).toMatchObject([{ run: 'one', timeoutMs: 15_000 }])
  expect(heard).toEqual([undefined])
  stop.abort(new Error('over'))
  await expect(answer).rejects.toThrow('over')
})

const NEVER = new AbortController().signal
