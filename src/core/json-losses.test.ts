import { expect, test } from 'vitest'
import { toText } from './json.ts'
import { toWholeText } from './json-losses.ts'

test.each([
  [{ rates: new Map([['a', 1]]) }, 'a Map at rates'],
  [[[new Set([1])]], 'a Set at [0][0]'],
  [{ paid: Promise.resolve(1) }, 'a promise that was not awaited at paid'],
  [new TypeError('no'), 'an Error'],
  [{ a: { b: /x/ } }, 'a RegExp at a.b'],
  [{ data: new Uint8Array([1, 2]) }, 'bytes at data'],
  [new ArrayBuffer(2), 'bytes'],
  [{ amount: Number.NaN }, 'NaN at amount, which would be null'],
  [[1, Number.POSITIVE_INFINITY], 'Infinity at [1]'],
])('what JSON would leave out is refused, with its place: %o', (value, words) => {
  expect(() => toWholeText(value, 'the answer')).toThrow(words)
})

test.each([
  [undefined],
  [null],
  [{}],
  [{ a: null, b: [{}, null], c: { '0': 1 } }],
  [{ at: new Date(0), none: undefined, gone: null }],
  [{ url: new URL('http://a/'), nothing: null }],
  [{ own: { toJSON: () => ({}) } }],
  [Object.create(null)],
])('everything else is the text that it was: %o', (value) => {
  expect(toWholeText(value, 'the answer')).toBe(toText(value, 'the answer'))
})

test('what lies deeper than anybody looks is kept as JSON has it', () => {
  let value: unknown = new Map()
  for (let depth = 0; depth < 120; depth++) value = [value]
  expect(toWholeText(value, 'the answer')).toBe(toText(value, 'the answer'))
})
