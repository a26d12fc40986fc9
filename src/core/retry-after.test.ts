import { expect, it } from 'vitest'
import { retryAfterHeaderMs } from './retry-after.ts'

const now = Date.UTC(2026, 0, 1)

it.each([
  ['120', 120_000],
  [' 7 ', 7000],
  ['0', 0],
  [new Date(now + 600_000).toUTCString(), 600_000],
  [new Date(now - 1000).toUTCString(), 0],
  ['soon', null],
  ['', null],
  [null, null],
  [undefined, null],
])('%j asks for %j milliseconds', (header, ms) => {
  expect(retryAfterHeaderMs(header, now)).toBe(ms)
})
