import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  commandsText,
  firstOpIs,
  parseCommands,
  parseTurn,
  revive,
  turnText,
  type Command,
  type Delivered,
} from './journal.ts'

const words = fc.string({
  unit: fc.oneof(fc.constantFrom('\n', '\0', '"', '\\', '\ud800', '\u2028', '😀'), fc.string()),
})
const json = fc.oneof(fc.jsonValue(), words, fc.dictionary(words, words)).map((value) => JSON.stringify(value))
const perhaps = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(some, { nil: undefined })
const error = fc.record({ code: words, message: words })
/** A record without the fields that are absent. */
const record = <T>(
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  required: readonly (keyof T & string)[],
): fc.Arbitrary<Partial<T>> =>
  fc.record(fields, { requiredKeys: [...required] as never[] }) as unknown as fc.Arbitrary<Partial<T>>

/** Who answered in the place of a service, and why. */
const person = { by: words, why: words }

const deliveries = fc.oneof(
  fc.record({ kind: fc.constant('start'), seed: fc.nat() }),
  record({ kind: fc.constant('done'), op: words, payload: perhaps(json), attempt: fc.nat(), ms: fc.nat(), ...person }, [
    'kind',
    'op',
    'payload',
  ]),
  record({ kind: fc.constant('failed'), op: words, error, attempt: fc.nat(), ...person }, ['kind', 'op', 'error']),
  fc.record({ kind: fc.constant('timer'), op: words }),
  record({ kind: fc.constant('signal'), name: words, id: words, payload: perhaps(json), mail: fc.nat() }, [
    'kind',
    'name',
    'id',
    'payload',
  ]),
  fc.record({
    kind: fc.constant('event'),
    type: words,
    pos: fc.nat(),
    source: words,
    id: words,
    key: words,
    payload: json,
  }),
  record({ kind: fc.constant('cancel'), by: words, why: words, forced: fc.constant(true) }, ['kind', 'by', 'why']),
  fc.record({ kind: fc.constant('resume'), of: fc.nat() }),
) as fc.Arbitrary<Delivered>

const yes = fc.constant(true)
const payload = { input: json, raw: json }
const commands = fc.array(
  fc.oneof(
    record({ kind: fc.constant('call'), op: words, call: words, ...payload, publish: yes, undo: yes, undoes: words }, [
      'kind',
      'op',
      'call',
      'input',
    ]),
    record({ kind: fc.constant('step'), op: words, undo: yes }, ['kind', 'op']),
    fc.record({ kind: fc.constant('sleep'), op: words, due: fc.nat() }),
    record({ kind: fc.constant('wait'), op: words, names: fc.array(words), due: fc.nat() }, ['kind', 'op', 'names']),
    record(
      {
        kind: fc.constant('child'),
        op: words,
        run: words,
        call: words,
        ...payload,
        wait: fc.boolean(),
        undo: yes,
        undoes: words,
      },
      ['kind', 'op', 'run', 'call', 'input', 'wait'],
    ),
    fc.record({ kind: fc.constant('join'), op: words, run: words }),
    record({ kind: fc.constant('emit'), op: words, type: words, key: words, ...payload }, [
      'kind',
      'op',
      'type',
      'key',
      'input',
    ]),
    record({ kind: fc.constant('send'), op: words, run: words, name: words, ...payload }, [
      'kind',
      'op',
      'run',
      'name',
      'input',
    ]),
    fc.record({ kind: fc.constant('set'), state: json }),
    fc.record({ kind: fc.constant('patch'), id: words }),
    record({ kind: fc.constant('drop'), op: words, settles: yes }, ['kind', 'op']),
    fc.record({ kind: fc.constant('stop'), run: words }),
    fc.record({ kind: fc.constant('phase'), phase: fc.constantFrom('undoing', null) }),
    record({ kind: fc.constant('end'), output: perhaps(json), raw: json, cancelled: fc.record(person) }, [
      'kind',
      'output',
    ]),
    fc.record({ kind: fc.constant('fail'), error }),
    fc.record({ kind: fc.constant('threw'), error }),
    record({ kind: fc.constant('continue'), input: json, raw: json, carry: json }, ['kind', 'input', 'carry']),
  ) as fc.Arbitrary<Command>,
  { maxLength: 4 },
)

