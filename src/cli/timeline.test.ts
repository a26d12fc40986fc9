import { describe, expect, it } from 'vitest'
import type { Json } from '../core/json.ts'
import type { JournalView, RunView } from '../core/views.ts'
import { paintFor, plain } from './paint.ts'
import { timeline, type TimelineStyle } from './timeline.ts'

const style: TimelineStyle = { now: Date.parse('2026-01-31T12:00:10.000Z'), paint: plain, columns: 120 }
const at = (ms: number): string => new Date(Date.parse('2026-01-31T12:00:00.000Z') + ms).toISOString()
const turn = (seq: number, ms: number, delivered: Json, ...commands: Json[]): JournalView => ({
  pos: seq + 10,
  seq,
  kind: 'turn',
  at: at(ms),
  delivered,
  commands,
})
const note = (seq: number, ms: number, value: Json): JournalView => ({
  pos: seq + 10,
  seq,
  kind: 'note',
  at: at(ms),
  note: value,
})

const run: RunView = {
  id: 'checkout:8841',
  kind: 'workflow',
  name: 'checkout',
  version: '3',
  key: { field: 'orderId', value: '8841' },
  root: 'event:shop:e-1',
  cause: 'event:shop:e-1',
  parent: null,
  status: 'running',
  state: 'paying',
  waits: [{ op: 'receive#0', kind: 'receive', for: 'approve', from: 'signal', since: at(1500), until: null }],
  choices: [],
  input: { orderId: '8841', total: 13 },
  created: at(0),
  ended: null,
}
const approved = { kind: 'event', type: 'payment.approved', data: { orderId: '8841' }, key: '8841' }

/** Everything that can come to a run and be done by it, also what a newer version may add. */
const everything: readonly JournalView[] = [
  turn(
    0,
    0,
    { kind: 'start', seed: 1 },
    { kind: 'step', op: 'mail#0' },
    { kind: 'sleep', op: 'sleep#0', due: Date.parse(at(60_000)) },
  ),
  turn(
    1,
    10,
    { kind: 'failed', op: 'mail#0', error: { code: 'TERMINAL', message: 'no address' } },
    { kind: 'child', op: 'wrap#0', run: 'checkout:8841~wrap.0', call: 'wrap', input: 1, wait: true },
  ),
  turn(
    2,
    20,
    { kind: 'signal', name: 'cancel', id: 's-1', payload: { by: 'ann' } },
    { kind: 'emit', op: 'emit#0', type: 'order.lost', key: '8841', input: {} },
    { kind: 'emit', op: 'emit#1', type: 'order.paid', key: '8841', id: '2026-1:paid', source: 'bank', input: {} },
  ),
  turn(
    3,
    60_000,
    { kind: 'timer', op: 'sleep#0' },
    { kind: 'send', op: 'send#0', run: 'other', name: 'go', input: null },
  ),
  turn(
    4,
    60_001,
    { kind: 'event', type: 'order.shipped', pos: 9, source: 'shipping', id: 'e-9', key: '8841', payload: { a: 1 } },
    { kind: 'join', op: 'join#0', run: 'other' },
  ),
  {
    pos: 15,
    seq: 5,
    kind: 'mail',
    at: at(60_002),
    delivered: { kind: 'signal', name: 'late', id: 's-2', payload: null },
    commands: [],
  },
  note(6, 60_003, { kind: 'stuck', op: null, reason: 'threw', error: { code: 'RUN_THREW', message: 'x' } }),
  note(7, 60_004, { kind: 'freed', reason: 'resumed' }),
  turn(
    8,
    60_005,
    { kind: 'resume', of: 4 },
    { kind: 'patch', id: 'p-1' },
    { kind: 'call', op: 'undo:shop.do#0', call: 'shop.undo', input: 2, undoes: 'shop.do#0' },
  ),
  turn(
    9,
    60_006,
    { kind: 'cancel', by: 'ann', why: 'fraud' },
    { kind: 'threw', error: { code: 'TypeError', message: 'x' } },
    { kind: 'continue', input: 3 },
    { kind: 'drop', op: 'mail#1' },
    { kind: 'drop', op: 'shop.do#1', settles: true },
    { kind: 'stop', run: 'other' },
    { kind: 'phase', phase: 'undoing' },
    { kind: 'phase', phase: null },
    { kind: 'end', cancelled: { code: 'RUN_CANCELLED', message: 'x' } },
  ),
  turn(
    10,
    60_007,
    { kind: 'something', new: true },
    { kind: 'else', new: true },
    { kind: 'fail', error: { code: 'TERMINAL', message: 'no' } },
    { kind: 'end', output: { ok: true } },
  ),
  note(11, 60_008, { kind: 'action', action: 'retry', op: 'shop.do#0', by: 'ann', why: 'the bank is back' }),
  note(12, 60_009, { kind: 'action', action: 'cancel', op: null, by: 'ann', why: '' }),
  turn(13, 60_010, { kind: 'done', op: 'shop.do#0', payload: 5, by: 'ann', why: 'by phone' }),
  turn(14, 60_011, { kind: 'failed', op: 'b#0', error: { code: 'GONE', message: 'no' }, by: 'bob' }),
  turn(15, 60_012, { kind: 'cancel', by: 'deadline', why: '', forced: true }),
  note(16, 60_013, { kind: 'late', op: 'shop.do#0', attempt: 1, run: 'a~late:shop.do.0:1' }),
  note(17, 60_014, { kind: 'late', op: 'b#0', attempt: 1, run: null, error: { code: 'Error', message: 'no idea' } }),
]

