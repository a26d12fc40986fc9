// `npm run failures`: runs every test that is a failure case and writes docs/failures.md, the table of what goes wrong,
// what is expected then, the test that shows it, and how that test went. Exits with 1 when a case failed.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { failureCases, KINDS, rowOf } from './failure-cases.mjs'
import { commandFile, ensureInstalled, root, runNode } from './install.mjs'

const WORDS = { passed: 'passed', failed: 'FAILED', skipped: 'skipped here', pending: 'skipped here' }

/** How each test went, by its file and title. */
async function runTests(cases) {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-failures-'))
  const report = join(folder, 'report.json')
  const files = [...new Set(cases.map(({ file }) => file))]
  try {
    await runNode([
      commandFile('vitest'),
      'run',
      '--reporter=dot',
      '--reporter=json',
      `--outputFile.json=${report}`,
      '--testNamePattern',
      'F[0-9]+: ',
      ...files,
    ])
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
    return new Map(
      testResults.flatMap(({ name, assertionResults }) =>
        assertionResults.map(({ title, status }) => [`${relative(root, name).replaceAll('\\', '/')} ${title}`, status]),
      ),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

ensureInstalled()
const cases = failureCases(root)
const results = await runTests(cases)
const resultOf = ({ file, title }) => WORDS[results.get(`${file} ${title}`)] ?? 'not run'
const sections = Object.entries(KINDS).map(([code, meaning]) => {
  const own = cases.filter((one) => one.code === code)
  const rows = own.map((one) => `${rowOf(one)} ${resultOf(one)} |`)
  return [`## ${code}: ${meaning}`, '', '| | Cause | Expected | Test | Result |', '|-|-|-|-|-|', ...rows, ''].join('\n')
})
const passed = cases.filter((one) => resultOf(one) === 'passed').length
const introduction = `# Failures

What goes wrong, what happens then, and the test that shows it: ${cases.length} cases, of which ${passed} passed when this page was
written by \`npm run failures\`. The titles of those tests begin with the code of their kind; the page is made from them.
`
const page = join(root, 'docs/failures.md')
writeFileSync(page, [introduction, ...sections].join('\n'))
await runNode([commandFile('oxfmt'), page])
console.log(`ballet: ${cases.length} failure cases, ${passed} passed`)
process.exitCode = passed + cases.filter((one) => resultOf(one) === 'skipped here').length === cases.length ? 0 : 1
