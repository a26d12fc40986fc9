// The package as a user gets it: what is in it, that its pages lead to each other without a network, and that its types resolve in
// every way in which a project may ask for them.
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '..')
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

/** Parts of the repository that are no part of the package, what was decided and measured among them: pages may speak of them. */
const REPOSITORY =
  /^(?:\.ci|bench|deploy|examples|scripts|src|test|docs\/decisions|docs\/reliability)\/|^(?:ARCHITECTURE|CONTRIBUTING|docs\/failures|docs\/performance[-\w]*)\.md$/

interface Packed {
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

let files: ReadonlySet<string>
let bytes = 0
let folder = ''
beforeAll(async () => {
  const { stdout } = await promisify(execFile)(npm, ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    maxBuffer: 16 * 1024 * 1024,
  })
  const [packed] = JSON.parse(stdout) as readonly [Packed]
  bytes = packed.unpackedSize
  files = new Set(packed.files.map(({ path }) => path))
  folder = mkdtempSync(join(tmpdir(), 'ballet-package-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('it has what its doors lead to, its command, and what its users read', () => {
  const doors = Object.values(packageJson.exports).flatMap((door) =>
    typeof door === 'string' ? [door] : Object.values(door),
  )
  const wanted = [
    ...doors,
    ...Object.values(packageJson.bin),
    'dist/dashboard/index.html',
    'docs/errors.md',
    'docs/tutorial.md',
    'docs/reference/cli.md',
  ]
  expect(wanted.filter((path) => !files.has(normalize(path)))).toEqual([])
  expect(
    [...files].filter((path) => /\.test(?:-d)?\.|test-\w+\.(?:d\.ts|js)$/.test(path) && !path.startsWith('template/')),
  ).toEqual([])
})

test('the dashboard is there with all that it names, and weighs little', () => {
  const pages = [...files].filter((path) => path.startsWith('dist/dashboard/'))
  const named = [...readFileSync(join(root, 'dist/dashboard/index.html'), 'utf8').matchAll(/="\/dashboard\/([^"]+)"/g)]
  expect(named.map(([, path]) => `dist/dashboard/${path}`).toSorted()).toEqual(
    pages.filter((path) => !path.endsWith('index.html')).toSorted(),
  )
  const packed = pages.map((path) => gzipSync(readFileSync(join(root, path))).byteLength)
  expect(packed.reduce((sum, one) => sum + one, 0)).toBeLessThan(150_000)
  expect([...files].filter((path) => path.startsWith('dashboard/'))).toEqual([])
})

test('it weighs little: with all that it needs less than the 6 MB that the design gives an installation', () => {
  // Of these hono, its server for Node and croner have 2.6 MB.
  expect(bytes).toBeLessThan(3_400_000)
})

test('nothing of it runs when it is installed', () => {
  expect(Object.keys(packageJson.scripts).filter((name) => /^(?:pre|post)?install$/.test(name))).toEqual([])
})

test('its pages lead to pages of it, or to what only the repository has', () => {
  const dead: string[] = []
  for (const page of [...files].filter((path) => path.endsWith('.md') && !path.startsWith('template/'))) {
    const text = readFileSync(join(root, page), 'utf8').replaceAll(/```[^]*?```/g, '')
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const path = normalize(join(dirname(page), target)).replace(/\/$/, '')
      if (files.has(path) || REPOSITORY.test(`${path}/`) || REPOSITORY.test(path)) continue
      if (![...files].some((file) => file.startsWith(`${path}/`))) dead.push(`${page}: ${target}`)
    }
  }
  expect(dead).toEqual([])
})

test('its types resolve as node16 and as a bundler has them', () => {
  const home = join(folder, 'node_modules/ballet')
  for (const path of ['package.json', 'dist']) cpSync(join(root, path), join(home, path), { recursive: true })
  for (const name of ['zod', '@types', 'hono', '@hono', 'typescript', 'undici-types'])
    if (existsSync(join(root, 'node_modules', name)))
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(folder, 'app.ts'),
    `import { ballet, open, workflow } from 'ballet'
import { elsewhere } from 'ballet/http'
import { natsTransport } from 'ballet/nats'
import { exactlyOnce } from 'ballet/postgres'
import { serve } from 'ballet/server'
import { storeConformance } from 'ballet/testing'
import { z } from 'zod'
const count = workflow('count', { input: z.object({ id: z.string() }), output: z.number(), key: 'id' }, async () => 1)
const app = await open(ballet({ services: [], workflows: [count] }))
const { id } = await app.start(count({ id: 'a' }))
export const answer: number = await app.result(id)
// What a door has is typed, and not any: each of these is wrong.
// @ts-expect-error
export const wrong: string = await app.result(id)
${['elsewhere', 'natsTransport', 'exactlyOnce', 'serve', 'storeConformance']
  .map((name) => `// @ts-expect-error\n${name}(Symbol())\n`)
  .join('')}`,
  )
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    const options = ['--noEmit', '--strict', '--target', 'es2024', '--types', 'node', '--skipLibCheck']
    const how = ['--module', module, '--moduleResolution', resolution]
    const said = execFileSync(process.execPath, [compiler, ...options, ...how, 'app.ts'], { cwd: folder })
    expect(said.toString()).toBe('')
  }
})
