import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commandsText, type Command } from './journal.ts'
import { verify, type Verdict } from './replay.ts'

const charge = (input: string, more: Partial<Extract<Command, { kind: 'call' }>> = {}): Command => ({
  kind: 'call',
  op: 'payment.charge#0',
  call: 'payment.charge',
  input,
  ...more,
})
const step = (op: string): Command => ({ kind: 'step', op })
const compare = (produced: readonly Command[], recorded: readonly Command[]): Verdict =>
  verify(produced, commandsText(recorded))
const diff = (produced: readonly Command[], recorded: readonly Command[]): string => {
  const verdict = compare(produced, recorded)
  return verdict.kind === 'different' ? verdict.diff : `not different but ${verdict.kind}`
}

describe('a turn that does what was recorded', () => {
  it('is the same', () => {
    expect(compare([], [])).toEqual({ kind: 'same' })
    expect(compare([charge('{"a":1}')], [charge('{"a":1}')])).toEqual({ kind: 'same' })
  })

  const base = { kind: 'wait', op: 'receive#0', names: ['signal:approve'] } as const
  it.each<[string, Command, Command]>([
    ['the order of keys', charge('{"a":1,"b":2}'), charge('{"b":2,"a":1}')],
    ['how long it sleeps', { kind: 'sleep', op: 'sleep#0', due: 5 }, { kind: 'sleep', op: 'sleep#0', due: 9 }],
    ['how long it waits', { ...base, due: 5 }, { ...base, due: 9 }],
    ['whether it waits without end', base, { ...base, due: 9 }],
    ['its undo', charge('1', { undo: true }), charge('1')],
    ['whether it publishes', charge('1'), charge('1', { publish: true })],
    ['what the schema made of its input', charge('"5"'), charge('5', { raw: '"5"' })],
    ['what the schema made of its output', { kind: 'end', output: '"5"' }, { kind: 'end', output: '5', raw: '"5"' }],
    [
      'what it hands on',
      { kind: 'continue', input: '1', carry: '{"undos":[]}' },
      { kind: 'continue', input: '1', carry: '{"mail":{}}' },
    ],
    [
      'a default for an output that is absent',
      { kind: 'end', output: undefined },
      { kind: 'end', output: '5', raw: 'null' },
    ],
    [
      'why it failed',
      { kind: 'fail', error: { code: 'A', message: 'a' } },
      { kind: 'fail', error: { code: 'B', message: 'b' } },
    ],
  ])('may differ in %s: what was recorded holds', (_name, produced, recorded) => {
    expect(compare([step('a#0'), produced], [step('a#0'), recorded])).toEqual({
      kind: 'recorded',
      commands: [step('a#0'), recorded],
    })
  })

  it('may do it in another order', () => {
    const recorded = [step('a#0'), charge('1'), step('b#0')]
    expect(compare([step('b#0'), step('a#0'), charge('1')], recorded)).toEqual({ kind: 'recorded', commands: recorded })
    expect(compare([step('b#0'), step('b#0'), charge('1')], recorded).kind).toBe('different')
    expect(compare([step('b#0'), step('a#0')], recorded).kind).toBe('different')
  })

  it('may set another state, or none, and may have lost or gained a patch', () => {
    const set = (state: string): Command => ({ kind: 'set', state })
    const patch: Command = { kind: 'patch', id: 'v2' }
    expect(compare([set('"b"'), step('a#0')], [set('"a"'), step('a#0')]).kind).toBe('recorded')
    expect(compare([step('a#0')], [set('"a"'), patch, step('a#0')])).toEqual({
      kind: 'recorded',
      commands: [set('"a"'), patch, step('a#0')],
    })
    expect(compare([patch, set('1'), step('a#0')], [step('a#0')]).kind).toBe('recorded')
    expect(compare([step('a#0')], [{ kind: 'phase', phase: 'undoing' }, step('a#0')]).kind).toBe('recorded')
  })
})