/** Objects as the engine makes them, with their usual prototype. */
const plain = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T> => some.map((value) => structuredClone(value))

describe('a turn', () => {
  it('comes back from its text as it was, whatever is in it', () => {
    fc.assert(
      fc.property(plain(deliveries), plain(commands), (delivered, issued) => {
        const line = commandsText(issued)
        const text = turnText(delivered, line)
        expect(text.split('\n')).toHaveLength(3)
        expect(text).not.toContain('\0')
        expect(text.isWellFormed()).toBe(true)
        expect(parseTurn(text)).toStrictEqual({ delivered, commandsText: line })
      }),
      { numRuns: 1000 },
    )
  })

  it('is three lines: the delivery, its payload, the commands', () => {
    const delivered: Delivered = { kind: 'done', op: 'payment.charge#0', payload: '{"paid":true}', attempt: 2, ms: 15 }
    expect(turnText(delivered, '[{"kind":"end"}]')).toBe(
      '{"kind":"done","op":"payment.charge#0","attempt":2,"ms":15}\n{"paid":true}\n[{"kind":"end"}]',
    )
    expect(turnText({ kind: 'timer', op: 'sleep#0' }, '[]')).toBe('{"kind":"timer","op":"sleep#0"}\n\n[]')
  })

  it('has once what a run is given and ends with', () => {
    fc.assert(
      fc.property(plain(deliveries), json, plain(commands), (delivered, output, others) => {
        if (!('payload' in delivered)) return
        const given = { ...delivered, payload: output } as Delivered
        const line = commandsText([{ kind: 'end', output }])
        const text = turnText(given, line)
        expect(text.split('\n').slice(1)).toEqual([output, '[{"kind":"end","payload":true}]'])
        expect(parseTurn(text)).toStrictEqual({ delivered: given, commandsText: line })
        // Anything else that it does is written as it is.
        const more = commandsText([...others, { kind: 'set', state: output }, { kind: 'end', output }])
        expect(turnText(given, more).split('\n')[2]).toBe(more)
      }),
    )
    const given: Delivered = { kind: 'done', op: 'a', payload: '{"paid":true}' }
    for (const line of [
      '[{"kind":"end","output":{"paid":null}}]',
      '[{"kind":"end","output":{"paid":true},"raw":{"paid":true}}]',
      '[{"kind":"end"}]',
    ])
      expect(turnText(given, line).split('\n')[2]).toBe(line)
  })

  it('keeps an absent payload apart from null and from an empty text', () => {
    const payloads = [undefined, 'null', '""']
    const texts = payloads.map((text) => turnText({ kind: 'done', op: 'a', payload: text }, '[]'))
    expect(texts.map((text) => parseTurn(text).delivered)).toEqual(
      payloads.map((text) => ({ kind: 'done', op: 'a', payload: text })),
    )
  })
})