describe('the page of a workflow', () => {
  it('begins with why it waits, then tells turn by turn what came and what was done', () => {
    const journal = [
      turn(
        0,
        2,
        { kind: 'start', seed: 1 },
        { kind: 'set', state: 'paying' },
        { kind: 'call', op: 'payment.charge#0', call: 'payment.charge', input: { total: 13 } },
      ),
      note(1, 20, {
        kind: 'attempt',
        op: 'payment.charge#0',
        attempt: 1,
        error: { code: 'Error', message: 'the bank is away.' },
        ms: 8,
        next: Date.parse(at(220)),
      }),
      turn(
        2,
        1500,
        { kind: 'done', op: 'payment.charge#0', payload: approved, attempt: 2, ms: 12 },
        { kind: 'wait', op: 'receive#0', names: ['signal:approve'] },
      ),
    ]
    expect(timeline(run, journal, style)).toEqual([
      "Waits for the signal approve, 8.5s so far; send it: ballet signal checkout:8841 approve --data '<json>'",
      '',
      'checkout:8841  workflow checkout, version 3, key orderId:8841, running',
      'began 2026-01-31 12:00:00Z; caused by event:shop:e-1',
      'input   {"orderId":"8841","total":13}',
      'state   "paying"',
      '',
      '     +2ms     0  starts',
      '                 → sets its state to "paying"',
      '                 → calls payment.charge#0 {"total":13}',
      '    +20ms        attempt 1 of payment.charge#0 failed after 8ms: Error: the bank is away; again in 200ms',
      '    +1.5s     2  payment.charge#0 answered after 1.5s, attempt 2: payment.approved {"orderId":"8841"}',
      '                 → waits for the signal approve',
      '                 ⌛ waits for the signal approve, 8.5s so far',
    ])
  })

  it('has words for everything that can come and be done', () => {
    const text = timeline({ ...run, waits: [] }, everything, style).slice(7)
    expect(text.map((line) => line.slice(17))).toEqual([
      'starts',
      '→ runs the step mail#0',
      '→ sleeps until 2026-01-31 12:01:00Z',
      'mail#0 failed after 10ms: TERMINAL: no address',
      '→ starts checkout:8841~wrap.0 and waits for it 1',
      'signal cancel {"by":"ann"}',
      '→ emits order.lost {}',
      '→ emits order.paid as 2026-1:paid of bank {}',
      'the time of sleep#0 has come after 1m',
      '→ sends the signal go to other null',
      'event order.shipped from shipping {"a":1}',
      '→ waits for the run other',
      'kept for later: signal late null',
      'stuck (threw): RUN_THREW: x',
      'free again (resumed)',
      'resumed: turn 4 is made again with the mended code',
      '→ takes the way of patch p-1',
      '→ takes back shop.do#0 with shop.undo 2',
      'cancelled by ann (fraud)',
      '→ threw: TypeError: x',
      '→ goes on as a new generation with 3',
      '→ gives up mail#1',
      '→ gives up shop.do#1, and waits to know what there is to take back',
      '→ asks the run other to stop',
      '→ begins to take back what it did',
      '→ has taken back what it did',
      '→ ends as cancelled',
      '{"kind":"something","new":true}',
      '→ {"kind":"else","new":true}',
      '→ fails: TERMINAL: no',
      '→ ends with {"ok":true}',
      'retry shop.do#0, asked for by ann (the bank is back)',
      'cancel the run, asked for by ann',
      'shop.do#0 was answered by ann (by phone): 5',
      'b#0 was failed by bob: GONE: no',
      'cancelled by deadline; its code is run no more',
      'shop.do#0 answered after it had been taken back; the run a~late:shop.do.0:1 takes it back again',
      'b#0 answered after it had been taken back; it stays done: Error: no idea',
    ])
  })

  it('tells its times, its generation, its phase and the commands for what can be done', () => {
    const later = { at: at(5000), deadline: at(70_000), generation: 2 }
    const lines = timeline({ ...run, ...later, phase: 'undoing', waits: [] }, [], style)
    expect(lines.slice(2, 4)).toEqual([
      'checkout:8841  workflow checkout, version 3, key orderId:8841, generation 2, running, undoing',
      'asked for 2026-01-31 12:00:00Z, began 2026-01-31 12:00:05Z, deadline 2026-01-31 12:01:10Z (in 1m); caused by event:shop:e-1',
    ])
    const scheduled = timeline({ ...run, phase: 'scheduled', at: at(20_000), waits: [] }, [], style)
    expect(scheduled[3]).toBe(
      'asked for 2026-01-31 12:00:00Z, begins 2026-01-31 12:00:20Z (in 10s); caused by event:shop:e-1',
    )
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const root = { cause: null, root: 'run:checkout:8841', traceparent }
    expect(timeline({ ...run, ...root }, [], style)[3]).toBe(
      `began 2026-01-31 12:00:00Z; asked for by the span ${traceparent}`,
    )
    const dropped = { status: 'cancelled', at: at(20_000), ended: at(10_000), waits: [] } as const
    expect(timeline({ ...run, ...dropped }, [], style).join('\n')).toContain(
      'asked for 2026-01-31 12:00:00Z, ended 2026-01-31 12:00:10Z; caused',
    )
    const choices = [{ action: 'retry', op: 'a#0' }, { action: 'cancel' }] as const
    const stuck = timeline({ ...run, status: 'stuck', reason: 'call', choices, waits: [] }, [], style)
    expect(stuck.slice(0, 4)).toEqual([
      'Stuck: a call failed, and is not tried again by itself. You can: retry a#0; cancel the run.',
      "  ballet retry checkout:8841 --op 'a#0'",
      '  ballet cancel checkout:8841',
      '',
    ])
  })

  it('tells how the call of a reaction that failed is made anew', () => {
    const reaction = { ...run, kind: 'reaction', name: 'crm:win.reported', call: 'crm.confirmWin', waits: [] } as const
    const failed = { ...reaction, status: 'failed', ended: at(1000), input: { dealId: 'D-1' } } as const
    const second = (view: RunView): string | undefined => timeline(view, [], { ...style, place: ' --store x.db' })[1]
    const behind =
      '--store x.db   # does it anew, under a key of its own; its outcome is published, and the flow goes on'
    expect(second(failed)).toBe(`  ballet start crm.confirmWin --input '{"dealId":"D-1"}' ${behind}`)
    for (const input of ['x'.repeat(300), 'a\u202eb'])
      expect(second({ ...failed, input })).toBe(`  ballet start crm.confirmWin --input '<json>' ${behind}`)
    for (const other of [{ ...failed, call: 'checkout' }, reaction, { ...failed, kind: 'operation' } as const])
      expect(second(other)).toBe('')
  })

  it('tells the whole of an error that has several lines', () => {
    const error = {
      code: 'RUN_DIVERGED',
      message: 'checkout does not repeat its journal, at turn 1:\n  - recorded call a\n  + produced call b',
    }
    const lines = timeline({ ...run, status: 'stuck', reason: 'diverged', error, waits: [] }, [], style)
    expect(lines[0]).toContain(
      'Stuck: its code does not repeat its journal (RUN_DIVERGED: checkout does not repeat its journal, at turn 1).',
    )
    expect(lines.slice(6, 9)).toEqual([
      'error   RUN_DIVERGED: checkout does not repeat its journal, at turn 1',
      '  - recorded call a',
      '  + produced call b',
    ])
  })
})

