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

test('what would be left out is found as deep as JSON of ours goes', () => {
  let value: unknown = new Map()
  for (let depth = 0; depth < 499; depth++) value = [value]
  expect(() => toWholeText(value, 'the answer')).toThrow('it has a Map at [0][0][0]')
  expect(() => toWholeText([[value]], 'the answer')).toThrow('deeper than 500 levels')
})

test('what is deeper each time that it is looked at ends nothing', () => {
  let looks = 0
  const growing = {
    get more(): unknown {
      return looks++ === 0 ? {} : growing
    },
  }
  expect(toWholeText(growing, 'the answer')).toBe('{"more":{}}')
})
