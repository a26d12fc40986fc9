// The sequence of a key, from causes as journals and the log give them: both styles, what waits, and what failed.
import { expect, it } from 'vitest'
import type { Json } from '../core/json.ts'
import type { EventView, JournalView, RunView } from '../core/views.ts'
import { causalTree } from './causal-tree.ts'
import { sequence } from './sequence.ts'

const at = (ms: number): string => new Date(Date.UTC(2026, 0, 31) + ms).toISOString()
const run = (id: string, part: Partial<RunView>): RunView => ({
  id,
  kind: 'workflow',
  name: 'checkout',
  version: '1',
  key: { field: 'orderId', value: '8841' },
  root: `run:${id}`,
  cause: null,
  parent: null,
  status: 'completed',
  waits: [],
  choices: [],
  input: {},
  created: at(0),
  ended: at(100),
  ...part,
})
const event = (source: string, id: string, type: string, part: Partial<EventView>): EventView => ({
  specversion: '1.0',
  id,
  source,
  type,
  subject: '8841',
  time: at(0),
  datacontenttype: 'application/json',
  data: {},
  correlationid: 'r',
  partitionkey: '8841',
  sequence: id,
  published: true,
  ...part,
})
const turn = (seq: number, ms: number, delivered: Json, ...commands: Json[]): JournalView => ({
  pos: seq,
  seq,
  kind: 'turn',
  at: at(ms),
  delivered,
  commands,
})

it('tells what a workflow calls, what was answered, what failed and what is awaited', () => {
  const wait = { op: 'shipping.ship#0', kind: 'call', for: 'shipping.ship', from: 'shipping' } as const
  const checkout = run('checkout:8841', {
    status: 'running',
    ended: null,
    waits: [{ ...wait, since: at(30), until: at(90_030) }],
  })
  const journal = [
    turn(0, 0, { kind: 'start' }, { kind: 'call', op: 'payment.charge#0', call: 'payment.charge', input: {} }),
    turn(
      1,
      20,
      { kind: 'failed', op: 'payment.charge#0', attempt: 1, error: { code: 'TERMINAL', message: 'no' } },
      { kind: 'call', op: 'payment.charge#1', call: 'payment.charge', input: {} },
    ),
    turn(
      2,
      30,
      {
        kind: 'done',
        op: 'payment.charge#1',
        attempt: 2,
        payload: { kind: 'event', type: 'payment.approved', data: {} },
      },
      { kind: 'call', op: 'shipping.ship#0', call: 'shipping.ship', input: {} },
    ),
  ]
  const tree = causalTree({ runs: [checkout], events: [], journals: new Map([['checkout:8841', journal]]) })
  expect(sequence('orderId:8841', tree).split('\n')).toEqual([
    'sequenceDiagram',
    '  accTitle: orderId:8841',
    '  actor p0 as outside',
    '  participant p1 as checkout',
    '  participant p2 as payment',
    '  participant p3 as shipping',
    '  p0-)p1: starts',
    '  p1->>p2: charge',
    '  p2--xp1: TERMINAL',
    '  p1->>p2: charge',
    '  p2-->>p1: payment.approved, attempt 2',
    '  p1->>p3: ship',
    '  Note over p3: waits for shipping.ship, 1.5m at most',
  ])
})

it('tells which event went to whom, and writes no syntax of its own', () => {
  const reaction = run('payment:order.created:1', {
    kind: 'reaction',
    name: 'payment:order.created',
    call: 'payment.charge',
    cause: 'event:shop:1',
    status: 'failed',
    error: { code: 'TERMINAL', message: 'card #1; no' },
    ended: at(8),
  })
  const events = [
    event('shop', '1', 'order.created', {}),
    event('payment', '2', 'payment.declined', { time: at(9), causationid: 'run:payment:order.created:1' }),
  ]
  const tree = causalTree({ runs: [reaction], events, journals: new Map() })
  expect(sequence('orderId:8841', tree).split('\n').slice(2)).toEqual([
    '  actor p0 as outside',
    '  participant p1 as payment',
    '  p0-)p1: order.created',
    '  Note over p1: failed: card #35;1#59; no',
    '  Note over p1: payment.declined',
  ])
})

it('stands in the order in which things came about, whichever branch they are of', () => {
  const reaction = (service: string) =>
    run(`${service}:1`, { kind: 'reaction', name: `${service}:order.created`, cause: 'event:shop:1' })
  const answer = (service: string, id: string, ms: number) =>
    event(service, id, `${service}.done`, { time: at(ms), causationid: `run:${service}:1` })
  const events = [event('shop', '1', 'order.created', {}), answer('payment', '2', 30), answer('stock', '3', 20)]
  const tree = causalTree({ runs: [reaction('payment'), reaction('stock')], events, journals: new Map() })
  expect(sequence('orderId:8841', tree).split('\n').slice(-4)).toEqual([
    '  p0-)p1: order.created',
    '  p0-)p2: order.created',
    '  Note over p2: stock.done',
    '  Note over p1: payment.done',
  ])
})

it('lets a run that performs a choreography take the events and make the calls', () => {
  const conductor = run('order:8841', { kind: 'choreography', name: 'order', cause: 'event:shop:1' })
  const reaction = run('payment:1', {
    kind: 'reaction',
    name: 'payment:order.created',
    call: 'payment.charge',
    parent: 'order:8841',
    cause: 'event:shop:1',
    created: at(1),
  })
  const events = [event('shop', '1', 'order.created', {})]
  const tree = causalTree({ runs: [conductor, reaction], events, journals: new Map() })
  expect(sequence('orderId:8841', tree).split('\n').slice(2)).toEqual([
    '  actor p0 as outside',
    '  participant p1 as order',
    '  participant p2 as payment',
    '  p0-)p1: order.created',
    '  p1->>p2: charge',
  ])
})

it('says of a deadline that has passed who found that, and not who caused what came before', () => {
  const placed = event('desk', '1', 'order.placed', {})
  const overdue = event('orders', '8841:5:order.paid', 'orders.overdue', { time: at(5), causationid: 'event:desk:1' })
  const remind = run('reminder', {
    kind: 'reaction',
    name: 'post:orders.overdue',
    cause: 'event:orders:8841:5:order.paid',
    created: at(6),
  })
  const text = sequence('orderId:8841', causalTree({ runs: [remind], events: [placed, overdue], journals: new Map() }))
  expect(text).toContain('orders')
  expect(text).toMatch(/participant (\w+) as orders[^]*\1-\)\w+: orders\.overdue/)
})
