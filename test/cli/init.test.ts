// `ballet init` as a process: the project that it makes passes its own tests and its own type check, and can be served;
// and nothing that is in a folder is ever changed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dependencyOn } from '../../src/cli/init.ts'
import { Sandbox } from './sandbox.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const installed = (path: string): string => join(repository, 'node_modules', path)
const FILES = [
  '.gitignore',
  'README.md',
  'app.ts',
  'events.ts',
  'order.test.ts',
  'order.ts',
  'package.json',
  'payment.ts',
  'stock.ts',
  'storm.test.ts',
  'tsconfig.json',
]

let box: Sandbox
beforeEach(() => {
  box = new Sandbox({})
  mkdirSync(join(box.folder, 'my-shop'))
  // What `npm install` would bring.
  symlinkSync(installed('@types'), join(box.folder, 'node_modules/@types'))
})
afterEach(() => box.remove())

const inProject = { cwd: 'my-shop' }
const project = (path = ''): string => join(box.folder, 'my-shop', path)
const manifest = (): Record<string, unknown> =>
  JSON.parse(readFileSync(project('package.json'), 'utf8')) as Record<string, unknown>
const node = (...words: readonly string[]) =>
  spawnSync(process.execPath, words, { cwd: project(), encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })

describe('a project', () => {
  it('passes its own tests and its own type check', async () => {
    const made = await box.run(['init'], inProject)
    const clone = `file:${relative(project(), repository).replace(/\/$/, '')}`
    expect(made).toMatchObject({
      code: 0,
      stderr: `It depends on the Ballet that made it, ${clone}, which came from no registry.\n`,
    })
    expect(made.stdout).toMatch(/^my-shop, in this folder: package\.json, .*\n\n {2}npm install\n {2}npm run dev\n$/)
    expect(readdirSync(project()).sort()).toEqual(FILES)
    const { scripts } = manifest()
    expect(scripts).toMatchObject({ test: 'node --test', types: 'tsc' })
    const tests = node('--test')
    expect([tests.status, /pass (\d+)/.exec(tests.stdout)?.[1], /fail (\d+)/.exec(tests.stdout)?.[1]]).toEqual([
      0,
      '4',
      '0',
    ])
    const types = node(installed('typescript/bin/tsc'))
    expect([types.status, types.stdout]).toEqual([0, ''])
  })

  // The second was a fault of the template: an attempt that was late held what the first had said to be sold out.
  it.each([
    ['takes nothing back', 'order.ts', ', { undo: stock.release({ orderId }) })', ')'],
    ['answers two attempts of a call in two ways', 'stock.ts', 'answers.set(idempotencyKey, answer)', ''],
  ])('has a storm that finds code which %s', async (_what, file, right, wrong) => {
    await box.run(['init'], inProject)
    const text = readFileSync(project(file), 'utf8')
    expect(text).toContain(right)
    box.write(`my-shop/${file}`, text.replace(right, wrong))
    const storm = node('--test', 'storm.test.ts')
    expect([storm.status, storm.stdout.includes("rule: 'JUDGE'")]).toEqual([1, true])
  })

  it('does what its page says', async () => {
    await box.run(['init', '--name', 'her-shop'], inProject)
    const server = box.begin(['serve', 'app.ts', '--port', '0'], inProject)
    await server.until(/her-shop serves/)
    const lines = [...readFileSync(project('README.md'), 'utf8').matchAll(/^npx ballet (.*)$/gm)].map(
      ([, line]) => line ?? '',
    )
    expect(lines).toHaveLength(4)
    for (const line of lines) {
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '')
      expect(await box.run(words, inProject)).toMatchObject({ code: 0 })
    }
    const second = await box.run(['show', 'order:2'], inProject)
    expect(second.stdout).toContain('takes back stock.reserve#0')
    expect((await box.run(['replay', 'app.ts'], inProject)).code).toBe(0)
  })

  it('depends on this version, or on the clone that has it', async () => {
    await box.run(['init', '--name', 'her-shop'], inProject)
    const { name, type, dependencies } = manifest() as { name: string; type: string; dependencies: { ballet: string } }
    expect([name, type]).toEqual(['her-shop', 'module'])
    expect(existsSync(project(join(dependencies.ballet.replace('file:', ''), 'bin/ballet.js')))).toBe(true)
  })

  // Found by a newcomer: `npm install` asked a registry for what was in none.
  it.each([
    ['a registry', 'https://packages.example/ballet-1.2.3.tgz', '^1.2.3'],
    ['a packed file', 'file:../packed/ballet-1.2.3.tgz', 'file:../packed/ballet-1.2.3.tgz'],
    ['a packed file that is gone', 'file:gone.tgz', 'file:../other/node_modules/ballet'],
    ['nobody knows where', undefined, 'file:../other/node_modules/ballet'],
  ])('depends on what came from %s as it came', (_where, resolved, dependency) => {
    box.write('other/node_modules/ballet/package.json', '{}')
    box.write('packed/ballet-1.2.3.tgz', '')
    const packages = { 'node_modules/ballet': resolved === undefined ? {} : { resolved } }
    box.write('other/node_modules/.package-lock.json', JSON.stringify({ packages }))
    const root = join(box.folder, 'other/node_modules/ballet')
    expect(dependencyOn(root, project(), '1.2.3')).toBe(dependency)
  })
})

