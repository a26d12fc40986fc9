// Holds the compiler to its words: every `// @ts-expect-error ... says: <words>` of this folder is compiled once more
// without the directive, and the message of the line below it must contain the words. So a type that still refuses a
// mistake, but no longer says which, fails here.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))

interface Expectation {
  readonly place: string
  readonly words: string
}

let copy = ''
let messages: ReadonlyMap<string, string> = new Map()
const expectations: Expectation[] = []
for (const file of await readdir(folder)) {
  if (!file.endsWith('.test-d.ts')) continue
  const lines = (await readFile(join(folder, file), 'utf8')).split('\n')
  for (const [index, line] of lines.entries()) {
    const words = /^\s*\/\/ @ts-expect-error .*?; says: (.+)$/.exec(line)?.[1]
    if (words !== undefined) expectations.push({ place: `${file}(${index + 2})`, words })
  }
}

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'ballet-types-'))
  await cp(folder, copy, { recursive: true, filter: (path) => !path.endsWith('.test.ts') })
  for (const file of await readdir(copy)) {
    const text = await readFile(join(copy, file), 'utf8')
    await writeFile(join(copy, file), text.replaceAll('@ts-expect-error', 'expected:'))
  }
  const paths = {
    ballet: [join(root, 'src/index.ts')],
    'ballet/http': [join(root, 'src/http.ts')],
    zod: [join(root, 'node_modules/zod/index.d.ts')],
  }
  const compilerOptions = { paths, typeRoots: [join(root, 'node_modules/@types')] }
  await writeFile(join(copy, 'package.json'), '{ "type": "module" }')
  await writeFile(
    join(copy, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'], exclude: [] }),
  )
  messages = byPlace(await compile(copy))
})

afterAll(() => rm(copy, { recursive: true, force: true }))

it('finds what to hold it to', () => {
  expect(expectations.length).toBeGreaterThan(60)
})

it.each(expectations)('$place says: $words', ({ place, words }) => {
  expect(messages.get(place)).toContain(words)
})

/** What the compiler prints about a project. */
async function compile(project: string): Promise<string> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const run = promisify(execFile)(process.execPath, [compiler, '--noErrorTruncation', '-p', project], {
    cwd: project,
    maxBuffer: 64 * 1024 * 1024,
  })
  return run.then(
    ({ stdout }) => stdout,
    (error: unknown) => String((error as { readonly stdout?: unknown }).stdout),
  )
}

/** The messages by `file(line)`. A line that is indented goes on with the message above it. */
function byPlace(output: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  let place = ''
  for (const line of output.split('\n')) {
    place = /^([\w.-]+\(\d+),\d+\)/.exec(line)?.[1]?.concat(')') ?? place
    found.set(place, `${found.get(place) ?? ''}${line}\n`)
  }
  return found
}
