// By what an event is known to others, from what a reaction knows of it.
import { expect, test } from 'vitest'
import { checkEventName } from '../../core/names.ts'
import { causeHere, identityOf } from './send.ts'

const here = { source: 'shop', own: new Set(['shop', 'payment', 'checkout']) }
const store = 'cfad3809-f0c0-4457-a03c-e85e999544e3'

test.each([
  ['one that the application has published', 'event:shop:01a22ab1', { source: 'shop/shop', id: '01a22ab1' }],
  [
    'an outcome',
    `event:payment:${store}:checkout:7:0:payment.charge#0`,
    { source: 'shop/payment', id: `${store}:checkout:7:0:payment.charge#0` },
  ],
  [
    'the outcome of a reaction',
    `event:payment:${store}:payment:order.placed:~7.aB_c:0:payment.charge#0`,
    { source: 'shop/payment', id: `${store}:payment:order.placed:%7E7.aB_c:0:payment.charge#0` },
  ],
  [
    'one of another application',
    `event:warehouse/shipping:${store}:a:0:b#0`,
    { source: 'warehouse/shipping', id: `${store}:a:0:b#0` },
  ],
  [
    'one that a stranger has published here',
    'event:https://crm.example:8443/customers:evt_1',
    { source: 'https://crm.example:8443/customers', id: 'evt_1' },
  ],
])('%s', (_, cause, identity) => {
  expect(identityOf(here, cause)).toEqual(identity)
})

test('an id that is too long for others is cut, and stays what it is alone', () => {
  const long = (end: string): string =>
    identityOf(here, `event:payment:${store}:${'~x'.repeat(200)}:0:payment.${end}#0`).id
  expect(long('charge')).toHaveLength(256)
  expect(checkEventName(long('charge'), 'The id')).toBe(long('charge'))
  expect(long('charge')).not.toBe(long('refund'))
  expect(long('charge')).toBe(long('charge'))
})

test('a cause that arose here has its own name again, and others keep theirs', () => {
  expect(causeHere(here, `event:shop/payment:${store}:payment:order.placed:%7E7.aB_c:0:payment.charge#0`)).toBe(
    `event:payment:${store}:payment:order.placed:~7.aB_c:0:payment.charge#0`,
  )
  expect(causeHere(here, 'event:shopping/payment:1')).toBe('event:shopping/payment:1')
  expect(causeHere(here, 'run:checkout:1')).toBe('run:checkout:1')
})
