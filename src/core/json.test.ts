import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BalletError } from './errors.ts'
import { TEXT_LIMIT, bothTexts, canonicalText, fromText, isRecord, toText } from './json.ts'

function refusal(value: unknown): BalletError {
  try {
    toText(value, 'the output of workflow "checkout"')
  } catch (error) {
    if (error instanceof BalletError) return error
    throw error
  }
  throw new Error('it was accepted')
}

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, flip: () => boolean): unknown {
  if (Array.isArray(value)) return value.map((part) => shuffled(part, flip))
  if (!isRecord(value)) return value
  const keys = Object.keys(value)
  if (flip()) keys.reverse()
  const half = flip() ? Math.floor(keys.length / 2) : 0
  const entries = [...keys.slice(half), ...keys.slice(0, half)].map((key) => [key, shuffled(value[key], flip)] as const)
  return Object.fromEntries(entries)
}

describe('the text of a value', () => {
  it('comes back as the value, and is one line without NUL and lone surrogates', () => {
    const strings = fc.string({
      unit: fc.oneof(fc.constantFrom('\n', '\0', '\ud800', '\udfff', '\u2028', '😀'), fc.string()),
    })
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), strings, fc.dictionary(strings, strings)), (value) => {
        const text = toText(value, 'a value')
        expect(fromText(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(text).not.toMatch(/[\n\r\0]/)
        expect(text?.isWellFormed()).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('is absent for undefined, and comes back as undefined', () => {
    expect(toText(undefined, 'a value')).toBeUndefined()
    expect(fromText(undefined)).toBeUndefined()
    expect(fromText('null')).toBeNull()
  })

  it('is what JSON makes of a Date, a class and an absent field', () => {
    class Money {
      readonly cents = 5
    }
    expect(toText({ at: new Date(0), price: new Money(), none: undefined }, 'a value')).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","price":{"cents":5}}',
    )
  })

  it.each([
    ['characters of one byte', 'x', 1],
    ['of two', 'é', 2],
    ['of three', '語', 3],
    ['of four, in pairs', '😀', 4],
    ['escapes', '\n', 2],
  ])('has 32 MiB and not one byte more, in %s', (_what, unit, bytes) => {
    const rest = TEXT_LIMIT - 2
    const most = unit.repeat(Math.floor(rest / bytes)) + 'x'.repeat(rest % bytes)
    const text = toText(most, 'a value')
    expect(text).toBe(JSON.stringify(most))
    expect(new TextEncoder().encode(text)).toHaveLength(TEXT_LIMIT)
    const error = refusal(`${most}x`)
    expect([error.code, error.status]).toEqual(['PAYLOAD_TOO_LARGE', 413])
    expect(error.details).toEqual({
      what: 'the output of workflow "checkout"',
      size: TEXT_LIMIT + 1,
      limit: TEXT_LIMIT,
    })
  })

  it('has 500 levels and not one more, whatever stands in its strings', () => {
    const deep = (levels: number, leaf: string): string =>
      `${'{"a":['.repeat(levels / 2)}${leaf}${']}'.repeat(levels / 2)}`
    for (const leaf of ['0', JSON.stringify('[{"'.repeat(600))]) {
      const text = deep(500, leaf)
      expect(toText(JSON.parse(text), 'a value')).toBe(text)
      expect(() => toText(JSON.parse(deep(502, leaf)), 'a value')).toThrow('it is nested deeper than 500 levels')
    }
    const wide = JSON.stringify(Array.from({ length: 2000 }, () => [{}]))
    expect(toText(JSON.parse(wide), 'a value')).toBe(wide)
    expect(canonicalText(JSON.parse(deep(500, '0')))).toBe(deep(500, '0'))
  })

  it('is a fresh value each time it is read', () => {
    const text = toText({ items: [1] }, 'a value')
    expect(fromText(text)).not.toBe(fromText(text))
  })

  it.each([
    ['a bigint', { amount: 1n }, 'Do not know how to serialize a BigInt'],
    ['a function', () => 1, 'it is a function or a symbol'],
    ['a symbol', Symbol('a'), 'it is a function or a symbol'],
  ])('is refused for %s', (_name, value, problem) => {
    expect(refusal(value)).toMatchObject({
      code: 'VALUE_NOT_JSON',
      message: `the output of workflow "checkout" cannot be stored as JSON: ${problem}.`,
    })
  })

  it('is refused for a cycle, with the first line of the reason only', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const { details } = refusal(cycle)
    expect(details['problem']).toBe('Converting circular structure to JSON')
  })

  it('is refused for a value that throws when it is read, whatever it throws', () => {
    const throwing = (thrown: unknown): unknown => ({
      toJSON(): never {
        throw thrown
      },
    })
    expect(refusal(throwing('just words')).details['problem']).toBe('just words')
    expect(refusal(throwing(Object.assign(new Error('x'), { message: 5 }))).details['problem']).toBe('5')
    expect(refusal(throwing(Object.create(null))).code).toBe('VALUE_NOT_JSON')
  })
})

describe('the canonical text', () => {
  it('is the same whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.infiniteStream(fc.boolean()), (value, flips) => {
        const other = shuffled(value, () => flips.next().value as boolean)
        expect(canonicalText(other)).toBe(canonicalText(value))
      }),
      { numRuns: 500 },
    )
  })

  it('differs when the values differ', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
        const same = (text: unknown): unknown => JSON.parse(JSON.stringify(text))
        let isEqual = true
        try {
          expect(same(left)).toStrictEqual(same(right))
        } catch {
          isEqual = false
        }
        expect(canonicalText(left) === canonicalText(right)).toBe(isEqual)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps the order of arrays, sorts at every depth and leaves out absent fields', () => {
    expect(canonicalText({ b: [{ d: 1, c: 2 }, 3], a: undefined, A: null })).toBe('{"A":null,"b":[{"c":2,"d":1},3]}')
    const many = Object.fromEntries(Array.from('tsrqponmlkjihgfedcba', (key) => [key, 1]))
    expect(canonicalText(many)).toBe(`{${Array.from('abcdefghijklmnopqrst', (key) => `"${key}":1`).join()}}`)
    expect(canonicalText([2, 1])).toBe('[2,1]')
  })

  it('is what JSON makes of a value whose keys are sorted, whatever stands in it', () => {
    const oracle = (value: unknown): string =>
      JSON.stringify(value, (_key, part: unknown) => {
        if (part === null || typeof part !== 'object' || Array.isArray(part)) return part
        return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      })
    // Not named __proto__, which the oracle would lose; its own test is below.
    const value = fc.jsonValue().filter((one) => !JSON.stringify(one).includes('__proto__'))
    fc.assert(
      fc.property(value, (one) => {
        expect(canonicalText(one)).toBe(oracle(one))
      }),
      { numRuns: 500 },
    )
    class Point {
      readonly y = 1
      readonly x = -0
    }
    const odd: readonly unknown[] = [
      new Point(),
      [new Date(0), { at: new Date(0) }],
      { toJSON: () => ({ b: 1, a: 2 }) },
      { b: 1, 10: 'ten', 9: 'nine', a: [{ 2: 0 }] },
      Object.assign(Object.create(null), { b: 1, a: '"\\\n\ud800' }),
      [undefined, () => 1, Number.NaN],
      {},
      [],
    ]
    for (const one of odd) expect(canonicalText(one)).toBe(oracle(one))
  })

  it('keeps a key named __proto__', () => {
    expect(canonicalText(JSON.parse('{"b":1,"__proto__":{"z":1,"y":2}}'))).toBe('{"__proto__":{"y":2,"z":1},"b":1}')
  })

  it('is a text for undefined too', () => {
    expect(canonicalText(undefined)).toBe('undefined')
  })
})