describe('a turn that does something else', () => {
  const wait = { kind: 'wait', op: 'receive#0', names: ['signal:a', 'signal:b'] } as const
  const child = { kind: 'child', op: 'ship#0', run: 'r1~ship.0', call: 'ship', input: '1', wait: true } as const
  const emit = { kind: 'emit', op: 'emit:a#0', type: 'a', key: 'orderId:1', input: '1' } as const
  const send = { kind: 'send', op: 'send:a#0', run: 'r1~ship.0', name: 'a', input: '1' } as const

  it.each<[string, Command, Command]>([
    ['another kind', step('payment.charge#0'), charge('1')],
    ['another operation', charge('1', { op: 'payment.charge#1' }), charge('1')],
    ['another call', charge('1', { call: 'payment.take' }), charge('1')],
    ['another input', charge('1'), charge('2')],
    ['another input before the schema', charge('"6"'), charge('5', { raw: '"5"' })],
    ['other names', { ...wait, names: ['signal:a'] }, wait],
    ['another child', { ...child, run: 'r1~ship.1' }, child],
    ['a child that is waited for', { ...child, wait: false }, child],
    ['another event', { ...emit, type: 'b' }, emit],
    ['another key', { ...emit, key: 'orderId:2' }, emit],
    ['another signal', { ...send, name: 'b' }, send],
    ['another receiver', { ...send, run: 'r1~ship.1' }, send],
    ['another run to join', { kind: 'join', op: 'join:a#0', run: 'a' }, { kind: 'join', op: 'join:a#0', run: 'b' }],
    ['another output', { kind: 'end', output: '1' }, { kind: 'end', output: '2' }],
    ['no output', { kind: 'end', output: undefined }, { kind: 'end', output: '2' }],
    ['another call that is given up', { kind: 'drop', op: 'a#0' }, { kind: 'drop', op: 'b#0' }],
    ['whether its answer is still wanted', { kind: 'drop', op: 'a#0', settles: true }, { kind: 'drop', op: 'a#0' }],
    ['another child that is to stop', { kind: 'stop', run: 'a' }, { kind: 'stop', run: 'b' }],
    [
      'another input of the next generation',
      { kind: 'continue', input: '1', carry: '{}' },
      { kind: 'continue', input: '2', carry: '{}' },
    ],
    ['an end instead of a new generation', { kind: 'end', output: '1' }, { kind: 'continue', input: '1', carry: '{}' }],
    [
      'an end instead of a failure',
      { kind: 'end', output: undefined },
      { kind: 'fail', error: { code: 'A', message: '' } },
    ],
  ])('is different: %s', (_name, produced, recorded) => {
    expect(compare([produced], [recorded]).kind).toBe('different')
  })

  it('is told with what is missing and what is new', () => {
    expect(diff([step('a#0'), charge('{"b":2,"a":1}'), step('c#0')], [step('a#0'), step('b#0'), step('c#0')])).toBe(
      [
        '  = step "a#0"',
        '  - recorded step "b#0"',
        '  + produced call "payment.charge#0" "payment.charge" {"a":1,"b":2}',
        '  = step "c#0"',
      ].join('\n'),
    )
    expect(diff([], [step('a#0')])).toBe('  - recorded step "a#0"')
    expect(diff([wait], [])).toBe('  + produced wait "receive#0" ["signal:a","signal:b"]')
  })
})

