// An attempt as a transport is asked to make it.
import type { Asked } from '../../src/core/transport.ts'

/** The first attempt at a call; tests say what they want otherwise. */
export const firstAttempt: Asked = {
  operation: 'payment.price',
  input: { orderId: '1' },
  idempotencyKey: 'store:one:0:payment.price#0',
  fence: '1.0.1764450000000',
  attempt: 1,
  timeoutMs: 10_000,
  key: null,
  run: 'one',
  op: 'payment.price#0',
  root: 'run:one',
  cause: null,
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  undoes: null,
}
