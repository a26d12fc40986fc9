import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BalletError, type ErrorCode } from './errors.ts'
import { JSON_LIMITS, parseJson, type JsonLimits } from './json-guard.ts'

/** The error that a text is refused with; undefined when it is accepted. */
function verdict(text: string, limits?: JsonLimits): BalletError | undefined {
  try {
    parseJson(text, limits)
    return undefined
  } catch (error) {
    if (error instanceof BalletError) return error
    throw error
  }
}

function refusal(text: string, limits?: JsonLimits): BalletError {
  const error = verdict(text, limits)
  expect(error).toBeDefined()
  return error as BalletError
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('a valid text', () => {
  it('comes out as JSON.parse makes it, whatever it holds', () => {
    const json = fc.oneof(
      fc.json({ maxDepth: 6 }),
      fc.jsonValue({ maxDepth: 6 }).map((value) => JSON.stringify(value, null, 2)),
    )
    fc.assert(
      fc.property(json, (text) => {
        fc.pre(!text.includes('__proto__'))
        expect(parseJson(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps every value, also NUL, lone surrogates, empty keys and the names of built-in fields', () => {
    const text =
      '{"nul":"\\u0000","half":"\\ud800","":1,"constructor":{"prototype":-0.5e-3},"\\u005f":[true,false,null]}'
    expect(parseJson(text)).toEqual(JSON.parse(text))
    expect(Object.keys(parseJson('{"toString":1,"hasOwnProperty":2}') as object)).toEqual([
      'toString',
      'hasOwnProperty',
    ])
  })

  it('may have white space everywhere', () => {
    expect(parseJson(' \t\r\n{ "a" : [ 1 , 2 , [ ] , { } ] } \n')).toEqual({ a: [1, 2, [], {}] })
    expect(parseJson(' 7 ')).toBe(7)
  })
})

describe('a malformed text', () => {
  it('is refused when JSON.parse refuses it, and only then as malformed', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '"\\u00e',
      '\\',
      '1',
      '-',
      '.5',
      '01',
      '1e',
      'true',
      'nul',
      ' ',
      '\n',
      '\u0001',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        let parses = true
        try {
          JSON.parse(text)
        } catch {
          parses = false
        }
        const code = verdict(text)?.code
        // A number or a key that is refused may stand before what is malformed.
        const isMalformed =
          code === 'JSON_MALFORMED' || (!parses && /^JSON_(?:NUMBER_LOSSY|KEY_REPEATED)$/.test(code ?? ''))
        expect(isMalformed).toBe(!parses)
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['', 'it ends too early at line 1, column 1'],
    ['{"a":1', 'it ends too early at line 1, column 7'],
    ['{"a":1,}', 'unexpected "}" at line 1, column 8'],
    ['{"a":1,\n "b" 2}', 'unexpected "2" at line 2, column 6'],
    ['{a:1}', 'unexpected "a" at line 1, column 2'],
    ['[1,]', 'unexpected "]" at line 1, column 4'],
    ['[1 2]', 'unexpected "2" at line 1, column 4'],
    ['[1}', 'unexpected "}" at line 1, column 3'],
    ['"a\nb"', 'unexpected "\\n" at line 1, column 3'],
    ['"\\x"', 'unexpected "\\\\" at line 1, column 2'],
    ['1 2', 'unexpected "2" at line 1, column 3'],
    ['NaN', 'unexpected "N" at line 1, column 1'],
    ['[😀]', 'unexpected "😀" at line 1, column 2'],
  ])('%j names the position', (text, problem) => {
    expect(refusal(text)).toMatchObject({ code: 'JSON_MALFORMED', details: { problem } })
  })
})

describe('limits', () => {
  const small: JsonLimits = { depth: 64, keys: 2, items: 3, parts: 8, characters: 4 }

  it.each<[string, string, string, JsonLimits, ErrorCode]>([
    ['depth', nested(64), nested(65), JSON_LIMITS, 'JSON_TOO_DEEP'],
    [
      'depth of objects',
      '{"a":'.repeat(64) + '1' + '}'.repeat(64),
      '{"a":'.repeat(65) + '1' + '}'.repeat(65),
      JSON_LIMITS,
      'JSON_TOO_DEEP',
    ],
    ['keys', '{"a":1,"b":2}', '{"a":1,"b":2,"c":3}', small, 'JSON_TOO_MANY'],
    ['parts in all', '[[1,2],{"a":3}]', '[[1,2],{"a":[]}]', small, 'JSON_TOO_MANY'],
    ['items', '[[1,2,3]]', '[[1,2,3,4]]', small, 'JSON_TOO_MANY'],
    ['characters', '"abcd"', '"abcde"', small, 'JSON_TOO_MANY'],
    ['characters of a key', '{"abcd":1}', '{"abcde":1}', small, 'JSON_TOO_MANY'],
  ])('%s', (_name, within, over, limits, code) => {
    expect(parseJson(within, limits)).toEqual(JSON.parse(within))
    expect(refusal(over, limits).code).toBe(code)
  })

  it('are 10,000 keys, 100,000 items, 150,000 parts in all and a million characters', () => {
    const object = (keys: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, n) => [`k${n}`, n])))
    const array = (items: number): string => JSON.stringify(Array.from({ length: items }, () => 0))
    parseJson(object(10_000))
    parseJson(array(100_000))
    parseJson(`[${array(100_000)},${array(49_995)}]`)
    parseJson(JSON.stringify('x'.repeat(1_048_576)))
    expect(refusal(`[${array(100_000)},${array(49_996)}]`).message).toBe(
      'There are more than 150000 fields, items, arrays and objects at the top.',
    )
    expect(refusal(object(10_001)).message).toBe('There are more than 10000 keys at the top.')
    expect(refusal(`{"list":${array(100_001)}}`).message).toBe('There are more than 100000 items at list.')
    expect(refusal(JSON.stringify('x'.repeat(1_048_577))).code).toBe('JSON_TOO_MANY')
  })

  it('stop a bomb of 5 million brackets where it passes them', () => {
    const deep = '['.repeat(5_000_000)
    const wide = `[${'[],'.repeat(1_700_000)}`
    const start = performance.now()
    expect(refusal(deep).code).toBe('JSON_TOO_DEEP')
    const deepMs = performance.now() - start
    expect(refusal(wide).code).toBe('JSON_TOO_MANY')
    // The bomb itself costs microseconds; the bound leaves room for a busy machine.
    expect(deepMs).toBeLessThan(50)
  })
})

describe('keys', () => {
  it.each([
    ['{"__proto__":1}', '__proto__'],
    ['{"input":{"items":[{},{"__proto__":{"admin":true}}]}}', 'input.items.1.__proto__'],
    ['{"input":{"\\u005f_proto_\\u005F":null}}', 'input.__proto__'],
  ])('%s is refused with its path', (text, path) => {
    expect(refusal(text)).toMatchObject({ code: 'JSON_KEY_FORBIDDEN', details: { key: '__proto__', path } })
  })

  it('may not stand twice in one object, however they are written', () => {
    expect(refusal('{"a":{"amount":1,"\\u0061mount":2}}')).toMatchObject({
      code: 'JSON_KEY_REPEATED',
      details: { key: 'amount', path: 'a.amount' },
    })
    expect(parseJson('[{"a":1},{"a":{"a":2}}]')).toEqual([{ a: 1 }, { a: { a: 2 } }])
  })

  it('that are written with an escape are read as they are, whatever keys were read before', () => {
    expect(Object.keys(parseJson('{"a":1,"\\\\":2}') as object)).toEqual(['a', '\\'])
    for (const [written, key] of [
      ['\\n', '\n'],
      ['\\"', '"'],
      ['\\u0041', 'A'],
    ] as const) {
      expect(Object.keys(parseJson(`{"a":1,"${written}":2}`) as object)).toEqual(['a', key])
    }
    expect(refusal('{"a":1,"\\\\":2,"\\u005c":3}').code).toBe('JSON_KEY_REPEATED')
    expect(refusal(`{"a":{"${'k'.repeat(JSON_LIMITS.characters + 1)}":1}}`).message).toMatch(/ at a\.$/)
  })

  it('are cut in a message', () => {
    const key = 'k'.repeat(500)
    expect(refusal(`{"${key}":{"${key}":1,"${key}":2}}`).message.length).toBeLessThan(400)
  })
})

describe('numbers', () => {
  it.each(['9007199254740993', '-12345678901234567890', '1e309', '-1e400', '1e-400', '9'.repeat(400)])(
    '%s would become another',
    (text) => {
      expect(refusal(`{"amount":[${text}]}`)).toMatchObject({
        code: 'JSON_NUMBER_LOSSY',
        details: { path: 'amount.0' },
      })
    },
  )

  it.each([
    '9007199254740991',
    '-9007199254740992',
    '100000000000000000000',
    '39495408351198330',
    '0e-500',
    '1e308',
    '5e-324',
    '0.30000000000000004',
    '0.0000000000000000',
  ])('%s is kept', (text) => {
    expect(parseJson(text)).toBe(Number(text))
  })
})
