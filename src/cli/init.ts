// `ballet init`: a new project in a folder that it makes, or in the current one, from the template of this package: a small
// application that works, with its tests. Nothing that is there is ever changed or removed; a package.json is completed,
// and what npm alone has said in it gives way (init-package.ts).
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fault, isBalletError } from '../core/errors.ts'
import { parseText } from '../core/json-text.ts'
import { isRecord } from '../core/json.ts'
import { ownPackage } from '../core/own-files.ts'
import { balletVersion } from '../engine/ballet-version.ts'
import type { Command, Given } from './command.ts'
import { EXIT } from './exit-code.ts'
import { completed, packageOf, type PackageFile } from './init-package.ts'
import { usage } from './parse.ts'
import { printable } from './printable.ts'
import { print } from './terminal.ts'
import { shellWord } from './why-waiting.ts'

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
  about: 'Make a new project: an application that works, with its tests.',
  words: [{ name: 'folder', about: 'Made if it is not there; default: this folder.', optional: true }],
  options: {
    name: { value: '<name>', about: 'Name of the project; default: that of the folder.' },
    force: { about: 'Write what is missing where some of the files are there; those stay as they are.' },
  },
  examples: ['ballet init my-shop', 'ballet init', 'ballet init apps/shop --name my-shop'],
  async run(given, terminal) {
    const folder = resolve(terminal.cwd, given.words[0] ?? '.')
    const name = nameOf(given, folder)
    refusing(folder, () => makeFolder(folder))
    const source = dependencyOn(packageRoot, folder, balletVersion())
    const path = join(folder, PACKAGE)
    const before = existsSync(path) ? readFileSync(path, 'utf8') : null
    const own = completed(before, packageOf(name, source), readdirSync(folder).some(isCode))
    const files = projectFiles(name, own)
    const there = [...files.keys()].filter((file) => existsSync(join(folder, file)))
    // What npm wrote when Ballet was installed here is completed; it is in nobody's way.
    const inTheWay = there.filter((file) => file !== PACKAGE || own === null)
    if (inTheWay.length > 0 && !given.flag('force')) throw fault('FILES_EXIST', { folder, files: inTheWay })
    const written = [...files].filter(([file]) => !there.includes(file))
    // Not over a file that came in between.
    const write = ([file, text]: readonly [string, string]): void =>
      writeFileSync(join(folder, file), text, { flag: 'wx' })
    refusing(folder, () => written.forEach(write))
    const [added, replaced] = there.includes(PACKAGE) ? [own?.added ?? [], own?.replaced ?? []] : [[], []]
    const isCompleted = own !== null && added.length + replaced.length > 0
    if (isCompleted) writeFileSync(path, own.text)
    const paths = [...written.map(([file]) => file), ...(isCompleted ? [PACKAGE] : [])]
    const left = there.filter((file) => !paths.includes(file))
    const place = relative(terminal.cwd, folder).replaceAll('\\', '/')
    const next = [...(place === '' ? [] : [`cd ${shellWord(place)}`]), 'npm install', 'npm run dev']
    print(terminal, given.flag('json'), { name, folder, ballet: source, written: paths, kept: left, next }, () => [
      `${name}, in ${place === '' ? 'this folder' : printable(`${place}/`)}: ${paths.length === 0 ? 'nothing was missing' : paths.join(', ')}`,
      '',
      ...next.map((command) => `  ${command}`),
    ])
    if (source.startsWith('file:') && paths.includes(PACKAGE))
      terminal.note(`It depends on the Ballet that made it, ${source}, which came from no registry.`)
    if (added.length > 0) terminal.note(`Added to ${PACKAGE}: ${added.join(', ')}`)
    if (replaced.length > 0)
      terminal.note(`Said anew in ${PACKAGE}, where npm had filled it in: ${replaced.join(', ')}`)
    if (left.length > 0) terminal.note(`Left as they are: ${left.join(', ')}`)
    const other = (own?.kept ?? []).filter((key) => key === 'type' || key.startsWith('scripts.'))
    if (other.length > 0)
      terminal.note(`Left in ${PACKAGE}, which says otherwise than a new project would: ${other.join(', ')}`)
    if (other.includes('type'))
      terminal.note(
        `The files of the project are modules: ${PACKAGE} must say "type": "module", or the project needs a folder of its own.`,
      )
    return EXIT.ok
  },
}

/** Whether this is a file of which the `type` of its package says what it is, or a folder in which such files are to be expected. */
const isCode = (file: string): boolean => /\.[jt]sx?$/.test(file) || /^(?:src|lib|bin|test)$/.test(file)

/** What the system does not let us write, in words. @throws FOLDER_REFUSED */
function refusing(folder: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (isBalletError(error) || !(error instanceof Error && 'syscall' in error)) throw error
    throw fault('FOLDER_REFUSED', { folder, problem: error.message }, error)
  }
}

/** @throws FILES_EXIST where something else has that name, or that of a folder which it is to be in */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  const above = dirname(folder)
  makeFolder(above)
  // Also a link to what is not there.
  if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined)
    throw fault('FILES_EXIST', { folder: above, files: [basename(folder)] })
  mkdirSync(folder)
}

/** The name that is given, or that of the folder; of the folder in which the command runs what of it can be a name. @throws USAGE */
function nameOf(given: Given, folder: string): string {
  const word = given.words[0]
  const name = given.text('name') ?? (word === undefined || /^\.?\/*$/.test(word) ? undefined : basename(folder))
  if (name === undefined) {
    const own = basename(folder)
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-')
      .replace(/^[^a-z]+|-+$/g, '')
    return NAME.test(own) ? own : PLACEHOLDER
  }
  if (NAME.test(name)) return name
  const todo = given.text('name') === undefined ? ', or give one with --name' : ''
  throw usage(
    init,
    `"${name}" cannot be the name of a project: use up to 64 small letters, digits, - and _, a letter first${todo}.`,
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
