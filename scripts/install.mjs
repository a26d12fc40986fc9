// What the repository's commands share before anything is installed: is the installation complete, complete it, and
// which Node is the right one. Runs on Node 18 and later with no package at all. The invariant: when `ensureInstalled`
// returns, node_modules holds what package-lock.json says. Called by start.mjs, test.mjs and verify.mjs.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const readJson = (...path) => JSON.parse(readFileSync(join(...path), 'utf8'))

/** Why the installation in a folder is not what its package-lock.json asks for, or undefined when it is. */
export function whatIsMissing(folder = root) {
  if (!existsSync(join(folder, 'node_modules'))) return 'nothing is installed yet'
  // npm writes this record last, so that an interrupted installation has none.
  if (!existsSync(join(folder, 'node_modules', '.package-lock.json'))) return 'the last installation did not finish'
  const wanted = readJson(folder, 'package-lock.json').packages
  const installed = readJson(folder, 'node_modules', '.package-lock.json').packages
  for (const [path, { version, optional, link }] of Object.entries(wanted)) {
    const found = installed[path]
    // The repository itself is not a package in it, and an optional one may be the binary of another platform.
    if (path === '' || (found === undefined && optional)) continue
    if (found === undefined) return `${path} is not installed`
    if (found.version !== version) return `${path} is of another version than package-lock.json says`
    if (link && !existsSync(join(folder, path))) return `${path} is not linked`
  }
  if (nodeBinary(folder) === undefined) return 'Node 24 is not installed'
  return undefined
}

/** Node 24: the one that was installed with the packages, else this very process when it is new enough. */
export function nodeBinary(folder = root) {
  const local = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(local)) return local
  return Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : undefined
}

/** Installs what is missing. Ends the process with npm's own exit code when that fails. */
export function ensureInstalled() {
  const reason = whatIsMissing()
  if (reason === undefined) return
  console.log(`ballet: installing the packages (${reason}); this takes about half a minute`)
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status, error } = spawnSync(npm, ['ci', '--no-progress', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (error) console.error(`ballet: npm cannot be run: ${error.message}`)
  if (status !== 0) {
    console.error('ballet: the installation failed; what npm says about it stands above')
    process.exit(status || 1)
  }
}

/** The environment in which `node` and every installed command mean the installed ones. */
export function environment(extra = {}) {
  const bin = join(root, 'node_modules', '.bin')
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, ...extra }
}

/**
 * Runs one program under Node 24 and resolves with its exit code. Signals are passed on, except an interrupt typed at
 * a terminal, which the terminal has already sent to the whole group.
 */
export function runNode(args, { cwd = root, env } = {}) {
  const child = spawn(nodeBinary(), args, { cwd, stdio: 'inherit', env: environment(env) })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const pass = (signal) => {
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  for (const signal of signals) process.on(signal, pass)
  // npm starts a script through a shell, which ends at a signal without passing it on: an orphan ends its child.
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM')
  }, 500)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      for (const name of signals) process.off(name, pass)
      resolve(code ?? 128 + (signalNumbers[signal] ?? 0))
    })
  })
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 }

/** The file of an installed command, so that Node 24 runs it without a shell between. */
export function commandFile(packageName, command = packageName) {
  const { bin } = readJson(root, 'node_modules', packageName, 'package.json')
  return join(root, 'node_modules', packageName, typeof bin === 'string' ? bin : bin[command])
}
