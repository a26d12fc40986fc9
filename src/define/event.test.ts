// Event and signal types: the values that they build, and what they refuse.
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Schema } from '../core/schema.ts'
import { event, isEventType } from './event.ts'
import { isSignalType, signal } from './signal.ts'

const schema = z.object({ orderId: z.string(), total: z.number().default(0) })
const OrderCreated = event('order.created', schema, { key: 'orderId' })
const CancelOrder = signal('cancel-order', z.object({ by: z.string() }))

it('builds event values without validating them', () => {
  expect(OrderCreated({ orderId: '1' })).toEqual({
    kind: 'event',
    type: 'order.created',
    data: { orderId: '1' },
    key: '1',
  })
  const wrong = { orderId: 7, total: 'much' } as unknown as { orderId: string }
  expect(OrderCreated(wrong)).toMatchObject({ data: { orderId: 7, total: 'much' }, key: '7' })
  for (const nothing of [undefined, null, 'text', []]) {
    expect(OrderCreated(nothing as unknown as { orderId: string }).key).toBe('undefined')
  }
})

it('carries its definition itself, and stays as it is', () => {
  expect({ ...OrderCreated }).toMatchObject({ kind: 'event', type: 'order.created', key: 'orderId', schema })
  expect(isEventType(OrderCreated)).toBe(true)
  expect(isEventType(CancelOrder)).toBe(false)
  expect(isEventType({ kind: 'event', type: 'order.created', schema })).toBe(false)
  expect(Object.isFrozen(OrderCreated)).toBe(true)
})

it('builds signal values', () => {
  expect(CancelOrder({ by: 'customer' })).toEqual({ kind: 'signal', type: 'cancel-order', data: { by: 'customer' } })
  expect({ ...CancelOrder }).toMatchObject({ kind: 'signal', type: 'cancel-order' })
  expect(isSignalType(CancelOrder)).toBe(true)
  expect(isSignalType(OrderCreated)).toBe(false)
})

it('tells its values from others', () => {
  const SameName = signal('order.created', z.object({}))
  expect(OrderCreated.is(OrderCreated({ orderId: '1' }))).toBe(true)
  expect(OrderCreated.is(SameName({}))).toBe(false)
  expect(SameName.is(SameName({}))).toBe(true)
  expect(SameName.is(OrderCreated({ orderId: '1' }))).toBe(false)
  expect(OrderCreated.is({ type: 'order.created' })).toBe(false)
  expect(OrderCreated.is(null)).toBe(false)
  expect(CancelOrder.is(undefined)).toBe(false)
})

it.each(['', 'order created', '1st', 'a..b', '.a', 'a'.repeat(129), 'ä', 'a\u0000', undefined, 5])(
  'refuses the type %j',
  (type) => {
    expect(() => event(type as string, schema, { key: 'orderId' })).toThrow('its type must begin with a letter')
    expect(() => signal(type as string, schema)).toThrow('its type must begin with a letter')
  },
)

it.each(['order-id', '', '1', 'a b', undefined])('refuses the key %j', (key) => {
  expect(() => event('e', schema, { key: key as 'orderId' })).toThrow(/^event "e": key .* cannot name a field/)
})

it.each([undefined, null, {}, { '~standard': {} }, { '~standard': { validate: 1 } }, () => true])(
  'refuses what is no schema: %j',
  (wrong) => {
    const given = wrong as unknown as Schema<{ orderId: string }>
    expect(() => event('e', given, { key: 'orderId' })).toThrow(/^event "e": schema is no schema/)
    expect(() => signal('s', given)).toThrow(/^signal "s": schema is no schema/)
  },
)

it('refuses options that it does not have, and names the nearest', () => {
  expect(() => event('e', schema, { kye: 'orderId' } as unknown as { key: 'orderId' })).toThrow(
    'event "e": there is no option "kye". Did you mean "key"? The options are key.',
  )
  expect(() => event('e', schema, undefined as unknown as { key: 'orderId' })).toThrow('must be an object')
})
