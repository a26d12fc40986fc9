import { expect, test } from 'vitest'
import type { JournalView, RunView } from './shown.ts'
import { rowsOf, scaleOf, type Row } from './spans.ts'
import { at, note, runView, time, turn } from './views-in-tests.ts'

const call = { kind: 'call', op: 'payment.charge#0', call: 'payment.charge', input: {} }
const failure = { code: 'Error', message: 'away' }

const rows = (run: RunView, journal: readonly JournalView[]): readonly Row[] =>
  rowsOf([run], new Map([[run.id, journal]]))

/** Kind, beginning and end of each span, in milliseconds from the beginning of the run. */
const told = (row: Row | undefined): readonly string[] =>
  (row?.spans ?? []).map(({ kind, from, to }) => `${kind} ${from - time(0)}-${to === null ? '' : to - time(0)}`)

test('each attempt of a call is a bar, with the time between them', () => {
  const found = rows(runView({ status: 'completed', ended: at(900) }), [
    turn(0, { kind: 'start' }, [call]),
    note(120, { kind: 'attempt', op: 'payment.charge#0', attempt: 1, ms: 100, error: failure, next: time(320) }),
    turn(400, { kind: 'done', op: 'payment.charge#0', attempt: 2, ms: 80, payload: {} }),
  ])
  expect(found.map(({ label, isWhole }) => [label, isWhole])).toEqual([
    ['checkout', true],
    ['payment.charge#0', false],
  ])
  expect(told(found[0])).toEqual(['whole 0-900'])
  expect(told(found[1])).toEqual(['wait 0-20', 'failed 20-120', 'wait 120-320', 'done 320-400'])
})

test('a call at which the run is stuck goes on, as stuck', () => {
  const run = runView({
    status: 'stuck',
    reason: 'call',
    choices: [{ action: 'retry', op: 'payment.charge#0' }],
    waits: [
      {
        op: 'payment.charge#0',
        kind: 'call',
        for: 'payment.charge',
        from: 'payment',
        since: at(0),
        until: null,
        attempt: { number: 1, error: failure, next: null },
      },
    ],
  })
  const found = rows(run, [
    turn(0, { kind: 'start' }, [call]),
    note(50, { kind: 'attempt', op: 'payment.charge#0', attempt: 1, ms: 50, error: failure, next: null }),
    note(50, { kind: 'stuck', op: 'payment.charge#0', reason: 'call', error: failure }),
  ])
  expect(told(found[1]).at(0)).toBe('failed 0-50')
  expect(told(found[1]).at(-1)).toBe('stuck 50-')
})

test('a call that waits for a place is not under way', () => {
  const wait = {
    op: 'payment.charge#0',
    kind: 'call',
    for: 'payment.charge',
    from: 'payment',
    since: at(0),
    until: null,
  } as const
  const place = { at: 'payment', limit: '2 at once', before: 3 }
  const shownSpans = (waits: RunView['waits']): readonly string[] =>
    rows(runView({ waits }), [turn(0, { kind: 'start' }, [call])]).flatMap(({ spans }) =>
      spans.map(({ kind, words }) => `${kind} ${words}`),
    )
  expect(shownSpans([wait])).toEqual(['whole running', 'open goes on'])
  expect(shownSpans([{ ...wait, place }])).toEqual(['whole running', 'wait waits for a place'])
})

test('what was awaited and has come, was given up, or is not awaited any more', () => {
  const found = rows(runView({ status: 'completed', ended: at(500) }), [
    turn(0, { kind: 'start' }, [
      { kind: 'wait', op: 'receive#0', names: ['signal:approve'] },
      { kind: 'wait', op: 'receive#1', names: ['signal:stop', 'event:order.lost'] },
      call,
    ]),
    turn(200, { kind: 'signal', op: 'receive#0', name: 'approve' }, [{ kind: 'drop', op: 'payment.charge#0' }]),
  ])
  expect(found.slice(1).map(({ label }) => label)).toEqual(['approve', 'stop | order.lost', 'payment.charge#0'])
  expect(found.slice(1).map(told)).toEqual([['wait 0-200'], ['wait 0-500'], ['wait 0-200']])
})

test('a run of one call is one row', () => {
  const run = runView({
    id: 'r',
    kind: 'reaction',
    name: 'payment:order.created',
    call: 'payment.charge',
    ended: at(40),
  })
  const found = rows({ ...run, status: 'completed' }, [
    turn(40, { kind: 'done', op: 'payment.charge#0', attempt: 1, ms: 30, payload: {} }, [{ kind: 'end' }]),
  ])
  expect(found.map(({ label, detail, depth }) => [label, detail, depth])).toEqual([
    ['payment.charge', 'reacts to order.created', 0],
  ])
  expect(told(found[0])).toEqual(['wait 0-10', 'done 10-40'])
})

test('long stretches in which nothing is tried are drawn short, and times stay in order', () => {
  const found = rows(runView({ status: 'completed', ended: at(100_200) }), [
    turn(0, { kind: 'start' }, [call, { kind: 'sleep', op: 'sleep#0', due: time(100_100) }]),
    turn(100, { kind: 'done', op: 'payment.charge#0', attempt: 1, ms: 100, payload: {} }),
    turn(100_100, { kind: 'timer', op: 'sleep#0' }, [{ ...call, op: 'payment.charge#1' }]),
    turn(100_200, { kind: 'done', op: 'payment.charge#1', attempt: 1, ms: 100, payload: {} }),
  ])
  const scale = scaleOf(found, time(100_200), true)
  expect(scale.gaps.map(({ ms }) => ms)).toEqual([100_000])
  const places = [0, 50, 100, 50_000, 100_100, 100_150, 100_200].map((ms) => scale.at(time(ms)))
  expect(places).toEqual(places.toSorted((one, other) => one - other))
  expect(scale.at(time(100))).toBeGreaterThan(0.4)
  expect(scale.at(time(100_200))).toBeCloseTo(1)
  const real = scaleOf(found, time(100_200), false)
  expect(real.gaps).toEqual([])
  expect(real.at(time(100))).toBeLessThan(0.01)
})

test('without rows there is a scale all the same', () => {
  expect(scaleOf([], time(0), true).at(time(0))).toBe(0)
})
