// `npm test`: installs what is missing, builds what is stale and runs every test under Node 24. Arguments go on to
// vitest: `npm test -- src/core` runs one folder. The last line is the count in plain words, `N passed, N failed`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { commandFile, ensureInstalled, runNode } from './install.mjs'

function countLine(report, code) {
  // A file that could not be loaded has no failed test, and is a failure all the same; so is an error between tests.
  const fruitless = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  )
  const failed = Math.max(report.numFailedTests + fruitless.length, code === 0 ? 0 : 1)
  const skipped = report.numPendingTests + report.numTodoTests
  return `${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

console.log('ballet: running the tests')
ensureInstalled()
const built = await build({ ifStale: true })
if (built !== 0) {
  console.error('ballet: the build failed; what the compiler says about it stands above')
  process.exit(built)
}
const folder = mkdtempSync(join(tmpdir(), 'ballet-test-'))
const reportFile = join(folder, 'report.json')
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
try {
  const code = await runNode([commandFile('vitest'), 'run', ...reporters, ...process.argv.slice(2)])
  process.exitCode = code
  console.log(countLine(JSON.parse(readFileSync(reportFile, 'utf8')), code))
} catch (error) {
  console.error(`ballet: vitest left no result: ${error.message}`)
  process.exitCode ||= 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
