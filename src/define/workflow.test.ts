// Workflows: their definitions, their calls, and what they refuse.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { DEFINITION } from './definition-symbol.ts'
import { event } from './event.ts'
import { signal } from './signal.ts'
import { workflow } from './workflow.ts'

const id = z.object({ orderId: z.string() })
const CancelOrder = signal('cancel-order', z.object({ by: z.string() }))
const state = z.object({ stage: z.string() })
const body = async () => null

it('carries its definition, and gives calls as plain values', () => {
  const checkout = workflow(
    'checkout',
    { input: id, output: z.null(), state, key: 'orderId', signals: [CancelOrder] },
    body,
  )
  expect(checkout[DEFINITION]).toEqual({
    name: 'checkout',
    input: id,
    output: expect.any(Object) as unknown,
    state,
    key: 'orderId',
    signals: [CancelOrder],
    body,
  })
  expect(checkout.workflowName).toBe('checkout')
  const call = checkout({ orderId: '1' })
  expect(call).toEqual({ kind: 'call', target: 'workflow', name: 'checkout', input: { orderId: '1' } })
})

it('needs neither state nor key nor signals', () => {
  const plain = workflow('plain', { input: id, output: z.null() }, body)
  expect(plain[DEFINITION]).toMatchObject({ state: null, key: null, signals: [] })
})

it.each(['', 'check out', 'check.out', '1', 'a'.repeat(65)])('refuses the name %j', (name) => {
  expect(() => workflow(name, { input: id, output: z.null() }, body)).toThrow('its name must begin with a letter')
})

const options = { input: id, output: z.null() }
it.each<[string, unknown, unknown, string]>([
  ['no options', null, body, 'its options must be an object'],
  ['a typo in an option', { ...options, signal: [] }, body, 'there is no option "signal". Did you mean "signals"?'],
  ['an input that is no schema', { ...options, input: undefined }, body, 'input is no schema'],
  ['an output that is no schema', { ...options, output: z }, body, 'output is no schema'],
  ['a state that is no schema', { ...options, state: {} }, body, 'state is no schema'],
  ['a key that is no field', { ...options, key: 'order-id' }, body, 'key "order-id" cannot name a field'],
  ['signals that are no list', { ...options, signals: CancelOrder }, body, 'signals must be a list of signal types'],
  [
    'an event among the signals',
    { ...options, signals: [CancelOrder, event('e', id, { key: 'orderId' })] },
    body,
    'signal 2 is no signal type',
  ],
  [
    'a signal twice',
    { ...options, signals: [CancelOrder, CancelOrder] },
    body,
    'the signal "cancel-order" is listed twice',
  ],
  ['no body', options, undefined, 'the body must be a function, not undefined'],
])('refuses %s', (_what, wrong, wrongBody, message) => {
  expect(() => workflow('w', wrong as typeof options, wrongBody as typeof body)).toThrow(`workflow "w": ${message}`)
})
