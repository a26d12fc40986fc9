// What is concluded from the rows and the ledgers of orders: each thing that must be nought is not when it happened.
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { EventView, KeyView, RunView } from '../../core/views.ts'
import { ballet } from '../../define/ballet.ts'
import { event } from '../../define/event.ts'
import { operation } from '../../define/operation.ts'
import { service } from '../../define/service.ts'
import type { ComparedEffect } from '../../define/comparison.ts'
import { figuresOf, quantile } from './figures.ts'
import { faultOf, faultWords } from './plan.ts'

const id = z.object({ orderId: z.string() })
const key = { key: 'orderId' } as const
const Paid = event('paid', id, key)
const Refunded = event('refunded', id, key)
const Told = event('told', id, key)
const payment = service('payment', {
  charge: operation({ input: id, outcomes: [Paid], run: (input) => Paid(input) }),
  refund: operation({ input: id, undoes: 'charge', outcomes: [Refunded], run: (input) => Refunded(input) }),
})
const notification = service('notification', {
  notify: operation({ input: id, outcomes: [Told], run: (input) => Told(input) }),
})
notification.on(Paid, (paid) => notification.notify(paid))
const definition = ballet({ services: [payment, notification] })

const at = (ms: number): string => new Date(ms).toISOString()
function viewOf(order: string, events: readonly Partial<EventView>[], runs: readonly Partial<RunView>[]): KeyView {
  return { field: 'orderId', value: order, flows: [], events: events as EventView[], runs: runs as RunView[] }
}
const effect = (order: string, operationName: string, item = ''): ComparedEffect => ({
  order,
  operation: operationName,
  item,
})
const figures = (views: readonly [KeyView, string | null][], ledger: readonly ComparedEffect[]) =>
  figuresOf({
    definition,
    comparison: { kept: ['sent'], last: ['told'], gate: 'payment.charge' },
    views: views.map(([view, ending]) => ({ view, ending })),
    ledger,
    answersMs: [2, 1, 3],
    storeBytes: 3000,
  })

it('reads times, counts and coupling of orders that a workflow carried through', () => {
  const run = { id: 'checkout:1', kind: 'workflow', name: 'checkout', created: at(1000) } as const
  const cause = { causationid: 'run:checkout:1', published: false }
  const view = viewOf(
    '1',
    [
      { type: 'paid', source: 'payment', time: at(1100), ...cause },
      { type: 'told', source: 'notification', time: at(1500), ...cause },
    ],
    [run],
  )
  expect(figures([[view, 'sent']], [effect('1', 'payment.charge')])).toEqual({
    orders: 1,
    endings: { sent: 1 },
    latencyMs: { p50: 500, p99: 500 },
    perSecond: 2,
    gapMs: 0,
    runs: 1,
    events: 2,
    messages: 4,
    lost: 0,
    duplicated: 0,
    notUndone: 0,
    knows: ['checkout -> notification', 'checkout -> payment'],
    deciders: ['checkout'],
    listenerChanges: ['checkout'],
    gateChanges: ['checkout'],
    answerMs: 2,
    bytes: 3000,
  })
})

it('reads the coupling of orders that reactions carried through', () => {
  const name = 'notification:paid'
  const run = { id: `${name}:1`, kind: 'reaction', name, call: 'notification.notify', created: at(0) } as const
  const told = { type: 'told', source: 'notification', time: at(10), published: true }
  expect(figures([[viewOf('1', [told], [run]), 'sent']], [])).toMatchObject({
    messages: 1,
    knows: ['notification -> payment'],
    deciders: ['notification'],
    listenerChanges: [],
    gateChanges: [],
  })
})

it('counts the calls of a run that performs a choreography as its own', () => {
  const conductor = { id: 'order:1', kind: 'choreography' as 'workflow', name: 'order', created: at(0) } as const
  const name = 'notification:paid'
  const run = { id: `${name}:1`, kind: 'reaction', name, parent: 'order:1', created: at(0) } as const
  const told = { type: 'told', source: 'notification', time: at(10), published: true }
  expect(figures([[viewOf('1', [told], [conductor, run]), 'sent']], [])).toMatchObject({
    messages: 2,
    knows: ['order -> notification'],
    deciders: ['order'],
    listenerChanges: [],
  })
})

it('finds what was lost, done twice, and not undone', () => {
  const empty = viewOf('1', [], [])
  const other = viewOf('2', [], [])
  const ledger = [
    effect('1', 'payment.charge'),
    effect('1', 'payment.charge'),
    effect('1', 'notification.notify', 'a'),
    effect('1', 'notification.notify', 'b'),
    effect('2', 'payment.charge'),
    effect('2', 'payment.refund'),
  ]
  const wrongs = (ones: readonly [KeyView, string | null][]) => {
    const { lost, duplicated, notUndone } = figures(ones, ledger)
    return { lost, duplicated, notUndone }
  }
  expect(wrongs([[empty, null]])).toEqual({ lost: 1, duplicated: 1, notUndone: 0 })
  expect(wrongs([[empty, 'sent']])).toEqual({ lost: 0, duplicated: 1, notUndone: 0 })
  expect(wrongs([[empty, 'declined']])).toEqual({ lost: 0, duplicated: 1, notUndone: 1 })
  expect(wrongs([[other, 'declined']])).toEqual({ lost: 0, duplicated: 0, notUndone: 0 })
})

it('takes quantiles as the value below which a part lies', () => {
  expect([quantile([], 0.5), quantile([3, 1, 2], 0.5), quantile([1, 2], 1)]).toEqual([0, 2, 2])
})

it.each([
  [undefined, 'nothing goes wrong'],
  ['kill-process', 'the process is killed when a fifth of the orders have ended, and started again'],
  ['payment-down:10s', 'payment does not answer for 10000 ms, from when a fifth of the orders have ended'],
  ['slow-shipping:200ms', 'every answer of shipping takes 200 ms longer'],
])('understands the fault %s', (text, words) => {
  const fault = faultOf(text)
  expect(fault === null ? null : faultWords(fault)).toBe(words)
})

it.each(['', 'kill', 'payment-down', 'payment-down:soon', 'slow-:1s'])('knows no fault "%s"', (text) => {
  expect(faultOf(text)).toBeNull()
})
