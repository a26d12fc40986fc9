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

test('what is asked again is judged by the names of its own route', () => {
  const url = 'http://localhost/api/runs?wait=1s&wait=2s'
  const names = ['wait']
  for (const _ of [1, 2]) expect(() => new Query(url, names).text('wait')).toThrow('it is given more than once')
  expect(() => new Query(url, ['limit'])).toThrow('there is no such parameter')
  for (const _ of [1, 2]) expect(() => new Query('http://localhost/?wait=', names)).toThrow('it is empty')
  expect(new Query('http://localhost/?wait=1s', names).text('wait')).toBe('1s')
})
