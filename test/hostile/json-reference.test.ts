import { describe, expect, it } from 'vitest'
import { canonical } from './json-reference.ts'

describe('the judge of what came back', () => {
  it.each([
    ['{"a":1,"b":[2]}', ' { "b" : [ 2.0 ] , "a" : 1e0 } '],
    ['"\\u0041\\n\\/"', '"A\\u000a/"'],
    ['-0', '0'],
    ['"\\ud83d\\ude00"', '"😀"'],
  ])('takes %s and %s for one value', (left, right) => {
    expect(canonical(left)).toBe(canonical(right))
  })

  it.each([
    ['{"a":1,"\\n":2}', '{"a":1,"\\\\":2}'],
    ['"\\ud800"', '"\\ufffd"'],
    ['"1"', '1'],
    ['[]', '{}'],
    ['null', '"null"'],
    ['9007199254740992', '9007199254740994'],
    ['"a b"', '"a\\u00a0b"'],
    ['{"a":{}}', '{"a":null}'],
    ['["a","b"]', '["b","a"]'],
  ])('tells %s and %s apart', (left, right) => {
    expect(canonical(left)).not.toBe(canonical(right))
  })

  it('finds a part by its path, and refuses what is no JSON', () => {
    expect(canonical('{"a":[{"b":"c"}]}', 'a', 0, 'b')).toBe(canonical('"c"'))
    expect(canonical('{"a":1}', 'b', 0)).toBeUndefined()
    for (const text of ['', '{"a":1}}', '["a" "b"]', '{"a"}', '"a', 'nul'])
      expect(() => canonical(text)).toThrow(SyntaxError)
  })
})