describe('the commands of a turn', () => {
  it('are of kinds that are known', () => {
    expect(() => commandsText([{ kind: 'other' } as never])).toThrow('unexpected {"kind":"other"}')
  })

  it('come back as they were', () => {
    fc.assert(
      fc.property(plain(commands), (issued) => {
        expect(parseCommands(commandsText(issued)).map(revive)).toStrictEqual(issued)
        expect(commandsText(parseCommands(commandsText(issued)).map(revive))).toBe(commandsText(issued))
      }),
      { numRuns: 1000 },
    )
  })

  it('say at their beginning which operation the first of them is', () => {
    fc.assert(
      fc.property(plain(commands), words, (issued, other) => {
        const text = commandsText(issued)
        const [first] = issued
        const op = first !== undefined && 'op' in first ? first.op : undefined
        expect(firstOpIs(text, JSON.stringify(op ?? other))).toBe(op !== undefined)
        expect(firstOpIs(text, JSON.stringify(other))).toBe(other === op)
      }),
      { numRuns: 1000 },
    )
    const likeOne = '{"kind":"call","op":"a.b#1"}'
    const text = commandsText([{ kind: 'call', op: 'a.b#0', call: 'a.b', input: `[${likeOne}]` }])
    expect(firstOpIs(text, '"a.b#0"')).toBe(true)
    expect(firstOpIs(text, '"a.b#1"')).toBe(false)
    expect(firstOpIs(`[{"kind":"set","state":[${likeOne}]}]`, '"a.b#1"')).toBe(false)
  })

  it('are an array whose payloads are JSON, not text', () => {
    const call: Command = { kind: 'call', op: 'a.b#0', call: 'a.b', input: '{"x":1}', raw: '{"x":"1"}', undo: true }
    expect(commandsText([])).toBe('[]')
    expect(commandsText([call, { kind: 'set', state: '"paid"' }, { kind: 'end', output: undefined }])).toBe(
      '[{"kind":"call","op":"a.b#0","call":"a.b","undo":true,"input":{"x":1},"raw":{"x":"1"}},{"kind":"set","state":"paid"},{"kind":"end"}]',
    )
    expect(parseCommands(commandsText([call]))).toEqual([
      { kind: 'call', op: 'a.b#0', call: 'a.b', undo: true, input: { x: 1 }, raw: { x: '1' } },
    ])
  })

  it('of an end are its output, and what the workflow returned when its schema made something else of it', () => {
    expect(commandsText([{ kind: 'end', output: '1' }])).toBe('[{"kind":"end","output":1}]')
    expect(commandsText([{ kind: 'end', output: '1', raw: '"1"' }])).toBe('[{"kind":"end","output":1,"raw":"1"}]')
    expect(commandsText([{ kind: 'end', output: undefined, raw: '5' }])).toBe('[{"kind":"end","raw":5}]')
  })

  it('of a cancelled run say who cancelled it, and why', () => {
    const cancelled = { by: 'ann', why: 'changed "her" mind' }
    const line = commandsText([{ kind: 'end', output: '1', raw: '"1"', cancelled }])
    expect(line).toBe('[{"kind":"end","output":1,"raw":"1","cancelled":{"by":"ann","why":"changed \\"her\\" mind"}}]')
    expect(parseCommands(line).map(revive)).toEqual([{ kind: 'end', output: '1', raw: '"1"', cancelled }])
    expect(commandsText([{ kind: 'end', output: undefined, cancelled }])).toMatch(/^\[\{"kind":"end","cancelled":/)
  })

  it.each<[string, Command, string]>([
    ['a call is given up', { kind: 'drop', op: 'a.b#0' }, '{"kind":"drop","op":"a.b#0"}'],
    [
      'a call is given up whose answer is wanted',
      { kind: 'drop', op: 'a.b#0', settles: true },
      '{"kind":"drop","op":"a.b#0","settles":true}',
    ],
    ['a child is to stop', { kind: 'stop', run: 'r1~ship.0' }, '{"kind":"stop","run":"r1~ship.0"}'],
    ['it begins to take back', { kind: 'phase', phase: 'undoing' }, '{"kind":"phase","phase":"undoing"}'],
    ['it is done with that', { kind: 'phase', phase: null }, '{"kind":"phase","phase":null}'],
    [
      'it goes on as a new generation',
      { kind: 'continue', input: '{"n":1}', raw: '{"n":"1"}', carry: '{"mail":{}}' },
      '{"kind":"continue","input":{"n":1},"raw":{"n":"1"},"carry":{"mail":{}}}',
    ],
  ])('say that %s', (_name, command, text) => {
    expect(commandsText([command])).toBe(`[${text}]`)
    expect(parseCommands(`[${text}]`).map(revive)).toEqual([command])
  })
})
