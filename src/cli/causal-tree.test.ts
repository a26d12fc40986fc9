import { describe, expect, it } from 'vitest'
import type { Json } from '../core/json.ts'
import type { EventView, JournalView, RunView } from '../core/views.ts'
import { causalLines, summaryLines } from './causal-lines.ts'
import { causalTree, type CausalNode, type Causes } from './causal-tree.ts'
import { plain } from './paint.ts'
import type { TimelineStyle } from './timeline.ts'

const style: TimelineStyle = { now: Date.parse('2026-01-31T12:00:10.000Z'), paint: plain, columns: 120 }
const at = (ms: number): string => new Date(Date.parse('2026-01-31T12:00:00.000Z') + ms).toISOString()
let pos = 0

const run = (id: string, part: Partial<RunView> = {}): RunView => ({
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
const event = (source: string, id: string, type: string, part: Partial<EventView> = {}): EventView => ({
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
  sequence: String(pos++).padStart(16, '0'),
  published: true,
  ...part,
})
const turn = (seq: number, ms: number, delivered: Json, ...commands: Json[]): JournalView => ({
  pos: pos++,
  seq,
  kind: 'turn',
  at: at(ms),
  delivered,
  commands,
})
const lines = (causes: Partial<Causes>): readonly string[] =>
  causalLines(causalTree({ runs: [], events: [], journals: new Map(), ...causes }), style)
const done = (op: string, type: string): Json => ({
  kind: 'done',
  op,
  attempt: 1,
  payload: { kind: 'event', type, data: {}, key: '8841' },
})
const call = (op: string): Json => ({ kind: 'call', op, call: op.replace(/#.*/, ''), input: {} })

describe('the tree of an orchestrated order', () => {
  const order = run('checkout:8841', {
    status: 'running',
    ended: null,
    waits: [
      {
        op: 'shipping.ship#0',
        kind: 'call',
        for: 'shipping.ship',
        from: 'shipping',
        since: at(60),
        until: null,
        attempt: { number: 2, error: { code: 'Error', message: 'HTTP 503' }, next: at(12_000) },
      },
      { op: 'receive#0', kind: 'receive', for: 'cancel-order', from: 'signal', since: at(60), until: null },
    ],
  })
  const journal = [
    turn(0, 1, { kind: 'start', seed: 1 }, call('catalog.reserve/a'), call('catalog.reserve/b')),
    turn(1, 20, done('catalog.reserve/b', 'stock.reserved')),
    turn(2, 30, done('catalog.reserve/a', 'stock.reserved'), call('payment.charge#0')),
    {
      pos: pos++,
      seq: 3,
      kind: 'note' as const,
      at: at(40),
      note: {
        kind: 'attempt',
        op: 'payment.charge#0',
        attempt: 1,
        error: { code: 'Error', message: 'x' },
        ms: 3,
        next: null,
      },
    },
    turn(
      4,
      60,
      { kind: 'done', op: 'payment.charge#0', attempt: 2, payload: { receipt: 'r-1' } },
      call('shipping.ship#0'),
      { kind: 'wait', op: 'receive#0', names: ['signal:cancel-order'] },
      { kind: 'step', op: 'mail#0' },
      { kind: 'emit', op: 'emit#0', type: 'order.packed', key: '8841', input: {} },
      { kind: 'child', op: 'wrap#0', run: 'checkout:8841~wrap.0', call: 'wrap', input: {}, wait: false },
    ),
    turn(5, 70, { kind: 'failed', op: 'mail#0', error: { code: 'TERMINAL', message: 'no address' } }),
  ]
  const key = (op: string): string => `store-1:checkout:8841:0:${op}`
  const causes: Causes = {
    runs: [
      order,
      run('checkout:8841~wrap.0', {
        name: 'wrap',
        parent: 'checkout:8841',
        cause: 'run:checkout:8841',
        created: at(61),
        ended: at(90),
      }),
    ],
    events: [
      event('catalog', key('catalog.reserve/a'), 'stock.reserved', {
        causationid: 'run:checkout:8841',
        published: false,
        time: at(30),
      }),
      event('catalog', key('catalog.reserve/b'), 'stock.reserved', {
        causationid: 'run:checkout:8841',
        published: false,
        time: at(20),
      }),
      event('shop', key('emit#0'), 'order.packed', { causationid: 'run:checkout:8841', time: at(60) }),
    ],
    journals: new Map([['checkout:8841', journal]]),
  }

  it('shows calls in the order in which they were made, with what they took, and what is awaited', () => {
    expect(lines(causes)).toEqual([
      '     +0ms  workflow checkout checkout:8841  running for 10s',
      '     +1ms  ├─ catalog.reserve/a  stock.reserved  29ms',
      '     +1ms  ├─ catalog.reserve/b  stock.reserved  19ms',
      '    +30ms  ├─ payment.charge#0  {"receipt":"r-1"}  30ms, 2 attempts',
      '    +60ms  ├─ shipping.ship#0  not answered, waits for shipping.ship, 9.94s so far; attempt 2 failed (Error: HTTP 503), again in 2s',
      '           ├─ ⌛ waits for the signal cancel-order, 9.94s so far',
      '    +60ms  ├─ step mail#0  failed after 10ms: TERMINAL: no address',
      '    +60ms  ├─ order.packed from shop',
      '    +61ms  └─ workflow wrap checkout:8841~wrap.0  completed in 29ms',
    ])
  })

  it('hangs the outcome below its call', () => {
    const [root] = causalTree(causes)
    const first = root?.children[0]
    expect(first?.kind === 'call' && first.op).toBe('catalog.reserve/a')
    expect(first?.children.map((child) => (child.kind === 'event' ? child.event.type : child.kind))).toEqual([
      'stock.reserved',
    ])
  })

  it('is summed up by what is awaited', () => {
    expect(summaryLines('orderId:8841', causes.runs, 3, style)).toEqual([
      'orderId:8841: 1 running, 1 completed; 3 events.',
      "checkout:8841: Waits for shipping.ship, 9.94s so far; attempt 2 failed (Error: HTTP 503); it is tried again in 2s. Waits for the signal cancel-order, 9.94s so far; send it: ballet signal checkout:8841 cancel-order --data '<json>'",
    ])
  })
})

it('shows a choreographed order: events and the reactions that they brought about', () => {
  const charged = 'payment:order.created:e-1'
  const shipped = 'shipping:payment.approved:x'
  const causes: Causes = {
    runs: [
      run(shipped, {
        kind: 'reaction',
        name: 'shipping:payment.approved',
        cause: `event:payment:s:${charged}:0:payment.charge#0`,
        created: at(30),
        ended: null,
        status: 'running',
        waits: [
          { op: 'shipping.ship#0', kind: 'call', for: 'shipping.ship', from: 'shipping', since: at(30), until: null },
        ],
      }),
      run(charged, {
        kind: 'reaction',
        name: 'payment:order.created',
        cause: 'event:shop:e-1',
        created: at(1),
        ended: at(20),
      }),
    ],
    events: [
      event('shop', 'e-1', 'order.created'),
      event('payment', `s:${charged}:0:payment.charge#0`, 'payment.approved', {
        causationid: `run:${charged}`,
        time: at(20),
      }),
    ],
    journals: new Map([
      [charged, [turn(0, 20, { ...(done('payment.charge#0', 'payment.approved') as object), attempt: 3 })]],
    ]),
  }
  expect(lines(causes)).toEqual([
    '     +0ms  order.created from shop',
    '     +1ms  └─ payment reacts: payment.charge  completed in 19ms, 3 attempts',
    '    +20ms     └─ payment.approved from payment',
    '    +30ms        └─ shipping reacts: shipping.ship  running for 9.97s, waits for shipping.ship, 9.97s so far',
  ])
})

it('keeps what has a cause elsewhere, and says so', () => {
  expect(lines({ events: [event('shop', 'e-2', 'order.created', { causationid: 'event:crm:42' })] })).toEqual([
    '     +0ms  order.created from shop (brought about by event:crm:42, which is not of this key)',
  ])
})

describe('claims that cannot be', () => {
  const count = (nodes: readonly CausalNode[]): number => nodes.reduce((sum, node) => sum + 1 + count(node.children), 0)
  const claim = (id: string, cause: string): EventView =>
    event('out', id, 'claimed', { causationid: `event:out:${cause}` })

  it('loses nothing of a circle', () => {
    const events = [claim('a', 'b'), claim('b', 'c'), claim('c', 'a'), claim('d', 'b'), claim('self', 'self')]
    expect(count(causalTree({ runs: [], events, journals: new Map() }))).toBe(events.length)
  })

  it('shows a chain of 20,000 events, each the cause of the next', () => {
    const events = Array.from({ length: 20_000 }, (_, index) => claim(`${index}`, `${index - 1}`))
    const shown = lines({ events })
    expect(shown).toHaveLength(20_000)
    expect(Math.max(...shown.map((line) => line.length))).toBeLessThan(200)
  })
})

it('tells what was given up, what a person answered, and in which phase a run is', () => {
  const order = run('checkout:8841', {
    status: 'running',
    phase: 'undoing',
    ended: null,
    choices: [{ action: 'cancel' }],
    waits: [
      { op: 'b.do#0', kind: 'call', for: 'b.do', from: 'b', since: at(0), until: null, givenUp: true },
      { op: 'undo:a.do#0', kind: 'call', for: 'a.undo', from: 'a', since: at(30), until: null, undoes: 'a.do#0' },
    ],
  })
  const undo: Json = { kind: 'call', op: 'undo:a.do#0', call: 'a.undo', input: {}, undoes: 'a.do#0' }
  const journal = [
    turn(0, 0, { kind: 'start', seed: 1 }, call('a.do#0'), call('b.do#0'), call('c.do#0')),
    turn(1, 10, { kind: 'done', op: 'a.do#0', payload: 5, by: 'ann' }),
    turn(2, 20, { kind: 'failed', op: 'c.do#0', error: { code: 'GONE', message: 'no' }, by: 'bob' }),
    turn(
      3,
      30,
      { kind: 'cancel', by: 'ann', why: 'x' },
      { kind: 'drop', op: 'b.do#0', settles: true },
      { kind: 'phase', phase: 'undoing' },
      undo,
    ),
  ]
  expect(lines({ runs: [order], journals: new Map([[order.id, journal]]) })).toEqual([
    '     +0ms  workflow checkout checkout:8841  undoing for 10s',
    '     +0ms  ├─ a.do#0  5  10ms, by ann',
    '     +0ms  ├─ b.do#0  given up, waits for b.do, 10s so far',
    '     +0ms  ├─ c.do#0  failed after 20ms, by bob: GONE: no',
    '    +30ms  └─ a.undo takes back a.do#0  not answered, waits for a.undo, 9.97s so far',
  ])
  expect(summaryLines('orderId:8841', [order], 0, style).slice(1)).toEqual([
    expect.stringMatching(/^checkout:8841: Takes back what it did\. Waits for b\.do, 10s so far; it was given up/),
    '  ballet cancel checkout:8841',
  ])
})
