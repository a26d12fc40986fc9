// The monitor of a flow by example: verdicts, endings, deadlines, what is told of an event that does not fit, stored
// states, and the flows that are refused. What it must be in general is compared with an oracle (flow-oracle.test.ts).
import { describe, expect, it } from 'vitest'
import { catalogue, invariant } from './errors.ts'
import { Flow, isBroken, type FlowState } from './flow.ts'
import { limitsOf, type FlowPattern, type FlowRule } from './flow-pattern.ts'
import { showRule } from './flow-rules.ts'
import { hashText } from './hash-text.ts'

const event = (type: string): FlowPattern => ({ kind: 'event', type })
const lift = (part: FlowPattern | string): FlowPattern => (typeof part === 'string' ? event(part) : part)
type Parts = readonly (FlowPattern | string)[]
const seq = (...parts: Parts): FlowPattern => ({ kind: 'seq', parts: parts.map(lift) })
const choice = (...parts: Parts): FlowPattern => ({ kind: 'choice', parts: parts.map(lift) })
const all = (...parts: Parts): FlowPattern => ({ kind: 'all', parts: parts.map(lift) })
const optional = (part: FlowPattern | string): FlowPattern => ({ kind: 'optional', part: lift(part) })
const many = (part: FlowPattern | string): FlowPattern => ({ kind: 'many', part: lift(part) })
const within = (ms: number, part: FlowPattern | string): FlowPattern => ({ kind: 'within', ms, part: lift(part) })
const as = (ending: string, part: FlowPattern | string): FlowPattern => ({ kind: 'as', ending, part: lift(part) })

const order = seq(
  'created',
  choice(
    seq(
      within(30, 'approved'),
      choice(
        as('fulfilled', seq(within(200, 'shipped'), within(10, 'notified'))),
        as('refunded', seq('failed', within(60, 'refunded'), within(10, 'notified'))),
      ),
    ),
    as('declined', seq(within(30, 'declined'), within(10, 'notified'))),
  ),
)
const flowOf = (pattern: FlowPattern, ...rules: readonly FlowRule[]): Flow => new Flow(pattern, rules, 'flow "it"')

/** The state after these events; each comes ten milliseconds after the one before, the first at 10. */
function after(flow: Flow, ...types: readonly string[]): FlowState {
  let state = flow.start(10)
  for (const [index, type] of types.entries()) {
    const next = flow.step(state, type, 10 * index + 10)
    invariant(!isBroken(next), `${type} broke it`)
    state = next
  }
  return state
}

