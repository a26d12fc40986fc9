import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ownCode, ownPackage, ownProgram } from './own-files.ts'

test.each(['cli/main', 'cli/compare/worker', 'engine/watchdog-thread', 'stores/sqlite/worker'])(
  '%s is a program of ours',
  (path) => {
    const file = ownProgram(path)
    expect(existsSync(file)).toBe(true)
    expect(file.href.startsWith(ownCode.href)).toBe(true)
  },
)

test('the package is where its package.json is', () => {
  expect(readFileSync(new URL('package.json', ownPackage), 'utf8')).toContain('"name": "ballet"')
})
