// Reads the repository for the tidy test: every text that is committed, with what is needed to judge it. A rule sees
// only this list and never the disk, so that each rule can also be tried on a few made-up files.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mask } from './mask.ts'

/** One committed text. `code` is the text without comments and contents of strings, see mask.ts. */
export interface Source {
  /** From the root of the repository, with slashes. */
  readonly path: string
  readonly text: string
  readonly code: string
}

/** What a rule finds wrong, a line for each place. */
export type Rule = (sources: readonly Source[]) => string[]

const notCommitted = new Set(['.git', '.ballet', 'node_modules', 'dist', 'coverage'])
const textual = /(?:\.(?:ts|tsx|mts|mjs|js|json|md|yaml|yml|sql|html|css|sh|txt)|\/\.[a-z]+|\/run|LICENSE)$/

export function source(path: string, text: string): Source {
  // In JSX the slash of a tag begins no regular expression.
  const plain = path.endsWith('x') ? text.replaceAll('</', '< ').replaceAll('/>', ' >') : text
  return { path, text, code: /\.m?[jt]sx?$/.test(path) ? mask(plain) : '' }
}

/** Every committed text under `root`. */
export function readSources(root: string): Source[] {
  const found: Source[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (notCommitted.has(entry.name)) continue
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) visit(path)
      else if (entry.isFile() && textual.test(`/${path}`))
        found.push(source(path, readFileSync(join(root, path), 'utf8')))
    }
  }
  visit('')
  return found
}

export const isTest = (path: string): boolean => /\.test(?:-d)?\.ts$/.test(path) || path.startsWith('test/')

export const isTypeScript = ({ path }: Source): boolean => /\.tsx?$/.test(path)

export const isProduct = (file: Source): boolean =>
  file.path.startsWith('src/') && isTypeScript(file) && !isTest(file.path)

export const lineAt = (text: string, position: number): number => text.slice(0, position).split('\n').length

/** Every place in the code of `file` that `pattern` finds, as `path:line  what stands there`. */
export function places(file: Source, pattern: RegExp, where: 'code' | 'text' = 'code'): string[] {
  return [...file[where].matchAll(new RegExp(pattern, `${pattern.flags.replace('g', '')}g`))].map(
    (match) => `${file.path}:${lineAt(file.text, match.index)}  ${match[0].trim().slice(0, 80)}`,
  )
}

/** A rule that finds a pattern in the code of the files that `applies` picks. */
export function forbid(applies: (file: Source) => boolean, ...patterns: readonly RegExp[]): Rule {
  return (sources) => sources.filter(applies).flatMap((file) => patterns.flatMap((pattern) => places(file, pattern)))
}

/** The modules that a file names: imports, re-exports, dynamic imports and imports of types. */
export function imports(file: Source): { readonly specifier: string; readonly line: number }[] {
  return [...file.code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*(['"])/g)].map((match) => {
    const start = match.index + match[0].length
    const end = file.text.indexOf(match[1]!, start)
    return { specifier: file.text.slice(start, end), line: lineAt(file.text, start) }
  })
}