describe('a flow', () => {
  it('moves from the first event to an ending', () => {
    const flow = flowOf(order)
    expect(flow.verdict(flow.start(0))).toEqual({ standing: 'on track', ending: null })
    expect(flow.expected(after(flow, 'created'))).toEqual(['approved', 'declined'])
    expect(flow.endingsLeft(after(flow, 'created', 'approved'))).toEqual(['fulfilled', 'refunded'])
    expect(flow.endingsLeft(after(flow, 'created', 'approved'), new Set(['shipped']))).toEqual(['refunded'])
    const ended = after(flow, 'created', 'approved', 'failed', 'refunded', 'notified')
    expect(flow.verdict(ended)).toEqual({ standing: 'complete', ending: 'refunded' })
    expect(flow.endings).toEqual(['declined', 'fulfilled', 'refunded'])
  })

  it('says what was expected in place of an event that does not fit, and stays as it was', () => {
    const flow = flowOf(order)
    const paid = after(flow, 'created', 'approved')
    expect(flow.step(paid, 'refunded', 1)).toEqual({
      broken: 'refunded',
      expected: ['failed', 'shipped'],
      rule: null,
    })
    const ended = after(flow, 'created', 'declined', 'notified')
    expect(flow.step(ended, 'notified', 1)).toEqual({ broken: 'notified', expected: [], rule: null })
  })

  it('is not moved by what is foreign to it', () => {
    const flow = flowOf(order)
    const state = after(flow, 'created')
    expect(flow.step(state, 'weather', 1)).toBe(state)
    expect(flow.types.has('weather')).toBe(false)
  })

  it('may end and go on', () => {
    const flow = flowOf(seq('a', optional('b')))
    expect(flow.verdict(after(flow, 'a'))).toEqual({ standing: 'may end', ending: 'complete' })
    expect(flow.verdict(after(flow, 'a', 'b'))).toEqual({ standing: 'complete', ending: 'complete' })
  })

  it('keeps the name of a part while others go on', () => {
    const flow = flowOf(all(as('x', 'a'), 'b', many('c')))
    expect(flow.verdict(after(flow, 'a', 'b', 'c'))).toEqual({ standing: 'may end', ending: 'x' })
    const loop = flowOf(seq(as('x', optional('a')), optional(as('x', 'b')), many(as('x', many('c')))))
    expect(loop.verdict(after(loop, 'a', 'b', 'c'))).toEqual({ standing: 'may end', ending: 'x' })
  })

  it('has few places, however often a loop is gone round', () => {
    const flow = flowOf(
      seq(many(choice(seq('a', 'b'), seq('a', 'c'), many('a'))), optional(seq()), many(seq()), all(seq(), seq())),
    )
    expect(flow.places.length).toBeLessThan(5)
    expect(flow.verdict(after(flow, 'a', 'a', 'b', 'a', 'c', 'a'))).toEqual({ standing: 'may end', ending: 'complete' })
  })
})

it('has one place for alternatives, whatever their order', () => {
  const flow = flowOf(choice(seq('x', 'b'), seq('x', 'c'), seq('y', 'c'), seq('y', 'b')))
  expect(after(flow, 'x')).toEqual(after(flow, 'y'))
  const besides = flowOf(choice(seq('x', all('b', 'c')), seq('y', all('c', 'b'))))
  expect(after(besides, 'x')).toEqual(after(besides, 'y'))
})

