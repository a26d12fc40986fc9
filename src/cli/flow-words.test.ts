import { expect, it } from 'vitest'
import type { FlowView } from '../core/views.ts'
import { flowWords } from './flow-words.ts'

const now = Date.parse('2026-01-31T12:00:00Z')
const flow: FlowView = {
  choreography: 'fulfilment',
  key: { field: 'orderId', value: '8841' },
  state: 'on track',
  began: '2026-01-31T11:00:00.000Z',
  changed: '2026-01-31T11:59:00.000Z',
  awaited: [
    { event: 'payment.approved', from: ['payment'] },
    { event: 'payment.declined', from: ['payment'] },
    { event: 'order.cancelled', from: [] },
  ],
  deadlines: [
    { events: ['payment.approved', 'payment.declined'], by: '2026-01-31T12:00:30.000Z', passed: false },
    { events: ['order.shipped'], by: '2026-02-02T12:00:00.000Z', passed: false },
  ],
  breaks: 0,
  overdues: 0,
}
const broken = { how: 'unexpected', event: 'order.shipped', source: 'shipping', id: 'e-1', time: '' } as const

it.each<[string, Partial<FlowView>, string]>([
  ['awaits', {}, 'waits for payment.approved or payment.declined from payment, in 30s at the latest'],
  [
    'has no deadline',
    { deadlines: [] },
    'waits for payment.approved or payment.declined or order.cancelled from payment',
  ],
  [
    'comes from outside',
    { deadlines: [], awaited: [{ event: 'order.cancelled', from: [] }] },
    'waits for order.cancelled',
  ],
  [
    'may end',
    { state: 'may end', ending: 'shipped', deadlines: [], awaited: [{ event: 'rated', from: [] }] },
    'may end as shipped, or goes on with rated',
  ],
  ['is complete', { state: 'complete', ending: 'fulfilled' }, 'complete: fulfilled'],
  [
    'is overdue',
    {
      state: 'overdue',
      deadlines: [{ events: ['payment.approved'], by: '2026-01-31T11:58:00.000Z', passed: true }],
    },
    'overdue for 2m: payment.approved from payment',
  ],
  [
    'is broken',
    { state: 'broken', breaks: 3, broken: { ...broken, expected: ['payment.approved'] } },
    'broken: order.shipped (e-1) came; expected was payment.approved (and 2 more)',
  ],
  [
    'is broken and owes something',
    {
      state: 'broken',
      breaks: 1,
      broken: { ...broken, expected: [] },
      owes: [{ operation: 'payment.charge', undo: 'payment.refund' }],
    },
    'broken: order.shipped (e-1) came; not taken back: payment.charge (payment.refund would)',
  ],
  [
    'breaks a rule',
    { state: 'broken', breaks: 1, broken: { ...broken, how: 'late', expected: [], rule: 'x must not come' } },
    'broken: order.shipped (e-1) came after its end; x must not come',
  ],
  [
    'has ended, and gets an event once more',
    {
      state: 'broken',
      ending: 'fulfilled',
      awaited: [],
      deadlines: [],
      breaks: 2,
      broken: { ...broken, how: 'late', expected: [], again: true },
    },
    'broken: order.shipped (e-1) came once more, after its end as fulfilled (and 1 more)',
  ],
  [
    'has ended, though an event came twice',
    {
      state: 'broken',
      ending: 'fulfilled',
      awaited: [],
      deadlines: [],
      breaks: 1,
      broken: { ...broken, how: 'duplicate', expected: ['order.paid'] },
    },
    'broken: order.shipped (e-1) came once more; expected was order.paid; it ended as fulfilled',
  ],
  [
    'has one too many',
    { state: 'broken', breaks: 1, broken: { ...broken, how: 'duplicate', expected: [] } },
    'broken: order.shipped (e-1) came once more',
  ],
])('%s', (_name, part, words) => {
  expect(flowWords({ ...flow, ...part }, now)).toBe(words)
})
