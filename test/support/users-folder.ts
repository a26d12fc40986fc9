// Where the program of a guide runs: a folder as a user has one, with the packages of this repository.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '../..')
const strict = [
  '--noEmit',
  '--strict',
  '--target',
  'es2024',
  '--module',
  'nodenext',
  '--types',
  'node',
  '--skipLibCheck',
  '--allowImportingTsExtensions',
]

/** Checks the types of a program and runs it, with `files` by their names beside it. @throws what either says, with the `status` that it ended with */
export function runAsUser(program: string, timeoutMs: number, files: Readonly<Record<string, string>> = {}): void {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-guide-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'guide.ts'), program)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const where = { cwd: folder, stdio: 'pipe' } as const
  const roots = ['--typeRoots', join(root, 'node_modules/@types')]
  try {
    execFileSync(join(root, 'node_modules/.bin/tsc'), [...strict, ...roots, 'guide.ts'], where)
  } catch (error) {
    throw new Error(`its types are wrong: ${String((error as { stdout: Buffer }).stdout)}`, { cause: error })
  }
  execFileSync(process.execPath, ['guide.ts'], { ...where, timeout: timeoutMs })
}
