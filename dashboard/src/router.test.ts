import { expect, test } from 'vitest'
import { addressOf, href } from './router.ts'

test.each([
  [['runs', 'checkout:8841'], {}],
  [['events', 'event:web:a/b?c#d%2F'], { root: 'event:web:x&y=z' }],
  [['keys', 'orderId', 'ünï ☃ ../..'], { view: 'graph' }],
  [[], {}],
] as const)('what an address says comes back: %j', (path, query) => {
  const found = addressOf(href(path, query))
  expect(found.path).toEqual(path)
  expect(Object.fromEntries(found.query)).toEqual(query)
})

test('fields without a value are left out', () => {
  expect(href(['runs'], { status: '', name: undefined, kind: 'workflow' })).toBe('#/runs?kind=workflow')
})

test('an address that is not well encoded is taken as it stands', () => {
  expect(addressOf('#/runs/%E0%A4%A').path).toEqual(['runs', '%E0%A4%A'])
})
