// The rules about what is written besides code: words that have no place in the repository, links that lead nowhere,
// and documents and settings that must agree with the source they speak of.
import { posix } from 'node:path'
import { closing } from './functions.ts'
import { isTest, places, type Rule, type Source } from './sources.ts'

/** What belongs to the desk and not to the project. Whole phrases, so that a user agent or a session cookie passes. */
const desk = [
  /\b(?:sub-?|coding )agents?\b/i,
  /\bAI\b/,
  /\b(?:this|previous|earlier|next|last) session\b(?!\s+(?:cookie|token|id))/i,
  /\bco-authored-by\b/i,
]
const machine = [/(?<![\w.\-/])\/(?:work|root)\/[\w.]/, /\/tmp\/bash/, /\bregistry\.[a-z0-9-]+\.[a-z]{2,}\b/]

const whole = (file: Source, patterns: readonly RegExp[]): string[] =>
  patterns.flatMap((pattern) => places(file, pattern, 'text'))

export const words: Rule = (sources) => sources.flatMap((file) => whole(file, desk))

export const machinePaths: Rule = (sources) => sources.flatMap((file) => whole(file, machine))

/** The lock serves every registry and mirror only while it names none. */
export const lockNamesNoHost: Rule = (sources) =>
  sources
    .filter(({ path }) => path === 'package-lock.json')
    .flatMap((file) => places(file, /"resolved": "(?:https?|git|ssh)[^"]*"/, 'text'))

const withoutFences = (text: string): string =>
  text.replace(/^(```|~~~)[\s\S]*?^\1/gm, (fence) => fence.replace(/[^\n]/g, ' '))

/** The anchor that a heading gets where Markdown is shown. */
const slug = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchors = (file: Source): Set<string> =>
  new Set([...withoutFences(file.text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].map((match) => slug(match[1]!)))

export const links: Rule = (sources) => {
  const files = new Map(sources.map((file) => [file.path, file]))
  const isFolder = (path: string): boolean =>
    sources.some((file) => file.path.startsWith(`${path.replace(/\/$/, '')}/`))
  return sources
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((file) =>
      [...withoutFences(file.text).matchAll(/\]\(\s*<?([^()\s>]+)>?[^()]*\)/g)]
        .map((match) => match[1]!)
        .filter((link) => !/^[a-z][a-z0-9+.-]*:|^\/\//i.test(link))
        .filter((link) => {
          const [name = '', anchor] = link.split('#')
          const path = name === '' ? file.path : posix.join(posix.dirname(file.path), decodeURI(name))
          const found = files.get(path)
          if (found === undefined) return !(anchor === undefined && (path === '.' || isFolder(path)))
          return anchor !== undefined && path.endsWith('.md') && !anchors(found).has(anchor)
        })
        .map((link) => `${file.path}  ${link}`),
    )
}

const catalogueFile = 'src/core/errors.ts'
const errorsDocument = 'docs/errors.md'

/** The keys of `export const catalogue = { ... }`, read from the text. */
function catalogueCodes({ code }: Source): string[] {
  const declaration = /\bexport\s+const\s+catalogue\b[\s\S]*?=[^>][\s\S]*?(?=\{)/.exec(code)
  if (declaration === null) return []
  const open = declaration.index + declaration[0].length
  const end = closing(code, open) - 1
  let flat = ''
  for (let at = open + 1; at < end; at += 1) {
    flat += code.charAt(at)
    // What is nested in an entry is not a code.
    if (/[[({]/.test(code.charAt(at))) at = closing(code, at) - 1
  }
  return [...flat.matchAll(/(?:^|[,\s])([A-Z][A-Z0-9_]*)\s*:/g)].map((match) => match[1]!)
}

export const errorsDocumented: Rule = (sources) => {
  const catalogue = sources.find(({ path }) => path === catalogueFile)
  const document = sources.find(({ path }) => path === errorsDocument)
  if (catalogue === undefined) return [`${catalogueFile} is missing`]
  if (document === undefined) return [`${errorsDocument} is missing`]
  const known = catalogueCodes(catalogue)
  const described = [...withoutFences(document.text).matchAll(/^##\s+`?([A-Z][A-Z0-9_]*)`?\s*$/gm)].map(
    (match) => match[1]!,
  )
  return [
    ...(known.length === 0 ? [`${catalogueFile}  no catalogue was found`] : []),
    ...known.filter((code) => !described.includes(code)).map((code) => `${errorsDocument} says nothing of ${code}`),
    ...described
      .filter((code) => !known.includes(code))
      .map((code) => `${errorsDocument} describes ${code}, which does not exist`),
    ...described
      .filter((code, at) => described.indexOf(code) !== at)
      .map((code) => `${errorsDocument} describes ${code} twice`),
  ]
}

/** Each sub-path that users can import has its door in src/, and each door is one. */
export const doors: Rule = (sources) => {
  const file = sources.find(({ path }) => path === 'package.json')
  if (file === undefined) return ['package.json is missing']
  const { exports = {} } = JSON.parse(file.text) as { exports?: Record<string, string | Record<string, string>> }
  const built = Object.values(exports)
    .flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))
    .filter((path) => path.startsWith('./dist/'))
  const exported = new Set(built.map((path) => path.replace('./dist/', 'src/').replace(/(?:\.d)?\.(?:js|ts)$/, '.ts')))
  const existing = sources.map(({ path }) => path).filter((path) => /^src\/[^/]+\.ts$/.test(path) && !isTest(path))
  return [
    ...[...exported]
      .filter((path) => !existing.includes(path))
      .map((path) => `package.json exports ${path}, which does not exist`),
    ...existing
      .filter((path) => !exported.has(path))
      .map((path) => `${path} stands where doors stand and is not exported`),
  ]
}