describe('a difference', () => {
  const steps = (from: number, to: number): Command[] =>
    Array.from({ length: to - from }, (_, n) => step(`s#${from + n}`))

  it('is seen behind any number of commands that are the same', () => {
    expect(diff([...steps(0, 500), step('x#0'), step('z#0')], [...steps(0, 500), step('y#0'), step('z#0')])).toBe(
      [
        '  … 497 the same',
        '  = step "s#497"',
        '  = step "s#498"',
        '  = step "s#499"',
        '  - recorded step "y#0"',
        '  + produced step "x#0"',
        '  = step "z#0"',
      ].join('\n'),
    )
  })

  it('is seen before any number of commands that are the same', () => {
    const lines = diff([step('x#0'), ...steps(0, 100)], [step('y#0'), ...steps(0, 100)]).split('\n')
    expect(lines.slice(0, 3)).toEqual(['  - recorded step "y#0"', '  + produced step "x#0"', '  = step "s#0"'])
    expect(diff([...steps(0, 100), step('x#0')], steps(0, 100)).split('\n')).toEqual([
      '  … 97 the same',
      ...steps(97, 100).map((command) => `  = step "${'op' in command && command.op}"`),
      '  + produced step "x#0"',
    ])
  })

  it('is cut after 40 lines', () => {
    const lines = diff(steps(0, 300), []).split('\n')
    expect(lines).toHaveLength(41)
    expect(lines.slice(-2)).toEqual(['  + produced step "s#39"', '  …'])
    expect(diff(steps(0, 40), []).split('\n')).toHaveLength(40)
  })

  it('is seen within a long input, however much of it is the same', () => {
    const input = (end: string): string => JSON.stringify({ list: 'x'.repeat(100_000), end })
    const text = diff([charge(input('mine'))], [charge(input('theirs'))])
    const [recorded = '', produced = ''] = text.split('\n')
    expect(recorded).toMatch(/^ {2}- recorded call "payment\.charge#0" "payment\.charge" \{"end":"theirs",.*…$/)
    expect(produced).toMatch(/^ {2}\+ produced call "payment\.charge#0" "payment\.charge" \{"end":"mine",.*…$/)
    const late = diff(
      [charge(JSON.stringify({ a: 'x'.repeat(500), end: 'mine' }))],
      [charge(JSON.stringify({ a: 'x'.repeat(500), end: 'theirs' }))],
    )
    expect(late).toMatch(
      /- recorded call "payment\.charge#0" .*…x+","end":"theirs"\}\n {2}\+ produced call .*…x+","end":"mine"\}$/,
    )
    const middle = (word: string): Command => charge(JSON.stringify(`${'x'.repeat(500)}${word}${'y'.repeat(500)}`))
    const between = diff([middle('mine')], [middle('theirs')])
    expect(between).toMatch(/- recorded call "payment\.charge#0" .*…x+theirsy+…\n {2}\+ produced call .*…x+miney+…$/)
    expect(Math.max(text.length, late.length, between.length)).toBeLessThan(600)
  })

  it('is a long input that is missing', () => {
    const text = diff([], [charge(JSON.stringify('x'.repeat(100_000)))])
    expect(text).toMatch(/^ {2}- recorded call "payment\.charge#0" "payment\.charge" "x+…$/)
    expect(text.length).toBeLessThan(300)
  })

  it('is seen beside a long input that is the same', () => {
    const long = charge(JSON.stringify('x'.repeat(100_000)))
    const text = diff([long, step('a#0')], [long, step('b#0')])
    expect(text).toContain('  - recorded step "b#0"\n  + produced step "a#0"')
    expect(text.length).toBeLessThan(1000)
  })

  it('is found exactly when the effects differ, and lists both sides whole and in order', () => {
    const few = fc.array(
      fc.nat(3).map((n) => step(`s#${n}`)),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(few, few, (produced, recorded) => {
        const verdict = compare(produced, recorded)
        const isSame = JSON.stringify(produced) === JSON.stringify(recorded)
        const sorted = (commands: readonly Command[]): string[] =>
          commands.map((command) => JSON.stringify(command)).sort()
        const isSameSet = JSON.stringify(sorted(produced)) === JSON.stringify(sorted(recorded))
        expect(verdict.kind).toBe(isSame ? 'same' : isSameSet ? 'recorded' : 'different')
        if (verdict.kind !== 'different' || verdict.diff.includes('…')) return
        const lines = verdict.diff
          .split('\n')
          .map((line) => /^ {2}([-=+]) (?:recorded |produced )?step "(.*)"$/.exec(line) ?? ['', '', line])
        const side = (marks: string): string[] =>
          lines.filter(([, mark]) => marks.includes(mark as string)).map(([, , op]) => op as string)
        expect(side('=')).toHaveLength(common(produced, recorded))
        expect(side('=-')).toEqual(recorded.map((command) => 'op' in command && command.op))
        expect(side('=+')).toEqual(produced.map((command) => 'op' in command && command.op))
      }),
      { numRuns: 500 },
    )
  })
})

/** The length of the longest list that is a part of both, by the definition. */
function common(left: readonly Command[], right: readonly Command[]): number {
  const [first, ...others] = left
  if (first === undefined || right.length === 0) return 0
  const at = right.findIndex((command) => JSON.stringify(command) === JSON.stringify(first))
  const without = common(others, right)
  return at === -1 ? without : Math.max(without, 1 + common(others, right.slice(at + 1)))
}
