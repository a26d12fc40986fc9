// What is kept of an inbox for another version, and what is refused because somebody hears it.
import { expect, test } from 'vitest'
import { fault } from '../core/errors.ts'
import { isOfVersion } from './aside.ts'

const at = 1_000_000
const row = { id: 1, ns: 'main', slot: 0, kind: 'start', target: 'r', data: '{}', at } as const
const refused = fault('INPUT_INVALID', { what: 'the input', path: 'the top', problem: 'no' })

test.each<[string, number, boolean]>([
  ['came just now', at + 1000, false],
  ['came from a clock that is a little ahead', at - 1000, false],
  ['has lain there for long', at + 40_000, true],
  ['comes from a clock that is far ahead, so that nobody knows', at - 40_000, true],
])('a start that a version refuses and that %s', (_words, now, isKept) => {
  expect(isOfVersion(row, '{}', now, refused)).toBe(isKept)
})
