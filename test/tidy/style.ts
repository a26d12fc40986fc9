// The rules about how a file looks: its size, its name, its first lines, and the constructs that are not used here.
import { closing, functionLengths } from './functions.ts'
import { forbid, imports, isProduct, isTest, isTypeScript, lineAt, places, type Rule, type Source } from './sources.ts'

const isCode = ({ path }: Source): boolean =>
  /^(?:src|test|examples|bench|scripts|bin|template|dashboard)\/.*\.m?[jt]sx?$/.test(path)
const isOurs = (file: Source): boolean => isCode(file) && isTypeScript(file)

export const fileLength: Rule = (sources) =>
  sources
    .filter(isCode)
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > 400)
    .map(({ path, lines }) => `${path}  ${lines} lines`)

export const functionLength: Rule = (sources) =>
  sources.filter(isCode).flatMap((file) =>
    functionLengths(file)
      .filter(({ length }) => length > 70)
      .map(({ line, length }) => `${file.path}:${line}  ${length} lines`),
  )

const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/

export const fileNames: Rule = (sources) =>
  sources
    .map(({ path }) => path)
    .filter((path) => /^(?:src|test|examples|bench|scripts|docs|template|dashboard)\//.test(path))
    .filter((path) =>
      path.split('/').some((part) => !kebab.test(part) && part !== 'README.md' && !part.startsWith('.')),
    )

export const emptyNames: Rule = (sources) =>
  sources
    .map(({ path }) => path)
    .filter((path) =>
      path
        .split('/')
        .map((part) => part.replace(/\..*$/, ''))
        .some(
          (part) =>
            /^(?:utils?|helpers?|common|misc|.*-?manager)$/i.test(part) || /(?:V2|-v2|New|-new|Impl|-impl)$/.test(part),
        ),
    )

export const opening: Rule = (sources) =>
  sources
    .filter(isProduct)
    .filter(({ text }) => !/^\s*(?:\/\/|\/\*)/.test(text))
    .map(({ path }) => path)

export const anyType: Rule = forbid(isOurs, /(?<![\w$.])any(?![\w$]|\s*\(|\s*\??:)/)

export const notErasable: Rule = forbid(
  isOurs,
  /(?<![\w$.])enum\s+[\w$]+\s*\{/,
  /(?<![\w$.])(?:namespace|module)\s+[\w$.]+\s*\{/,
  /\bconstructor\s*\((?:[^)]*,)?\s*(?:private|public|protected|readonly|override)\s+(?:readonly\s+)?[\w$]+\s*[?:]/,
)

export const silencedCompiler: Rule = (sources) =>
  sources
    .filter(isCode)
    .flatMap((file) => [
      ...places(file, /@ts-(?:ignore|nocheck)/, 'text'),
      ...(isTest(file.path) ? [] : places(file, /@ts-expect-error/, 'text')),
    ])

export const bareErrors: Rule = forbid(isProduct, /(?<![\w$.])(?:Error|TypeError|RangeError)\s*\(/)

export const consoleUse: Rule = forbid(
  (file) => isProduct(file) && !file.path.startsWith('src/cli/'),
  /(?<![\w$.])console\s*[.[]/,
)

/** A promise that a timer settles is a sleep; a test waits for what it is about. */
export const sleeps: Rule = (sources) =>
  sources
    .filter((file) => isTest(file.path))
    .flatMap((file) => [
      ...[...file.code.matchAll(/\bnew\s+Promise\b[^(]*\(/g)]
        .filter(({ index, 0: head }) => {
          const open = index + head.length - 1
          return /\bsetTimeout\b/.test(file.code.slice(open, closing(file.code, open)))
        })
        .map(({ index }) => `${file.path}:${lineAt(file.text, index)}  a promise settled by a timer`),
      ...places(file, /\bpromisify\s*\(\s*setTimeout\b|\bAtomics\s*\.\s*wait\b/),
      ...imports(file)
        .filter(({ specifier }) => /^(?:node:)?timers\/promises$/.test(specifier))
        .map(({ specifier, line }) => `${file.path}:${line}  ${specifier}`),
    ])

/** A test is left out only by `context.skip(condition, 'the reason')`, which the report shows. */
export const skippedTests: Rule = forbid(
  (file) => isTest(file.path),
  /(?<![\w$.])(?:it|test|describe|suite)(?:\.\w+)*\.(?:skip|todo|only|skipIf|runIf|fails)\b/,
  /(?<![\w$.])x(?:it|test|describe)\s*\(/,
  /\bskip\s*\(\s*\)/,
  /\.skip\s*\((?![^()]*['"`])(?!\s*\))[^()]*\)/,
)
