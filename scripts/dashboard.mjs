// Builds the pages of the dashboard into dist/dashboard, when one of their sources has changed. They are made aside first and
// then put in their place: new files, then the page that names them, then what it named before goes, so that a server which runs
// meanwhile never hands out a page whose files are not there. Called by build.mjs, under Node 24.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from './install.mjs'

const made = join(root, 'node_modules', '.ballet', 'dashboard')
const stampFile = join(root, 'node_modules', '.ballet', 'dashboard-built')
const target = join(root, 'dist', 'dashboard')

const filesUnder = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Changes with the content of what the pages are made of: the builder comes with package-lock.json. */
function fingerprint() {
  const hash = createHash('sha256')
  const shared = ['core', 'cli', 'define'].flatMap((name) => filesUnder(join(root, 'src', name)))
  const own = filesUnder(join(root, 'dashboard')).filter((path) => !path.includes('node_modules'))
  for (const path of [...own, ...shared, join(root, 'package-lock.json'), import.meta.filename].sort())
    if (!/\.test(-d)?\.ts$/.test(path)) hash.update(`${relative(root, path)}\n`).update(readFileSync(path))
  return hash.digest('hex')
}

/** Puts what was made in the place from which it is served. */
function place() {
  mkdirSync(target, { recursive: true })
  const names = filesUnder(made).map((path) => relative(made, path))
  for (const name of names.filter((one) => one !== 'index.html')) cpSync(join(made, name), join(target, name))
  cpSync(join(made, 'index.html'), join(target, 'index.html.new'))
  renameSync(join(target, 'index.html.new'), join(target, 'index.html'))
  for (const path of filesUnder(target)) if (!names.includes(relative(target, path))) rmSync(path)
}

/** Resolves with 0, or with 1 and the words of the builder when the pages cannot be built. */
export async function buildDashboard() {
  const before = fingerprint()
  const built = existsSync(stampFile) && existsSync(join(target, 'index.html')) ? readFileSync(stampFile, 'utf8') : ''
  if (built === before) return 0
  try {
    const { build } = await import('vite')
    // Libraries mark their files for frameworks that render on a server; nobody here does.
    const onLog = (level, log, handle) => log.code !== 'MODULE_LEVEL_DIRECTIVE' && handle(level, log)
    await build({
      root: join(root, 'dashboard'),
      logLevel: 'warn',
      build: { outDir: made, emptyOutDir: true, rolldownOptions: { onLog } },
    })
    place()
    writeFileSync(stampFile, before)
    return 0
  } catch (error) {
    console.error(`ballet: the dashboard could not be built: ${error.stack ?? error}`)
    return 1
  }
}