it('tells what holds up a run that waits for others, and what can be done about it', () => {
  const parent: RunView = { ...run, waits: [] }
  const child: RunView = {
    ...run,
    id: 'checkout:8841~ship.0',
    status: 'stuck',
    reason: 'threw',
    waits: [],
    choices: [{ action: 'cancel' }],
  }
  const lines = timeline(parent, [], { ...style, place: ' --store x.db', below: [child] })
  expect(lines.slice(1, 4)).toEqual([
    'It is held up by checkout:8841~ship.0: Stuck: its code threw. You can: cancel the run.',
    "  ballet cancel 'checkout:8841~ship.0' --store x.db",
    '',
  ])
})

it('tells where in the code of its author a run threw', () => {
  const details = { at: ['body (/shop/checkout.ts:31:9)', '/shop/items.ts:7:3'] }
  const error = { code: 'RUN_THREW', message: 'The code of checkout threw TypeError: x', details }
  const lines = timeline({ ...run, status: 'stuck', reason: 'threw', error, waits: [] }, [], style)
  expect(lines.slice(6, 8)).toEqual(['thrown  body (/shop/checkout.ts:31:9)', 'thrown  /shop/items.ts:7:3'])
})

it('shows the one call of a reaction, whose start has no row', () => {
  const reaction: RunView = {
    ...run,
    id: 'payment:order.created:e-1',
    kind: 'reaction',
    name: 'payment:order.created',
    status: 'completed',
    ended: at(40),
    state: undefined,
    waits: [],
    output: approved,
  }
  const lines = timeline(
    reaction,
    [
      turn(
        0,
        40,
        { kind: 'done', op: 'payment.charge#0', payload: approved, attempt: 1 },
        { kind: 'end', output: approved },
      ),
    ],
    style,
  )
  expect(lines[0]).toBe('Completed in 40ms.')
  expect(lines).toContain('output  payment.approved {"orderId":"8841"}')
  expect(lines.slice(-3)).toEqual([
    '     +0ms        → calls payment.charge#0',
    '    +40ms     0  payment.charge#0 answered after 40ms: payment.approved {"orderId":"8841"}',
    '                 → ends with payment.approved {"orderId":"8841"}',
  ])
})

