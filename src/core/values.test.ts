import { expect, it } from 'vitest'
import { isCallValue, isEventValue } from './values.ts'

const call = { kind: 'call', target: 'operation', name: 'payment.charge', input: {} }
const event = { kind: 'event', type: 'order.created', data: {}, key: '8841' }
const none: readonly unknown[] = [
  undefined,
  null,
  'call',
  5,
  {},
  [],
  { kind: 'call' },
  { kind: 'event' },
  { name: 'a' },
  { type: 'a' },
  () => {},
]

it('a call is known by its kind and name', () => {
  expect(isCallValue(call)).toBe(true)
  expect([...none, event].filter(isCallValue)).toEqual([])
})

it('an event value is known by its kind and type', () => {
  expect(isEventValue(event)).toBe(true)
  expect([...none, call, { kind: 'signal', type: 'approve' }].filter(isEventValue)).toEqual([])
})