describe('the texts of a value that a schema has let in', () => {
  it.each<[string, unknown, unknown, object]>([
    ['the same', { a: 1 }, { a: 1 }, { text: '{"a":1}' }],
    ['the keys in another order', { a: 1, b: 2 }, { b: 2, a: 1 }, { text: '{"a":1,"b":2}' }],
    ['another value of the same length', { a: 1 }, { a: 2 }, { text: '{"a":2}', raw: '{"a":1}' }],
    ['another value', { a: '1', b: 2 }, { a: 1 }, { text: '{"a":1}', raw: '{"a":"1","b":2}' }],
    ['a default for nothing', undefined, { a: 1 }, { text: '{"a":1}', raw: 'null' }],
    ['nothing of a value', { a: 1 }, undefined, { text: undefined, raw: '{"a":1}' }],
    ['null of nothing', undefined, null, { text: 'null', raw: 'null' }],
    ['nothing of nothing', undefined, undefined, { text: undefined }],
    ['the text of a date', new Date(0), new Date(0), { text: '"1970-01-01T00:00:00.000Z"' }],
  ])('%s', (_name, given, made, texts) => {
    expect(bothTexts(given, () => made, 'a value')).toEqual(texts)
  })

  it('are those of before and behind a schema that fills in what it was given', () => {
    const given: { a: number; b?: number } = { a: 1 }
    const fill = () => Object.assign(given, { b: 2 })
    expect(bothTexts(given, fill, 'a value')).toEqual({ text: '{"a":1,"b":2}', raw: '{"a":1}' })
  })

  it('are refused when one of them is no JSON', () => {
    expect(() => bothTexts(1n, () => '1', 'the output')).toThrow('the output cannot be stored as JSON')
    expect(() => bothTexts('1', () => 1n, 'the output')).toThrow('the output cannot be stored as JSON')
  })
})

it('a record is an object that is no array', () => {
  expect([{}, Object.create(null), { a: 1 }].map(isRecord)).toEqual([true, true, true])
  expect([null, undefined, [], 'a', 5, () => {}].map(isRecord)).toEqual([false, false, false, false, false, false])
})
