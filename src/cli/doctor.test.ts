import { describe, expect, it } from 'vitest'
import { nodeCheck, sqliteCheck } from './doctor.ts'
import { shownBytes } from './store-checks.ts'

describe('what an application needs', () => {
  it.each([
    ['24.0.0', 'ok'],
    ['25.1.0', 'ok'],
    ['22.9.0', 'wrong'],
  ])('Node %s is %s', (version, verdict) => {
    expect(nodeCheck(version).verdict).toBe(verdict)
  })

  it.each([
    ['3.51.3', 'ok'],
    ['3.53.0', 'ok'],
    ['4.0', 'ok'],
    ['3.51.2', 'warn'],
    ['3.46.1', 'warn'],
    [undefined, 'wrong'],
  ])('SQLite %s is %s', (version, verdict) => {
    const check = sqliteCheck(version)
    expect(check.verdict).toBe(verdict)
    expect(check.todo === undefined).toBe(verdict === 'ok')
  })
})

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [65_536, '65.5 kB'],
  [2_500_000_000, '2.5 GB'],
  [250e12, '250 TB'],
])('%d bytes are %s', (bytes, words) => {
  expect(shownBytes(bytes)).toBe(words)
})