it('shows the calls of a run that conducts, which begins with an event', () => {
  const conductor: RunView = { ...run, id: 'fulfilment:8841', kind: 'choreography', name: 'fulfilment', waits: [] }
  const op = 'on:payment:order.created/3'
  const call = { kind: 'child', op, run: 'payment:order.created:e-1', call: 'payment.charge', input: null, wait: true }
  const event = { kind: 'event', type: 'order.created', pos: 3, source: 'shop', id: 'e-1', key: '8841', payload: {} }
  const journal = [turn(5, 2, event, call), turn(9, 30, { kind: 'done', op, payload: 'payment.approved' })]
  expect(timeline(conductor, journal, style).slice(-3)).toEqual([
    '     +2ms     5  event order.created from shop {}',
    '                 → calls payment.charge as payment:order.created:e-1',
    '    +30ms     9  on:payment:order.created/3 answered after 28ms: "payment.approved"',
  ])
})

it('lets nothing from a payload act on the terminal, and cuts without cutting a colour', () => {
  const evil = '\u001b[2J\u001b]0;owned\u0007\r\u009b31m\u202e'
  const journal = [
    turn(
      0,
      0,
      { kind: 'signal', name: evil, id: 'x', payload: { [evil]: evil } },
      { kind: 'call', op: evil, call: evil, input: 'x'.repeat(5000) },
    ),
  ]
  const hurt: RunView = {
    ...run,
    id: evil,
    input: { evil },
    error: { code: evil, message: `${evil}\n${evil}` },
    waits: [{ op: 'a', kind: 'receive', for: evil, from: evil, since: at(0), until: null }],
  }
  const plainText = timeline(hurt, journal, style).join('\n')
  expect(plainText).not.toMatch(/[^\P{C}\n]/u)
  const coloured = timeline(hurt, journal, { ...style, paint: paintFor(true, {}) }).join('\n')
  // oxlint-disable-next-line no-control-regex
  expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plainText)
})
