// The list of the rules that the tidy test enforces, each with a sample that it accepts and samples that it refuses.
// Words that a rule forbids in every text are put together here from pieces.
import * as layers from './layers.ts'
import type { Rule } from './sources.ts'
import * as style from './style.ts'
import * as texts from './texts.ts'

type Sample = Readonly<Record<string, string>>

interface NamedRule {
  readonly name: string
  readonly rule: Rule
  readonly good: Sample
  readonly bad: readonly Sample[]
}

const lines = (count: number, line = 'a()'): string => Array.from({ length: count }, () => line).join('\n')
/** Puts a word together that no committed text may have in one piece. */
const spell = (...pieces: readonly string[]): string => pieces.join('')
const core = (text: string): Sample => ({ 'src/core/a.ts': text })
const engine = (text: string): Sample => ({ 'src/engine/a.ts': text })
const test = (text: string): Sample => ({ 'src/core/a.test.ts': text })
const readme = (text: string): Sample => ({ 'README.md': text })
const catalogue =
  "export const catalogue = {\n  A_B: entry('fix', 400, 'x', `y`),\n  // C: no\n  D: { E: [1], F: 2 },\n}\n"
const packageJson = '{ "exports": { "./a": { "types": "./dist/a.d.ts", "default": "./dist/a.js" } } }'

const dependencies: readonly NamedRule[] = [
  {
    name: 'a layer imports only the layers below it',
    rule: layers.layering,
    good: {
      'src/define/a.ts': "import type { B } from '../core/b.ts'\nimport { c } from './c.ts'",
      'src/index.ts': "export { a } from './engine/a.ts'",
      'src/core/a.test.ts': "import { z } from '../testing/z.ts'",
      'src/core/b.ts': "// import { a } from '../engine/a.ts'",
    },
    bad: [
      core("import { a } from '../define/a.ts'"),
      core("export type A = import('../engine/a.ts').A"),
      core("import { a } from './a.test.ts'"),
      engine("import { a } from '../stores/a.ts'"),
      engine("const a = await import('../server/a.ts')"),
      engine("import { a } from '../../test/a.ts'"),
      { 'src/testing/a.ts': "export {\n  a,\n} from '../cli/a.ts'" },
      { 'src/server/a.ts': "import '../index.ts'" },
      { 'src/elsewhere/a.ts': '' },
    ],
  },
  {
    name: 'a layer imports only its packages',
    rule: layers.packageImports,
    good: {
      'src/server/a.ts': "import { Hono } from 'hono'\nimport { c } from 'hono/cors'",
      'src/engine/a.ts': "import 'node:fs'",
    },
    bad: [
      core("import { join } from 'node:path'"),
      engine("import { Hono } from 'hono'"),
      { 'src/testing/a.ts': "import 'vitest'" },
    ],
  },
  {
    name: 'examples and measurements use the public doors',
    rule: layers.publicDoors,
    good: {
      'examples/shop/a.ts': "import { b } from 'ballet'\nimport { c } from './c.ts'",
      'dashboard/src/shown.ts': "export * from '../../src/cli/shown.ts'",
    },
    bad: [
      { 'examples/shop/a.ts': "import { b } from '../../src/core/b.ts'" },
      { 'dashboard/src/a.tsx': "import { b } from '../../src/cli/shown.ts'" },
      { 'dashboard/src/shown.ts': "export * from '../../src/cli/client.ts'" },
      { 'bench/a.ts': "import '../dist/index.js'" },
    ],
  },
  {
    name: 'what the dashboard shares with the command runs in a browser',
    rule: layers.browserReady,
    good: {
      'src/cli/shown.ts': "export { a } from './a.ts'\nexport type { B } from './b.ts'",
      'src/cli/a.ts': "import { c } from '../core/c.ts'",
      'src/cli/b.ts': "import 'node:fs'",
    },
    bad: [
      { 'src/cli/shown.ts': "export { a } from './a.ts'", 'src/cli/a.ts': "import {\n  b,\n} from 'node:fs'" },
      { 'src/cli/shown.ts': "import postgres from 'postgres'" },
    ],
  },
  {
    name: 'imports make no cycle',
    rule: layers.cycles,
    good: {
      'src/core/a.ts': "import './b.ts'\nimport './c.ts'",
      'src/core/b.ts': "import './c.ts'",
      'src/core/c.ts': '',
    },
    bad: [
      { 'src/core/a.ts': "import './b.ts'", 'src/core/b.ts': "import './c.ts'", 'src/core/c.ts': "import './a.ts'" },
      core("import './a.ts'"),
    ],
  },
  {
    name: 'only the clock reads the time, waits or throws dice',
    rule: layers.clock,
    good: {
      'src/engine/clock.ts': 'Date.now()\nsetTimeout(a, 1)\nMath.random()',
      'src/engine/a.ts': "const at: Date = new Date(ms)\nclock.setTimeout(a, 1)\nDate.parse('x')\nclearTimeout(a)",
      'src/engine/a.test.ts': 'Date.now()',
    },
    bad: [
      ...[
        'Date.now()',
        'new Date()',
        'new Date',
        'Date()',
        'Math.random()',
        'performance.now()',
        'process.hrtime()',
      ].map(engine),
      ...['setTimeout(a, 1)', 'globalThis.setInterval(a, 1)', 'AbortSignal.timeout(1)'].map(engine),
      engine("import { setTimeout as wait } from 'node:timers/promises'"),
    ],
  },
  {
    name: 'JSON is read by core/json-text.ts, because JSON.parse misreads keys',
    rule: layers.jsonReading,
    good: { 'src/core/json-text.ts': 'JSON.parse(a)', 'src/core/a.ts': '// JSON.parse(a)\nJSON.stringify(a)' },
    bad: [core('JSON.parse(a)'), engine('texts.map(JSON.parse)')],
  },
  {
    name: 'core and define touch no clock, chance, network or process',
    rule: layers.purity,
    good: { 'src/core/a.ts': "run.fetch(a)\n// process.env\n'crypto.x'", 'src/engine/a.ts': 'process.pid' },
    bad: ['process.env.A', 'crypto.randomUUID()', "fetch('x')", 'setImmediate(a)', 'globalThis.x', 'new Worker(a)'].map(
      core,
    ),
  },
]