describe('deadlines', () => {
  it('count from the moment at which their part may begin', () => {
    const flow = flowOf(order)
    expect(flow.deadlines(after(flow, 'created'))).toEqual([{ by: 40, types: ['approved', 'declined'] }])
    expect(flow.deadlines(after(flow, 'created', 'approved', 'failed'))).toEqual([{ by: 90, types: ['refunded'] }])
    expect(flow.deadlines(after(flow, 'created', 'approved'))).toEqual([])
  })

  it('tell two pasts apart that have the same rest', () => {
    const both = flowOf(all(within(60, 'a'), within(120, 'b')))
    expect(both.deadlines(after(both))).toEqual([
      { by: 70, types: ['a'] },
      { by: 130, types: ['b'] },
    ])
    expect(both.deadlines(both.step(after(both), 'a', 50) as FlowState)).toEqual([{ by: 130, types: ['b'] }])
    const oneByOne = flowOf(seq(within(60, 'a'), within(120, 'b')))
    expect(oneByOne.deadlines(oneByOne.step(after(oneByOne), 'a', 50) as FlowState)).toEqual([
      { by: 170, types: ['b'] },
    ])
  })

  it('keep two limits for one event apart', () => {
    const flow = flowOf(seq('a', choice(seq(within(5, 'b'), 'c'), seq(within(50, 'b'), 'd'))))
    // Overdue when neither way is left.
    expect(flow.deadlines(after(flow, 'a'))).toEqual([{ by: 60, types: ['b'] }])
  })

  it('are known in a place by their number in the text, and those of rules by another', () => {
    const pattern = seq('a', within(90, seq(within(30, 'b'), 'c')), within(10, 'd'))
    expect(limitsOf(pattern).map(({ ms }) => ms)).toEqual([90, 30, 10])
    const answered: FlowRule = { kind: 'response', cause: 'b', answer: 'd', ms: 500 }
    const { places } = flowOf(pattern, answered)
    const due = places.map(({ dues }) => dues.map((one) => one.kind === 'limit' && [one.limit, one.ms]))
    expect(due).toEqual([
      [],
      [
        [0, 90],
        [1, 30],
      ],
      [
        [0, 90],
        [-1, 500],
      ],
      [
        [2, 10],
        [-1, 500],
      ],
      [],
    ])
  })

  it('hold for a part as a whole', () => {
    const flow = flowOf(within(100, seq('a', within(10, 'b'), 'c')))
    expect(flow.deadlines(after(flow, 'a'))).toEqual([
      { by: 20, types: ['b'] },
      { by: 110, types: ['b'] },
    ])
    expect(flow.deadlines(after(flow, 'a', 'b'))).toEqual([{ by: 110, types: ['c'] }])
  })

  it('do not wait for what may be left out', () => {
    const flow = flowOf(seq('a', many(within(10, 'b')), as('x', within(50, 'c'))))
    expect(flow.deadlines(after(flow, 'a', 'b'))).toEqual([{ by: 70, types: ['c'] }])
    const optionally = flowOf(seq('a', optional(within(10, 'b'))))
    expect(optionally.deadlines(after(optionally, 'a'))).toEqual([])
  })

  // A round that may be over and the next one that may begin share a limit: the later beginning counts.
  it('count anew in each round of a loop', () => {
    const round = within(100, seq('a', optional(seq('b', 'c'))))
    const flow = flowOf(seq('z', many(round)))
    expect(flow.deadlines(after(flow, 'z', 'a', 'b'))).toEqual([{ by: 120, types: ['c'] }])
    expect(flow.deadlines(after(flow, 'z', 'a', 'a', 'b'))).toEqual([{ by: 130, types: ['c'] }])
  })

  it('of a rule count from the first event that is not answered', () => {
    const answered: FlowRule = { kind: 'response', cause: 'a', answer: 'b', ms: 100 }
    const flow = flowOf(seq(many('a'), many('b')), answered)
    expect(flow.deadlines(after(flow, 'a', 'a', 'a'))).toEqual([{ by: 110, types: ['b'] }])
    expect(flow.verdict(after(flow, 'a', 'a')).standing).toBe('on track')
    expect(flow.deadlines(after(flow, 'a', 'b'))).toEqual([])
    expect(flow.verdict(after(flow, 'a', 'b')).standing).toBe('may end')
  })
})

describe('rules', () => {
  it('forbid, and say so', () => {
    const rules: readonly FlowRule[] = [
      { kind: 'never', event: 'chargeback' },
      { kind: 'after', first: 'refunded', second: 'shipped' },
      { kind: 'precedence', first: 'approved', second: 'shipped' },
      { kind: 'response', cause: 'failed', answer: 'refunded', ms: null },
    ]
    const flow = flowOf(all('approved', many('shipped'), optional('refunded'), optional('failed')), ...rules)
    const words = (state: FlowState, type: string): unknown => {
      const next = flow.step(state, type, 0)
      return isBroken(next) ? next.rule : 'moved'
    }
    expect(words(after(flow, 'approved', 'shipped'), 'shipped')).toBe('moved')
    expect(words(after(flow), 'chargeback')).toBe('chargeback must not come')
    expect(words(after(flow), 'shipped')).toBe('shipped must not come before approved')
    expect(words(after(flow, 'approved', 'refunded'), 'shipped')).toBe('shipped must not come after refunded')
    // It could not be answered any more: the refund has been.
    expect(words(after(flow, 'refunded'), 'failed')).toBe(null)
    expect(showRule(rules[3] as FlowRule)).toBe('failed must be answered by refunded')
  })

  it('can be about events that stand in no pattern', () => {
    const flow = flowOf(seq(many('a'), 'b'), { kind: 'after', first: 'stop', second: 'a' })
    expect(isBroken(flow.step(after(flow, 'a', 'stop'), 'a', 0))).toBe(true)
    expect(isBroken(flow.step(after(flow, 'a', 'stop'), 'b', 0))).toBe(false)
  })
})

