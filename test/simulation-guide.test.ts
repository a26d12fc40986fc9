// The guide to simulation is a program that runs as it stands on the page; and the fault that it speaks of is found when it is made.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runAsUser } from './support/users-folder.ts'

const root = join(import.meta.dirname, '..')
const [, block = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/guides/simulation.md'), 'utf8')) ?? []

/** The exit code of a program. */
function run(program: string): number {
  try {
    runAsUser(program, 60_000)
    return 0
  } catch (error) {
    const { status } = error as { status?: number }
    if (status === undefined) throw error
    return status
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
