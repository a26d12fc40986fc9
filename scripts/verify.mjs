// `npm run verify`: every check besides the tests, each with its time, and the output of those that fail. All of them
// run even after a failure, because one list of faults is better than the same list in instalments. The packages are
// checked as users get them, from the packed archive.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandFile, ensureInstalled, environment, nodeBinary, root } from './install.mjs'

const run = (command, args) =>
  spawnSync(command, args, { cwd: root, env: environment(), encoding: 'utf8', maxBuffer: 64 << 20 })

const installed = (packageName, command, args) => run(nodeBinary(), [commandFile(packageName, command), ...args])

const packed = () => {
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  return archive === undefined ? 'nothing-was-packed.tgz' : join(folder, archive)
}

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

const checks = [
  ['build', () => run(nodeBinary(), ['scripts/build.mjs'])],
  ['types', () => installed('typescript', 'tsc', ['--noEmit'])],
  ['types of the dashboard', () => installed('typescript', 'tsc', ['-p', 'dashboard'])],
  ['lint', () => installed('oxlint', 'oxlint', ['--type-aware', '--deny-warnings'])],
  ['format', () => installed('oxfmt', 'oxfmt', ['--check'])],
  ['unused code and packages', () => installed('knip', 'knip', [])],
  ['pack', () => run(npm, ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder])],
  ['package as published', () => installed('publint', 'publint', ['--strict', packed()])],
  [
    'types as published',
    () => installed('@arethetypeswrong/cli', 'attw', [packed(), '--profile', 'esm-only', '--no-color']),
  ],
  ['coverage of src/core', () => installed('vitest', 'vitest', ['run', '--coverage', 'src/core'])],
]

console.log('ballet: verifying')
ensureInstalled()
const folder = mkdtempSync(join(tmpdir(), 'ballet-verify-'))
const failed = []
try {
  for (const [name, check] of checks) {
    const since = performance.now()
    const { status, stdout, stderr, error } = check()
    const seconds = ((performance.now() - since) / 1000).toFixed(1)
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`)
    if (status === 0) continue
    failed.push(name)
    console.log(`${error ? error.message : ''}${stdout ?? ''}${stderr ?? ''}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(failed.length === 0 ? 'everything holds' : `these do not hold: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