describe('a folder that is not empty', () => {
  it('is left alone when it has one of the files, and completed with --force', async () => {
    box.write('my-shop/stock.ts', 'export const mine = 1\n')
    box.write('my-shop/notes.txt', 'mine')
    const refused = await box.json(['init'], inProject)
    expect(refused).toMatchObject({ code: 4, value: { error: { code: 'FILES_EXIST' } } })
    expect(refused.stderr).toContain('has stock.ts already; nothing was written')
    expect(readdirSync(project()).sort()).toEqual(['notes.txt', 'stock.ts'])
    const forced = await box.json(['init', '--force'], inProject)
    expect(forced).toMatchObject({ code: 0, value: { name: 'my-shop', kept: ['stock.ts'] } })
    expect(readFileSync(project('stock.ts'), 'utf8')).toBe('export const mine = 1\n')
    expect(readdirSync(project()).sort()).toEqual([...FILES, 'notes.txt'].sort())
    expect(await box.json(['init', '--force'], inProject)).toMatchObject({ code: 0, value: { written: [] } })
  })

  // Found by a newcomer: with the package.json that `npm install` of Ballet had made, no project could be.
  it('may have the package.json that npm made, which is completed', async () => {
    box.write('my-shop/package.json', JSON.stringify({ dependencies: { ballet: 'file:../ballet' }, license: 'mine' }))
    const made = await box.json(['init'], inProject)
    expect(made).toMatchObject({ code: 0, value: { kept: [] } })
    expect(made.stderr).toContain(
      'Added to package.json: name, version, private, type, engines, scripts, dependencies.zod,',
    )
    expect(manifest()).toMatchObject({
      license: 'mine',
      type: 'module',
      scripts: { dev: 'ballet dev app.ts' },
      dependencies: { ballet: 'file:../ballet', zod: expect.any(String) },
    })
    expect(readdirSync(project()).sort()).toEqual(FILES)
  })

  // Found by a newcomer: in a folder of `npm init -y` no test ran, no file was a module, and the type check had fifty errors.
  it('may be one of `npm init -y`, whose words are nobody’s', async () => {
    expect(spawnSync('npm', ['init', '-y'], { cwd: project(), shell: process.platform === 'win32' }).status).toBe(0)
    // As npm 11 has it; an older one says nothing, which is the same to Node.
    const own = { ...manifest(), type: 'commonjs', description: 'mine' }
    box.write('my-shop/package.json', JSON.stringify(own))
    const made = await box.run(['init'], inProject)
    expect(made.stderr).toContain('Said anew in package.json, where npm had filled it in: ')
    expect(made.stderr).not.toContain('says otherwise')
    expect(manifest()).toMatchObject({ type: 'module', description: 'mine', scripts: { test: 'node --test' } })
    const tests = node('--test')
    expect([tests.status, /fail (\d+)/.exec(tests.stdout)?.[1]]).toEqual([0, '0'])
    const types = node(installed('typescript/bin/tsc'))
    expect([types.status, types.stdout]).toEqual([0, ''])
    expect(await box.json(['init', '--force'], inProject)).toMatchObject({ code: 0, value: { written: [] } })
  })

  it('keeps the type that npm wrote where there are files of it', async () => {
    box.write('my-shop/index.js', 'module.exports = 1\n')
    const scripts = { test: 'echo "Error: no test specified" && exit 1' }
    box.write('my-shop/package.json', JSON.stringify({ name: 'x', type: 'commonjs', scripts }))
    const made = await box.run(['init'], inProject)
    expect(made.stderr).toContain('where npm had filled it in: scripts.test\n')
    expect(made.stderr).toContain('which says otherwise than a new project would: type\n')
    expect(made.stderr).toContain('must say "type": "module", or the project needs a folder of its own.')
    expect(manifest()).toMatchObject({ type: 'commonjs', scripts: { test: 'node --test' } })
  })

  it('is told what its package.json says otherwise', async () => {
    box.write('my-shop/package.json', JSON.stringify({ name: 'x', type: 'commonjs', scripts: { test: 'mine' } }))
    const made = await box.run(['init'], inProject)
    expect(made.stderr).toContain('which says otherwise than a new project would: type, scripts.test\n')
    expect(made.stderr).toContain('package.json must say "type": "module", or ')
    expect(manifest()).toMatchObject({ type: 'commonjs', scripts: { test: 'mine', types: 'tsc' } })
    box.write('my-shop/package.json', '[broken')
    expect(await box.json(['init'], inProject)).toMatchObject({ code: 4, value: { error: { code: 'FILES_EXIST' } } })
    expect(await box.run(['init', '--force'], inProject)).toMatchObject({ code: 0 })
    expect(readFileSync(project('package.json'), 'utf8')).toBe('[broken')
  })

  it('may have other files', async () => {
    box.write('my-shop/.git/config', '')
    expect(await box.run(['init'], inProject)).toMatchObject({ code: 0 })
  })
})

