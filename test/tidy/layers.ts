// The rules about what depends on what: who may import whom, which packages, no cycles, and where time and chance may
// come from. Test files are free in their imports; what users run is not.
import { posix } from 'node:path'
import { forbid, imports, isProduct, isTest, type Rule, type Source } from './sources.ts'

const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  define: ['core'],
  stores: ['core'],
  telemetry: ['core', 'define'],
  transports: ['core'],
  engine: ['core', 'define', 'telemetry'],
  server: ['core', 'define', 'engine'],
  testing: ['core', 'define', 'stores', 'transports', 'engine'],
  cli: ['core', 'define', 'stores', 'transports', 'engine', 'server', 'testing', 'door'],
  door: ['core', 'define', 'stores', 'transports', 'engine', 'server', 'testing', 'cli', 'door'],
}
const packages: Readonly<Record<string, readonly string[]>> = {
  define: ['croner'],
  server: ['hono', '@hono/node-server'],
  stores: ['postgres'],
  transports: ['@nats-io/jetstream'],
}
const pure = new Set(['core', 'define'])

/** The folder under src/ that a file belongs to, or `door` for the files that stand in src/ itself. */
const layerOf = (path: string): string => (path.split('/').length === 2 ? 'door' : path.split('/')[1]!)

const target = (from: Source, specifier: string): string => posix.join(posix.dirname(from.path), specifier)

export const layering: Rule = (sources) =>
  sources.filter(isProduct).flatMap((file) => {
    const layer = layerOf(file.path)
    const allowed = layers[layer]
    if (allowed === undefined) return [`${file.path}  src/${layer} is not a layer`]
    return imports(file).flatMap(({ specifier, line }) => {
      const at = `${file.path}:${line}  ${specifier}`
      if (!specifier.startsWith('.')) return []
      const path = target(file, specifier)
      if (!path.startsWith('src/')) return [`${at}: outside of src`]
      if (isTest(path)) return [`${at}: a test`]
      return layerOf(path) === layer || allowed.includes(layerOf(path)) ? [] : [`${at}: ${layer} may not import it`]
    })
  })

export const packageImports: Rule = (sources) =>
  sources.filter(isProduct).flatMap((file) => {
    const layer = layerOf(file.path)
    return imports(file)
      .filter(({ specifier }) => !specifier.startsWith('.'))
      .filter(({ specifier }) =>
        specifier.startsWith('node:')
          ? pure.has(layer)
          : !(packages[layer] ?? []).some((name) => specifier === name || specifier.startsWith(`${name}/`)),
      )
      .map(({ specifier, line }) => `${file.path}:${line}  ${specifier}`)
  })

/** The words that the dashboard shares with the command come through one file, by one file. */
const SHARED = { from: 'dashboard/src/shown.ts', to: 'src/cli/shown.ts' }

/** Examples and measurements use the package as its users do; the dashboard does but for the words that it shares. */
export const publicDoors: Rule = (sources) =>
  sources
    .filter(({ path }) => /^(?:examples|bench|template|dashboard)\//.test(path))
    .flatMap((file) =>
      imports(file)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .filter(({ specifier }) => /^(?:src|dist)\//.test(target(file, specifier)))
        .filter(({ specifier }) => file.path !== SHARED.from || target(file, specifier) !== SHARED.to)
        .map(({ specifier, line }) => `${file.path}:${line}  ${specifier}`),
    )

/** What the dashboard shares with the command runs in a browser: nothing that it leads to asks for Node. */
export const browserReady: Rule = (sources) => {
  const files = new Map(sources.filter(isProduct).map((file) => [file.path, file]))
  const seen = new Set([SHARED.to])
  const found: string[] = []
  for (const path of seen) {
    const file = files.get(path)
    for (const { specifier, line } of file === undefined ? [] : runtimeImports(file)) {
      if (!specifier.startsWith('.')) found.push(`${path}:${line}  ${specifier}`)
      else if (file !== undefined) seen.add(target(file, specifier))
    }
  }
  return found
}

/** Imports that are there when the file runs: those of types are gone by then. */
const runtimeImports = (file: Source): ReturnType<typeof imports> =>
  imports(file).filter(({ specifier, line }) => {
    const end = file.text.split('\n').slice(0, line).join('\n').length
    const statement =
      file.text
        .slice(0, end)
        .split(/\n(?=import|export)/)
        .at(-1) ?? ''
    return !/^(?:import|export) type\b/.test(statement) || !statement.includes(specifier)
  })

export const cycles: Rule = (sources) => {
  const files = new Map(sources.filter(isProduct).map((file) => [file.path, file]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: Source, trail: readonly string[]): void => {
    const seen = trail.indexOf(file.path)
    if (seen !== -1) {
      found.push([...trail.slice(seen), file.path].join(' -> '))
      return
    }
    if (done.has(file.path)) return
    for (const { specifier } of imports(file)) {
      const imported = specifier.startsWith('.') ? files.get(target(file, specifier)) : undefined
      if (imported !== undefined) visit(imported, [...trail, file.path])
    }
    done.add(file.path)
  }
  for (const file of files.values()) visit(file, [])
  return found
}

const time = [
  /(?<![\w$])Date\s*\.\s*now\b/,
  /(?<![\w$.])new\s+Date\b(?!\s*\(\s*[^\s)])/,
  /(?<![\w$.])(?<!new\s+)Date\s*\(/,
  /(?<![\w$])performance\s*\.\s*now\b/,
  /\bhrtime\b/,
  /(?<![\w$])Math\s*\.\s*random\b/,
  /(?<![\w$.])(?:globalThis\s*\.\s*)?(?:setTimeout|setInterval)\b/,
  /\bAbortSignal\s*\.\s*timeout\b/,
]

/** The clock is the only place that reads the time, waits, or throws dice. */
export const clock: Rule = (sources) => [
  ...forbid((file) => isProduct(file) && file.path !== 'src/engine/clock.ts', ...time)(sources),
  ...sources.filter(isProduct).flatMap((file) =>
    imports(file)
      .filter(({ specifier }) => /^(?:node:)?timers\b/.test(specifier) && file.path !== 'src/engine/clock.ts')
      .map(({ specifier, line }) => `${file.path}:${line}  ${specifier}`),
  ),
]

/** JSON.parse misreads keys; the one file that knows how to avoid it reads JSON for all of the product. */
export const jsonReading: Rule = forbid(
  (file) => isProduct(file) && file.path !== 'src/core/json-text.ts',
  /(?<![\w$.])JSON\s*\.\s*parse\b/,
)

export const purity: Rule = forbid(
  (file) => isProduct(file) && pure.has(layerOf(file.path)),
  /(?<![\w$.])(?:process|globalThis|crypto|performance|Buffer|window)\s*(?:\.|\[)/,
  /(?<![\w$.])(?:fetch|setImmediate|queueMicrotask|require)\s*\(/,
  /(?<![\w$.])new\s+(?:Worker|WebSocket|MessageChannel)\b/,
)
