import { expect, test } from 'vitest'
import { Query } from './query.ts'

test.each([
  ['http://localhost/api/runs?wait=1s', 1000],
  ['http://localhost/api/runs?wait=1s#?wait=2s', 1000],
  ['http://localhost/api/runs#?wait=2s', undefined],
  ['http://localhost/api/runs?', undefined],
  ['http://localhost/api/runs', undefined],
  ['http://localhost/api/runs?wait=%31s', 1000],
])('the parameters of %s', (url, waitMs) => {
  expect(new Query(url, ['wait']).duration('wait', { words: '5s', ms: 5000 })).toBe(waitMs)
})

test('a second question mark belongs to the value', () => {
  expect(new Query('http://localhost/api/runs?key=a?b', ['key']).text('key')).toBe('a?b')
})
