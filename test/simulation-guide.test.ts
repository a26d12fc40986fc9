// The guide to simulation is a program that runs as it stands on the page; and the fault that it speaks of is found when it is made.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const [, block = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/guides/simulation.md'), 'utf8')) ?? []

/** Runs a program where a user's would stand; its exit code. */
function run(program: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-guide-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'guide.ts'), program)
  const options = [
    '--noEmit',
    '--strict',
    '--target',
    'es2024',
    '--module',
    'nodenext',
    '--types',
    'node',
    '--skipLibCheck',
  ]
  const roots = ['--typeRoots', join(root, 'node_modules/@types')]
  const where = { cwd: folder, stdio: 'pipe' } as const
  execFileSync(join(root, 'node_modules/.bin/tsc'), [...options, ...roots, 'guide.ts'], where)
  try {
    execFileSync(process.execPath, ['guide.ts'], { ...where, timeout: 60_000 })
    return 0
  } catch (error) {
    return (error as { status: number }).status
  }
}

test('the story of the guide stands all of its storms', () => {
  expect(run(block)).toBe(0)
})

test('and does not when the workflow of it takes nothing back', () => {
  const without = block.replace(', { undo: bank.refund(order) }', '')
  expect(without).not.toBe(block)
  expect(run(without)).toBe(1)
})
