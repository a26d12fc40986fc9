import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChecked, parseText, unquote } from './json-text.ts'

/** Strings that are full of what must be escaped, and short, so that keys of one length stand in one place. */
const words = fc.string({
  unit: fc.constantFrom('\\', '\n', '"', '\0', '\ud800', 'a', 'u', 'n', '0', 'é'),
  maxLength: 4,
})
const { tree: values } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), words, fc.array(tie('tree')), fc.dictionary(words, tie('tree'))),
}))

describe('a text', () => {
  it('becomes the value that it was made of, with every key, whatever was read before', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(undefined, 2, '\r\t'), (value, space) => {
        const text = JSON.stringify(value, null, space)
        // Text again, because it tells all values apart, and the same order of keys is wanted.
        expect(JSON.stringify(parseText(text), null, space)).toBe(text)
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    // The first text leaves a key behind that the second is taken for by JSON.parse of Node 24.
    ['{"first":1,"\\\\":2}', '{"first":1,"\\n":2}', '\n'],
    ['{"first":1,"\\\\":2}', '{"first":1,"\\"":2}', '"'],
    ['{"second":1,"\\\\":2}', '{"second":1,"\\u0041":2}', 'A'],
    ['{"third":1,"gr\\\\u0":2}', '{"third":1,"gr\\u00f6\\u00dfe":2}', 'größe'],
    ['{"fourth":1,"\\\\\\\\":2}', '{"fourth":1,"\\\\n":2}', '\\n'],
  ])('%s does not change %s', (before, text, key) => {
    parseText(before)
    expect(Object.keys(parseText(text) as object)[1]).toBe(key)
  })

  it('keeps a key that is the name of the prototype, and leaves the prototype alone', () => {
    const value = parseText('{"__proto__":{"admin":true},"\\n":1}') as Record<string, unknown>
    expect([Object.keys(value), value['admin']]).toEqual([['__proto__', '\n'], undefined])
  })

  it('has the last of two values of one key, and its keys in the order of JSON.parse', () => {
    const text = ' {"\\u0062" : 1 , "2":[ ] , "1" :[ {} ,-0.5e3, null ] ,"b":"\\"a long string that is copied\\"" } '
    expect(JSON.stringify(parseText(text))).toBe(JSON.stringify(JSON.parse(text)))
  })

  it.each(['', '{', '{"\\n"', '{"\\n":', '{"\\n":1', '["\\', '{"\\n":1}}', '{"a":"\\'])('%j is refused', (text) => {
    expect(() => parseText(text)).toThrow(SyntaxError)
  })

  it('that was checked is read with the keys that are known already', () => {
    expect(parseChecked('{"\\n":"b","c":{"\\u0041":"a long string that is copied"}}', ['\n', 'A'])).toEqual({
      '\n': 'b',
      c: { A: 'a long string that is copied' },
    })
    expect(parseChecked('[1]', [])).toEqual([1])
    expect(unquote('"\\n"')).toBe('\n')
  })
})
