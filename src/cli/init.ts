// `ballet init`: a new project in the current folder, from the template of this package: a small application that
// works, with its tests. Nothing that is there is ever changed or removed; a package.json is completed.
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fault } from '../core/errors.ts'
import { parseText } from '../core/json-text.ts'
import { isRecord } from '../core/json.ts'
import { ownPackage } from '../core/own-files.ts'
import { balletVersion } from '../engine/ballet-version.ts'
import type { Command } from './command.ts'
import { EXIT } from './exit-code.ts'
import { completed, packageOf, type PackageFile } from './init-package.ts'
import { usage } from './parse.ts'
import { print } from './terminal.ts'

/** The name that the files of the template have in the place of the project's. */
const PLACEHOLDER = 'ballet-app'
/** Both a name of npm and one of an application. */
const NAME = /^[a-z][a-z0-9_-]{0,63}$/
/** A file of this name would be taken for one of this package, when it is packed. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: '.gitignore' }

const PACKAGE = 'package.json'

const packageRoot = fileURLToPath(ownPackage)

export const init: Command = {
  name: 'init',
  about: 'Make a new project in this folder: an application that works, with its tests.',
  words: [{ name: 'name', about: 'Name of the project; default: that of the folder.', optional: true }],
  options: { force: { about: 'Write what is missing where some of the files are there; those stay as they are.' } },
  examples: ['ballet init', 'ballet init my-shop'],
  async run(given, terminal) {
    const folder = terminal.cwd
    const name = nameOf(given.words[0], folder)
    const source = dependencyOn(packageRoot, folder, balletVersion())
    const path = join(folder, PACKAGE)
    const own = completed(existsSync(path) ? readFileSync(path, 'utf8') : null, packageOf(name, source))
    const files = projectFiles(name, own)
    const there = [...files.keys()].filter((file) => existsSync(join(folder, file)))
    // What npm wrote when Ballet was installed here is completed; it is in nobody's way.
    const inTheWay = there.filter((file) => file !== PACKAGE || own === null)
    if (inTheWay.length > 0 && !given.flag('force')) throw fault('FILES_EXIST', { folder, files: inTheWay })
    const written = [...files].filter(([file]) => !there.includes(file))
    for (const [file, text] of written) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      // Not over a file that came in between.
      writeFileSync(join(folder, file), text, { flag: 'wx' })
    }
    const added = there.includes(PACKAGE) ? (own?.added ?? []) : []
    if (own !== null && added.length > 0) writeFileSync(path, own.text)
    const paths = [...written.map(([file]) => file), ...(added.length > 0 ? [PACKAGE] : [])]
    const left = there.filter((file) => !paths.includes(file))
    const next = ['npm install', 'npm run dev']
    print(terminal, given.flag('json'), { name, folder, ballet: source, written: paths, kept: left, next }, () => [
      `${name}: ${paths.length === 0 ? 'nothing was missing' : paths.join(', ')}`,
      '',
      ...next.map((command) => `  ${command}`),
    ])
    if (source.startsWith('file:') && paths.includes(PACKAGE))
      terminal.note(`It depends on the Ballet that made it, ${source}, which came from no registry.`)
    if (added.length > 0) terminal.note(`Added to ${PACKAGE}: ${added.join(', ')}`)
    if (left.length > 0) terminal.note(`Left as they are: ${left.join(', ')}`)
    const other = (own?.kept ?? []).filter((key) => key === 'type' || key.startsWith('scripts.'))
    if (other.length > 0)
      terminal.note(`Left in ${PACKAGE}, which says otherwise than a new project would: ${other.join(', ')}`)
    if (other.includes('type'))
      terminal.note(`The files of the project are modules: ${PACKAGE} must say "type": "module".`)
    return EXIT.ok
  },
}

function nameOf(given: string | undefined, folder: string): string {
  if (given === undefined) {
    const own = basename(folder)
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-')
      .replace(/^[^a-z]+|-+$/g, '')
    return NAME.test(own) ? own : PLACEHOLDER
  }
  if (NAME.test(given)) return given
  throw usage(
    init,
    `"${given}" cannot be the name of a project: use up to 64 small letters, digits, - and _, a letter first.`,
  )
}

/** The files of a project by their paths. */
function projectFiles(name: string, own: PackageFile | null): ReadonlyMap<string, string> {
  const template = join(packageRoot, 'template')
  const files = new Map([[PACKAGE, own?.text ?? '']])
  for (const file of readdirSync(template).sort()) {
    const text = readFileSync(join(template, file), 'utf8')
    files.set(RENAMED[file] ?? file, text.replaceAll(PLACEHOLDER, name))
  }
  return files
}

/**
 * How a project in `folder` gets the Ballet at `root`: from the registry if that is where this one came from, and else from
 * where this one is: the packed file that it was installed from, or the folder of the package. What is in no registry cannot
 * be installed from there.
 */
export function dependencyOn(root: string, folder: string, version: string): string {
  const origin = originOf(root)
  if (origin !== null && /^https?:/.test(origin)) return `^${version}`
  const packed =
    origin?.startsWith('file:') === true ? resolve(dirname(root), '..', origin.slice('file:'.length)) : root
  const place = realpathSync(existsSync(packed) ? packed : root)
  return `file:${relative(realpathSync(folder), place).replaceAll('\\', '/')}`
}

/** Where npm has got an installed package from, as it notes beside it; null when it does not say. */
function originOf(root: string): string | null {
  try {
    const noted = parseText(readFileSync(join(dirname(root), '.package-lock.json'), 'utf8'))
    const packages = isRecord(noted) && isRecord(noted['packages']) ? noted['packages'] : {}
    const own = packages[`node_modules/${basename(root)}`]
    const resolved = isRecord(own) ? own['resolved'] : undefined
    return typeof resolved === 'string' ? resolved : null
  } catch {
    // A clone, or what another package manager has installed.
    return null
  }
}
