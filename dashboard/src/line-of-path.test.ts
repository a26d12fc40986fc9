import { expect, test } from 'vitest'
import { lineOfPath } from './line-of-path.ts'

const text = `{
  "orderId": "a \\"quoted\\" {brace",
  "items": [
    { "sku": "ribbon", "qty": 1 },
    {
      "sku": "poster",
      "qty": [2, { "deep":
        true }]
    }
  ],
  "a.b": null,
  "last": -1.5e3
}`

test.each([
  ['the top', 1],
  ['orderId', 2],
  ['items', 3],
  ['items.0.qty', 4],
  ['items.1', 5],
  ['items.1.sku', 6],
  ['items.1.qty.1.deep', 8],
  ['last', 12],
])('%s stands in line %d', (path, line) => {
  expect(lineOfPath(text, path)).toBe(line)
})

test.each([
  ['what is missing is said at what lacks it', 'items.1.price', 5],
  ['an index beyond the list', 'items.7.qty', 3],
  ['something below a text', 'orderId.first', 2],
])('%s', (_what, path, line) => {
  expect(lineOfPath(text, path)).toBe(line)
})

test('nothing is in an empty text', () => {
  expect(lineOfPath('', 'orderId')).toBe(undefined)
})