describe('a stored state', () => {
  it('comes back as it was', () => {
    const flow = flowOf(order)
    const state = after(flow, 'created', 'approved')
    expect(flow.save(state)).toBe(`${flow.hash} 2 20`)
    expect(flow.load(flow.save(state))).toEqual(state)
    expect(JSON.parse(JSON.stringify(state))).toEqual(state)
  })

  it('of another flow is none of this one', () => {
    const flow = flowOf(order)
    for (const other of [
      flowOf(optional(order)),
      flowOf(order, { kind: 'never', event: 'chargeback' }),
      flowOf(order, { kind: 'response', cause: 'created', answer: 'notified', ms: 5 }),
    ])
      expect(flow.load(other.save(other.start(0)))).toBe(null)
    expect(flowOf(order).load(flow.save(flow.start(0)))).not.toBe(null)
  })

  it.each(['2', '2 x', '2 1e3', '99', '', '2 20 20'])('that is damaged is refused: %j', (rest) => {
    const flow = flowOf(order)
    expect(() => flow.load(`${flow.hash} ${rest}`)).toThrow('a stored state')
  })

  it('that another flow made is refused where that shows', () => {
    expect(() => flowOf(order).verdict({ place: 99, since: [] })).toThrow('not one of its flow')
  })
})

describe('what cannot be a contract', () => {
  const problem = (pattern: FlowPattern, ...rules: readonly FlowRule[]): unknown => {
    try {
      return flowOf(pattern, ...rules)
    } catch (error) {
      return (error as Error).message
    }
  }

  it('is a flow that never ends', () => {
    const endless = catalogue.FLOW_ENDLESS.message.replace('{what}', 'flow "it"')
    expect(problem(seq('a', 'b'), { kind: 'after', first: 'a', second: 'b' })).toBe(endless)
    expect(problem(seq('a'), { kind: 'response', cause: 'a', answer: 'z', ms: null })).not.toBe(endless)
    expect(problem(seq('a', choice()))).toBe(endless)
    expect(problem(all('a', within(5, as('x', seq(choice(), 'b')))))).toBe(endless)
    expect(problem(choice(seq('a', 'b'), 'c'), { kind: 'never', event: 'b' })).toBeInstanceOf(Flow)
  })

  it('is one that could have ended in two ways', () => {
    expect(problem(choice(as('x', seq('a', 'b')), as('y', seq('a', optional('b')))))).toBe(
      'flow "it" is ambiguous: after a, b it could have ended as x or as y.',
    )
    expect(problem(choice(as('x', many('a')), optional('b')))).toBe(
      'flow "it" is ambiguous: after nothing it could have ended as complete or as x.',
    )
  })

  it('is one that names a path twice', () => {
    const twice =
      'flow "it" is ambiguous: one path has two names, x and y, because parts that come together are both named.'
    expect(problem(seq(as('x', 'a'), as('y', 'b')))).toBe(twice)
    expect(problem(many(choice(as('x', 'a'), as('y', 'b'))))).toBe(twice)
    expect(problem(as('y', as('x', 'a')))).toBeInstanceOf(Flow)
  })

  it('is one with too many places', () => {
    const lines = Array.from({ length: 13 }, (_one, index) => event(`e${index}`))
    expect(problem(all(...lines))).toBe('flow "it" is too large: it can stand in more than 5000 places.')
    const alike = Array.from({ length: 16 }, (_one, index) => seq('a', `b${index}`))
    expect(problem(all(...alike))).toBe(
      'flow "it" is too large: it can be read in too many ways: parts side by side begin with the same event.',
    )
  })
})

it('hashes as FNV-1a does', () => {
  expect([hashText(''), hashText('a'), hashText('foobar')]).toEqual([
    'cbf29ce484222325',
    'af63dc4c8601ec8c',
    '85944171f73967e8',
  ])
})