describe('a folder that is named', () => {
  it('is made, and the project has its name', async () => {
    const made = await box.run(['init', 'apps/new-shop'])
    expect(made.code).toBe(0)
    expect(made.stdout).toMatch(
      /^new-shop, in apps\/new-shop\/: package\.json, .*\n\n {2}cd apps\/new-shop\n {2}npm install\n {2}npm run dev\n$/,
    )
    const folder = join(box.folder, 'apps/new-shop')
    expect(readdirSync(folder).sort()).toEqual(FILES)
    const { name, dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly name: string
      readonly dependencies: { readonly ballet: string }
    }
    expect([name, dependencies.ballet]).toEqual(['new-shop', `file:${relative(folder, repository).replace(/\/$/, '')}`])
    expect(await box.json(['init', 'apps/new-shop'])).toMatchObject({
      code: 4,
      value: { error: { code: 'FILES_EXIST' } },
    })
  })

  it('may be there, be this one, or have another name than the project', async () => {
    expect(await box.json(['init', 'my-shop'])).toMatchObject({
      code: 0,
      value: { name: 'my-shop', folder: project() },
    })
    box.write('other/notes.txt', 'mine')
    const here = await box.json(['init', '.'], { cwd: 'other' })
    expect(here).toMatchObject({ code: 0, value: { name: 'other', next: ['npm install', 'npm run dev'] } })
    const named = await box.json(['init', 'My Shop', '--name', 'mine'])
    expect(named.value).toMatchObject({ name: 'mine', next: ["cd 'My Shop'", 'npm install', 'npm run dev'] })
  })

  it('may not be a file', async () => {
    box.write('taken', 'mine')
    const refused = await box.json(['init', 'taken'])
    expect(refused).toMatchObject({ code: 4, value: { error: { code: 'FILES_EXIST' } } })
    expect(readFileSync(join(box.folder, 'taken'), 'utf8')).toBe('mine')
  })

  it('may not be where the system takes no folder', async () => {
    const { code, stderr } = await box.run(['init', '/proc/my-shop/deep'])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/Nothing can be written into .*deep: E.*FOLDER_REFUSED/s)])
  })

  it('may not be in a file, or a link to what is not there', async () => {
    box.write('taken', 'mine')
    symlinkSync(join(box.folder, 'nowhere'), join(box.folder, 'dangling'))
    for (const folder of ['taken/shops/mine', 'dangling']) {
      const detail: unknown = expect.stringContaining(` has ${folder.split('/', 1)[0]} already`)
      expect(await box.json(['init', folder])).toMatchObject({
        code: 4,
        value: { error: { code: 'FILES_EXIST', detail } },
      })
    }
  })
})

it.each(['My-Shop', 'a b', '9lives', '-x', 'x'.repeat(65)])('refuses the name %s', async (name) => {
  const refused = await box.run(['init', '--', name], inProject)
  expect([refused.code, refused.stderr.includes('or give one with --name')]).toEqual([2, true])
  expect((await box.run(['init', `--name=${name}`], inProject)).code).toBe(2)
  expect(readdirSync(project())).toEqual([])
})
