// The `package.json` of a new project. One that is there, since npm made it when Ballet was installed in the folder, is
// completed by what it lacks; nothing that somebody says in it is changed. What `npm init` writes where nobody has said
// anything (that there is no test, and in a folder without code that its files are CommonJS) gives way.
import { parseText } from '../core/json-text.ts'
import { isRecord } from '../core/json.ts'

type Content = Readonly<Record<string, unknown>>

/** A `package.json` to be written, and what of it came from whom. */
export interface PackageFile {
  readonly text: string
  /** What was added to the one that was there: `type`, `scripts.dev`. */
  readonly added: readonly string[]
  /** What was said by npm alone, and is said otherwise now. */
  readonly replaced: readonly string[]
  /** What that one says otherwise than a new project would. */
  readonly kept: readonly string[]
}

/** The script of `npm init`, which fails. */
const NO_TEST = 'echo "Error: no test specified" && exit 1'

/** What a project of this name says, which gets Ballet from `source`. */
export function packageOf(name: string, source: string): Content {
  return {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: '>=24' },
    scripts: { dev: 'ballet dev app.ts', start: 'ballet serve app.ts', test: 'node --test', types: 'tsc' },
    dependencies: { ballet: source, zod: '^4.0.0' },
    devDependencies: { '@types/node': '^24.0.0', typescript: '^7.0.0' },
  }
}

/**
 * Completes what is there (null: nothing). Returns null for what is no `package.json`: it cannot be completed.
 * @param hasCode whether files beside it are what its `type` says.
 */
export function completed(there: string | null, wanted: Content, hasCode: boolean): PackageFile | null {
  const own = there === null ? {} : read(there)
  if (own === null) return null
  const added: string[] = []
  const replaced: string[] = []
  const kept: string[] = []
  const scripts = own['scripts']
  const isOfNpm = isRecord(scripts) && scripts['test'] === NO_TEST
  const nobodys = new Set(isOfNpm ? ['scripts.test', ...(own['type'] === 'commonjs' && !hasCode ? ['type'] : [])] : [])
  const complete = (mine: Content, other: Content, within: string): Content => {
    const whole: Record<string, unknown> = { ...mine }
    for (const [key, value] of Object.entries(other)) {
      const before = mine[key]
      if (before === undefined) added.push(within + key)
      else if (nobodys.has(within + key)) replaced.push(within + key)
      else if (!isRecord(before) && before !== value) kept.push(within + key)
      const left = nobodys.has(within + key) ? value : (before ?? value)
      whole[key] = isRecord(value) && isRecord(before) ? complete(before, value, `${key}.`) : left
    }
    return whole
  }
  const whole = complete(own, wanted, '')
  return { text: `${JSON.stringify(whole, null, 2)}\n`, added, replaced, kept }
}

function read(text: string): Content | null {
  try {
    const content = parseText(text)
    return isRecord(content) ? content : null
  } catch {
    return null
  }
}