const looks: readonly NamedRule[] = [
  {
    name: 'a file has at most 400 lines',
    rule: style.fileLength,
    good: core(`${lines(400)}\n`),
    bad: [core(lines(401)), { 'scripts/a.mjs': lines(401) }, test(lines(401))],
  },
  {
    name: 'a function has at most 70 lines',
    rule: style.functionLength,
    good: core(`function a() {\n${lines(68)}\n}\nexport const b = {\n${lines(90)}\n}`),
    bad: [
      core(`function a() {\n${lines(69)}\n}`),
      core(`const a = async (b: number): Promise<void> => {\n${lines(69)}\n}`),
      core(`class A {\n  private b<T>(c: T): c is string {\n${lines(69)}\n  }\n}`),
      test(`it('a', () => {\n${lines(69)}\n})`),
    ],
  },
  {
    name: 'files are named in kebab-case',
    rule: style.fileNames,
    good: {
      'src/core/retry-policy.ts': '',
      'src/core/a.test-d.ts': '',
      'docs/decisions/0001-toolchain.md': '',
      LICENSE: '',
      'docs/README.md': '',
    },
    bad: [{ 'src/core/retryPolicy.ts': '' }, { 'src/core/retry_policy.ts': '' }, { 'test/Chaos/a.test.ts': '' }],
  },
  {
    name: 'a name says what is in the file',
    rule: style.emptyNames,
    good: { 'src/core/renewal.ts': '', 'src/core/commons.ts': '' },
    bad: [
      'utils.ts',
      'helpers/a.ts',
      'common.ts',
      'run-manager.ts',
      'runV2.ts',
      'run-v2.ts',
      'run-new.ts',
      'run-impl.test.ts',
    ].map((name) => ({ [`src/core/${name}`]: '' })),
  },
  {
    name: 'a source begins by saying what it is for',
    rule: style.opening,
    good: { 'src/core/a.ts': '// A.\n', 'src/core/b.ts': '/* B. */', 'src/core/c.test.ts': 'a()' },
    bad: [core("import './b.ts'\n// A."), core('')],
  },
  {
    name: 'there is no any',
    rule: style.anyType,
    good: core(
      "// any\nPromise.any([a])\nconst b = { any: 1, many: 2, any() {} }\nconst c = 'any'\ninterface D { any?: string }",
    ),
    bad: ['let a: any', 'a as any', 'const b: Array<any> = c', 'let a: any[]', 'type A = string | any', '<any>a'].map(
      core,
    ),
  },
  {
    name: 'types erase',
    rule: style.notErasable,
    good: core(
      "const namespace = { a }\nconst enumerable = 1\ndeclare module 'a' {}\nclass A {\n  constructor(a: Map<string, readonly string[]>, b: readonly string[]) {}\n}",
    ),
    bad: [
      'enum A { B }',
      'export const enum A { B }',
      'namespace A {\n}',
      'class A {\n  constructor(private readonly a: string) {}\n}',
    ].map(core),
  },
  {
    name: 'the compiler is not silenced',
    rule: style.silencedCompiler,
    good: { 'src/define/a.test-d.ts': '// @ts-expect-error a wrong undo\nb()' },
    bad: [core(spell('// @ts-', 'ignore')), test(spell('// @ts-', 'nocheck')), core('// @ts-expect-error')],
  },
  {
    name: 'errors come from the catalogue',
    rule: style.bareErrors,
    good: {
      'src/core/a.ts': "class A extends Error {}\nb instanceof TypeError\n'new Error('",
      'src/core/a.test.ts': "new Error('a')",
    },
    bad: ["throw new Error('a')", 'new TypeError(a)', "RangeError('a')"].map(engine),
  },
  {
    name: 'only the command line writes to the console',
    rule: style.consoleUse,
    good: { 'src/cli/a.ts': 'console.log(a)', 'src/engine/a.ts': 'context.console.log(a)' },
    bad: ['console.log(a)', "console['error'](a)"].map(engine),
  },
  {
    name: 'tests do not sleep',
    rule: style.sleeps,
    good: {
      ...test('await new Promise((resolve) => server.once(a, resolve))\nsetTimeout(a, 1)'),
      'src/engine/clock.ts': 'new Promise((r) => setTimeout(r, 1))',
    },
    bad: [
      test('await new Promise((resolve) => setTimeout(resolve, 5))'),
      test('await new Promise<void>((resolve) => {\n  setTimeout(() => resolve(), 5)\n})'),
      test('const wait = promisify(setTimeout)'),
      test("import { setTimeout } from 'node:timers/promises'"),
      { 'test/chaos/process.ts': 'new Promise((r) => setTimeout(r, 5))' },
    ],
  },
  {
    name: 'no test is left out without a reason',
    rule: style.skippedTests,
    good: test("it('a', (context) => {\n  context.skip(noBrowser, 'no browser is installed')\n})"),
    bad: [
      "it.skip('a', b)",
      "describe.only('a', b)",
      "it.skipIf(a)('b', c)",
      "it.todo('a')",
      "xit('a', b)",
      'context.skip()',
      'context.skip(noBrowser)',
    ].map(test),
  },
]

