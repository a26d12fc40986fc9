// Builds dist/: the declarations with tsc, the JavaScript with bundle.mjs, the pages with dashboard.mjs. Old output is
// replaced file by file and only what has no source any more is removed afterwards, so that a process which runs from dist/
// while it is rebuilt never finds it empty. With `--prepare` (npm calls it so at the end of an installation) a build that is
// up to date is left alone, and an error of the compiler is told but does not undo the installation: whoever is to mend the
// source needs the tools.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildDashboard } from './dashboard.mjs'
import { commandFile, ensureInstalled, root, runNode } from './install.mjs'

const stampFile = join(root, 'node_modules', '.ballet', 'built')

function filesUnder(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesUnder(path) : [path]
  })
}

/** Changes when a source, the build's settings or the compiler changes. */
function fingerprint() {
  const tools = ['typescript', 'rolldown'].map((name) => `node_modules/${name}/package.json`)
  const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/bundle.mjs', ...tools]
  const hash = createHash('sha256')
  for (const path of [...filesUnder(join(root, 'src')), ...settings.map((name) => join(root, name))].sort()) {
    if (/\.test(-d)?\.ts$/.test(path)) continue
    const { size, mtimeMs } = statSync(path)
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** Which declarations those of the doors are made of: nobody can see another. */
function seenDeclarations() {
  const seen = new Set()
  const see = (path) => {
    if (seen.has(path) || !existsSync(path)) return
    seen.add(path)
    for (const [, name] of readFileSync(path, 'utf8').matchAll(/\b(?:from|import)[\s(]*['"](\.[^'"]+)\.[jt]s['"]/g))
      see(join(dirname(path), `${name}.d.ts`))
  }
  const doors = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports
  for (const door of Object.values(doors)) if (door.types !== undefined) see(join(root, door.types))
  return seen
}

/** Of the declarations; of the JavaScript bundle.mjs knows itself what it made. */
function removeOrphans() {
  const seen = seenDeclarations()
  for (const path of filesUnder(join(root, 'dist'))) if (path.endsWith('.d.ts') && !seen.has(path)) rmSync(path)
}

/** Resolves with the compiler's exit code. Nothing is compiled when `ifStale` is set and dist/ is up to date. */
export async function build({ ifStale = false } = {}) {
  const before = fingerprint()
  const built = existsSync(stampFile) && existsSync(join(root, 'dist')) ? readFileSync(stampFile, 'utf8') : ''
  if (ifStale && built === before) return buildDashboard()
  const declared = await runNode([commandFile('typescript', 'tsc'), '-p', 'tsconfig.build.json'])
  const bundled = await runNode([join(root, 'scripts', 'bundle.mjs'), join(root, 'src'), join(root, 'dist')])
  const paged = await buildDashboard()
  const code = declared || bundled || paged
  removeOrphans()
  mkdirSync(dirname(stampFile), { recursive: true })
  // A build that failed leaves no stamp, so that the next one does not believe it.
  writeFileSync(stampFile, code === 0 ? before : '')
  return code
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const prepare = process.argv.includes('--prepare')
  if (!prepare) ensureInstalled()
  const code = await build({ ifStale: prepare })
  if (prepare && code !== 0) console.error('ballet: dist/ could not be built; `npm run build` says why')
  process.exitCode = prepare ? 0 : code
}
