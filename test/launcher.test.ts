// What a person meets before Ballet itself runs: the command under a Node that is too old, and the look of the
// repository's own commands at what is installed. Both run in processes and folders of their own.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const launcher = fileURLToPath(new URL('../bin/ballet.js', import.meta.url))
const installScript = new URL('../scripts/install.mjs', import.meta.url).href

interface Ended {
  readonly code: number | string | null | undefined
  readonly stdout: string
  readonly stderr: string
}

const run = (args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }))
  })

describe('the command under an older Node', () => {
  it('says in one sentence what it needs, and exits with 1', async () => {
    const older =
      'for (const [k, value] of [["version", "v18.20.4"], ["versions", { node: "18.20.4" }]]) Object.defineProperty(process, k, { value })'
    const { code, stdout, stderr } = await run([
      '--import',
      `data:text/javascript,${encodeURIComponent(older)}`,
      launcher,
    ])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^ballet needs Node\.js 24 or newer; this is v18\.20\.4: [^\n]+\.\n$/)
  })
})

describe('what is missing', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballet-install-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const put = async (path: string, packages?: Readonly<Record<string, unknown>>): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), packages === undefined ? '' : JSON.stringify({ packages }))
  }
  const whatIsMissing = async (): Promise<string> => {
    const script = `import { whatIsMissing } from '${installScript}'; console.log(whatIsMissing(process.argv[1]))`
    const { stdout, stderr } = await run(['--input-type=module', '--eval', script, folder])
    return stdout.trim() + stderr
  }
  const wanted = {
    '': { name: 'ballet' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/a-other-platform': { version: '1.0.0', optional: true },
    'node_modules/ballet': { link: true },
  }
  const installed = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/ballet': { link: true } }

  it('is nothing when the record of npm agrees with the lock', async () => {
    await put('package-lock.json', wanted)
    await put('node_modules/.package-lock.json', installed)
    await put('node_modules/ballet/package.json')
    expect(await whatIsMissing()).toBe('undefined')
  })

  it('is everything in a fresh clone', async () => {
    await put('package-lock.json', wanted)
    expect(await whatIsMissing()).toBe('nothing is installed yet')
  })

  it('is told when an installation was interrupted', async () => {
    await put('package-lock.json', wanted)
    await put('node_modules/a/package.json')
    expect(await whatIsMissing()).toBe('the last installation did not finish')
  })

  it('is a package that the lock has and the installation has not', async () => {
    await put('package-lock.json', { ...wanted, 'node_modules/b': { version: '1.0.0' } })
    await put('node_modules/.package-lock.json', installed)
    await put('node_modules/ballet/package.json')
    expect(await whatIsMissing()).toBe('node_modules/b is not installed')
  })

  it('is a package of another version', async () => {
    await put('package-lock.json', { ...wanted, 'node_modules/a': { version: '1.0.1' } })
    await put('node_modules/.package-lock.json', installed)
    expect(await whatIsMissing()).toBe('node_modules/a is of another version than package-lock.json says')
  })
})
