// Puts the sources together into the JavaScript of dist/: a file for each door and for what runs in a process or a thread of
// its own, and in dist/parts what several of them share, because Node takes longer to find and link three hundred files than
// to run them. Nothing is shortened or renamed; what is written about it stands in the declarations. Run by build.mjs under Node 24; the declarations are the compiler's.
//   node bundle.mjs <sources> <target>
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { rolldown } from 'rolldown'

const [sources, target] = process.argv.slice(2)

/** What is started by its name (src/core/own-files.ts). */
const PROGRAMS = ['cli/main', 'cli/compare/worker', 'engine/watchdog-thread', 'stores/sqlite/worker']
const doors = readdirSync(sources)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length))

const bundle = await rolldown({
  input: Object.fromEntries([...doors, ...PROGRAMS].map((name) => [name, join(sources, `${name}.ts`)])),
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
  platform: 'node',
  // Some files are loaded late by the command, and at once by the engine.
  checks: { ineffectiveDynamicImport: false },
  onLog(level, { message }) {
    throw new Error(`${level}: ${message}`)
  },
})
const { output } = await bundle.generate({
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'parts/[name].js',
  comments: { jsdoc: false },
})
await bundle.close()

const finder = output.find(({ moduleIds }) => moduleIds.includes(join(sources, 'core', 'own-files.ts')))
if (finder === undefined || dirname(finder.fileName) !== 'parts')
  throw new Error('core/own-files.ts has to be in dist/parts: it finds the others from there')

for (const { fileName, code } of output) {
  const path = join(target, fileName)
  mkdirSync(dirname(path), { recursive: true })
  // Whoever reads it meanwhile finds the old one or the new one.
  writeFileSync(`${path}.new`, code)
  renameSync(`${path}.new`, path)
}
const made = new Set(output.map(({ fileName }) => join(target, fileName)))
for (const name of readdirSync(target, { recursive: true })) {
  const path = join(target, name)
  // The pages are made by dashboard.mjs.
  if (/^dashboard(?:[\\/]|$)/.test(name)) continue
  if (/\.js(?:\.new)?$/.test(path) && !made.has(path)) rmSync(path)
}