const written: readonly NamedRule[] = [
  {
    name: 'texts speak of the project only',
    rule: texts.words,
    good: readme(
      'The `user-agent` header, the session cookie, an agent of the carrier, this session id, AIR, a model of the engine.',
    ),
    bad: [spell('a sub', 'agent'), spell('the A', 'I', ' wrote it'), spell('in the previous ', 'session')].map(readme),
  },
  {
    name: 'texts name no place of one machine',
    rule: texts.machinePaths,
    good: readme('https://example.org/work/1, `/usr/bin/env`, ./work/a, /workflows/a, /roots/a'),
    bad: [
      spell('see /', 'work', '/main'),
      spell('`/', 'root', '/.npmrc`'),
      spell('/tmp/', 'bash', '_jobs'),
      spell('https://registry.', 'example', '.org/'),
    ].map(readme),
  },
  {
    name: 'the lock names no registry',
    rule: texts.lockNamesNoHost,
    good: { 'package-lock.json': '"resolved": "examples/shop", "resolved": ""' },
    bad: [{ 'package-lock.json': '"resolved": "https://example.org/a.tgz"' }],
  },
  {
    name: 'links in documents lead somewhere',
    rule: texts.links,
    good: {
      'README.md':
        '# A b-c, `d`!\n[x](docs/a.md#e-f) [y](#a-b-c-d) [z](https://a.b) [f](docs) [f](docs/)\n```\n[n](none.md)\n```\n',
      'docs/a.md': '## E F\n[up](../README.md)',
    },
    bad: [readme('[a](docs/none.md)'), readme('# A\n[a](#b)'), { 'README.md': '[a](docs/a.md#c)', 'docs/a.md': '# B' }],
  },
  {
    name: 'docs/errors.md and the catalogue agree',
    rule: texts.errorsDocumented,
    good: { 'src/core/errors.ts': catalogue, 'docs/errors.md': '# Errors\n## Families\n## A_B\n## `D`\n' },
    bad: [
      { 'src/core/errors.ts': catalogue, 'docs/errors.md': '## A_B\n' },
      { 'src/core/errors.ts': catalogue, 'docs/errors.md': '## A_B\n## D\n## C\n' },
      { 'src/core/errors.ts': catalogue, 'docs/errors.md': '## A_B\n## D\n## D\n' },
      { 'src/core/errors.ts': catalogue },
      { 'src/core/errors.ts': 'export const a = 1', 'docs/errors.md': '# Errors' },
    ],
  },
  {
    name: 'every export has its door, every door its export',
    rule: texts.doors,
    good: { 'package.json': packageJson, 'src/a.ts': '', 'src/a.test.ts': '', 'src/core/b.ts': '' },
    bad: [{ 'package.json': packageJson }, { 'package.json': packageJson, 'src/a.ts': '', 'src/b.ts': '' }],
  },
]

export const rules: readonly NamedRule[] = [...dependencies, ...looks, ...written]
