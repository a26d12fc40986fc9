// Services: the definitions and the calls that they make of operations, and what they refuse.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { DEFINITION, definitionOf } from './definition-symbol.ts'
import { event } from './event.ts'
import { operation } from './operation.ts'
import { ATTEMPTS } from './policy.ts'
import { service } from './service.ts'

const id = z.object({ orderId: z.string() })
const Approved = event('payment.approved', id, { key: 'orderId' })
const Declined = event('payment.declined', id, { key: 'orderId' })
const charge = operation({
  input: id,
  outcomes: [Approved, Declined],
  retry: { attempts: 5, backoff: '1s' },
  timeout: '10s',
  run: (input) => Approved(input),
})

it('names its operations and fills in their defaults', () => {
  const total = z.number()
  const payment = service('payment', {
    charge,
    refund: operation({ input: id, undoes: 'charge', run: () => {} }),
    total: operation({ input: id, output: total }),
  })
  expect(payment.serviceName).toBe('payment')
  const { operations, ...rest } = payment[DEFINITION]
  expect(rest).toEqual({ name: 'payment', limit: null, reactions: [] })
  expect(operations).toEqual([
    {
      kind: 'operation',
      name: 'payment.charge',
      service: 'payment',
      input: id,
      outcomes: [Approved, Declined],
      output: null,
      undoes: null,
      retry: { ...ATTEMPTS.retry, attempts: 5, backoffMs: 1000 },
      timeoutMs: 10_000,
      heartbeatMs: null,
      limits: [],
      run: expect.any(Function) as unknown,
      elsewhere: null,
    },
    expect.objectContaining({ name: 'payment.refund', undoes: 'charge', outcomes: [], output: null, ...ATTEMPTS }),
    expect.objectContaining({ name: 'payment.total', output: total, run: null }),
  ])
})

it('gives calls as plain values', () => {
  const payment = service('payment', { charge })
  const call = payment.charge({ orderId: '1' })
  expect(call).toEqual({ kind: 'call', target: 'operation', name: 'payment.charge', input: { orderId: '1' } })
  expect('then' in call).toBe(false)
  expect(Object.keys(payment)).toEqual(['charge', 'serviceName', 'on'])
})

it('may share an operation with another service', () => {
  expect(service('a', { charge }).charge({ orderId: '1' }).name).toBe('a.charge')
  expect(service('b', { charge }).charge({ orderId: '1' }).name).toBe('b.charge')
})

it('finds definitions only where they are', () => {
  const payment = service('payment', {})
  expect(definitionOf(payment)).toBe(payment[DEFINITION])
  for (const other of [null, undefined, 'payment', {}, () => {}]) expect(definitionOf(other)).toBeUndefined()
})

it.each(['', 'pay ment', 'pay.ment', '1', 'a'.repeat(65)])('refuses the name %j', (name) => {
  const problem = `${JSON.stringify(name)}: its name must begin with a letter`
  expect(() => service(name, {})).toThrow(`service ${problem}`)
  expect(() => service('s', { [name]: charge })).toThrow(`operation ${problem}`)
})

it('refuses a name that is none', () => {
  expect(() => service(undefined as never, {})).toThrow('service undefined: its name must')
})

it.each(['on', 'then', 'serviceName', 'constructor', 'toString', 'toJSON', 'valueOf'])(
  'refuses an operation named %s',
  (name) => {
    expect(() => service('s', { [name]: charge } as Record<string, never>)).toThrow(
      `operation "s.${name}": an operation cannot be named "${name}"`,
    )
  },
)

const spec = { input: id, run: () => {} }
it.each<[string, unknown, string]>([
  ['what is no operation', () => 1, 'it must be made by operation({...})'],
  ['options that are none', operation(null as never), 'it must be made by operation({...})'],
  ['an input that is no schema', operation({} as never), 'input is no schema'],
  ['an output that is no schema', operation({ ...spec, output: {} } as never), 'output is no schema'],
  [
    'a typo in an option',
    operation({ ...spec, undo: 'charge' } as never),
    'there is no option "undo". Did you mean "undoes"?',
  ],
  ['outcomes that are no list', operation({ ...spec, outcomes: Approved } as never), 'outcomes must be a list'],
  [
    'outcomes that are no events',
    operation({ ...spec, outcomes: [Approved, 1] } as never),
    'outcome 2 is no event type',
  ],
  [
    'an outcome twice',
    operation({ ...spec, outcomes: [Approved, Approved] } as never),
    'the outcome "payment.approved" is listed twice',
  ],
  [
    'both ways to answer',
    operation({ ...spec, outcomes: [Approved], output: id } as never),
    'it answers with outcomes or with an output, not with both',
  ],
  ['undoing itself', operation({ ...spec, undoes: 'x' }), 'it cannot undo itself'],
  [
    'undoing what is not there',
    operation({ ...spec, undoes: 'chrage' }),
    'undoes names "chrage", which is none of charge, x',
  ],
  ['a run that is no function', operation({ ...spec, run: 1 } as never), 'run must be a function, not number'],
  [
    'no attempts',
    operation({ ...spec, retry: { attempts: 0 } }),
    'retry.attempts must be a whole number from 1, not 0',
  ],
  ['a bad duration', operation({ ...spec, timeout: '10 minutes' } as never), '"10 minutes" is not a duration'],
  [
    'a heartbeat that a busy loop would miss',
    operation({ ...spec, heartbeat: '99ms' }),
    'heartbeat must be 100ms or longer',
  ],
  [
    'a heartbeat that never comes to bear',
    operation({ ...spec, timeout: '30s', heartbeat: '30s' }),
    'heartbeat must be shorter than timeout, after which the attempt has failed anyway',
  ],
  [
    'a heartbeat beyond the timeout that it has',
    operation({ ...spec, heartbeat: '1m' }),
    'heartbeat must be shorter than timeout',
  ],
])('refuses %s', (_what, x, message) => {
  expect(() => service('payment', { charge, x: x as never })).toThrow(message)
})

it('refuses operations that are none', () => {
  for (const wrong of [null, undefined, 'charge']) {
    expect(() => service('s', wrong as never)).toThrow('service "s": its operations must be an object')
  }
})
