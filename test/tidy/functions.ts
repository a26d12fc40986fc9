// Finds the bodies of functions, methods and arrow functions in masked code and measures them, without a parser: a
// body is the brace after `=>`, or after a parenthesis (and a return type) that does not belong to a statement such as
// `if`. Where that is ambiguous it errs inside functions only, where a block is shorter than the function around it.
import { lineAt, type Source } from './sources.ts'

const pairs: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
const statement = /(?:^|[^\w$.])(?:if|for|while|switch|catch|with|for\s+await)\s*$/
const classHead = /(?:^|[^\w$.])class\b[^{};]*$/
/** A suite of tests is a list of functions, not a function. */
const suite = /(?:^|\n)[ \t]*describe(?:\.\w+)*\s*(?:\([^\n]*\))?\s*\([^\n]*$/

/** The position after the bracket that closes the one at `open`. */
export function closing(code: string, open: number): number {
  const stack: string[] = []
  for (let at = open; at < code.length; at += 1) {
    const char = code.charAt(at)
    const close = pairs[char]
    if (close !== undefined) stack.push(close)
    else if (char === stack.at(-1)) {
      stack.pop()
      if (stack.length === 0) return at + 1
    }
  }
  return code.length
}

const skipSpace = (code: string, at: number): number => at + /^\s*/.exec(code.slice(at, at + 2000))![0].length

const typePrefix = /^(?:asserts|keyof|typeof|infer|readonly|unique|new|abstract)$/
const typeInfix = /^(?:is|extends)$/

/** The brace that opens the body after a return type which begins at `from`, or -1: there is none. */
function bodyAfterType(code: string, from: number): number {
  let at = skipSpace(code, from)
  let complete = false
  let angles = 0
  while (at < code.length) {
    const char = code.charAt(at)
    const word = /^[\w$.]+/.exec(code.slice(at, at + 200))?.[0]
    if (word !== undefined) {
      if (complete && angles === 0 && !typeInfix.test(word)) return -1
      complete = !typePrefix.test(word) && !typeInfix.test(word)
      at += word.length
    } else if (char === '{' && complete && angles === 0) {
      return at
    } else if (pairs[char] !== undefined) {
      at = closing(code, at)
      complete = true
    } else if (char === "'" || char === '"' || char === '`') {
      at = code.indexOf(char, at + 1) + 1
      if (at === 0) return -1
      complete = true
    } else if (code.startsWith('=>', at)) {
      // `(a): T => {` is an arrow function, found by its arrow; `f(): () => T {` goes on.
      at = skipSpace(code, at + 2)
      if (code.charAt(at) === '{') return -1
      complete = false
    } else if (/[<>|&?:,]/.test(char)) {
      if (char === ',' && angles === 0) return -1
      angles += char === '<' ? 1 : char === '>' ? -1 : 0
      if (angles < 0) return -1
      complete = char === '>'
      at += 1
    } else return -1
    at = skipSpace(code, at)
  }
  return -1
}

function bodies(code: string): number[] {
  const found = new Set<number>()
  for (const { index } of code.matchAll(/=>\s*\{/g)) found.add(code.indexOf('{', index))
  for (const { index } of code.matchAll(/\(/g)) {
    const before = code.slice(Math.max(0, index - 200), index)
    if (statement.test(before) || classHead.test(before)) continue
    const after = skipSpace(code, closing(code, index))
    if (code.charAt(after) === '{') found.add(after)
    else if (code.charAt(after) === ':') {
      const body = bodyAfterType(code, after + 1)
      if (body !== -1) found.add(body)
    }
  }
  return [...found].filter((open) => !suite.test(code.slice(Math.max(0, open - 400), open)))
}

/** Every function of a file with the lines from its opening to its closing brace, both counted. */
export function functionLengths({ code }: Source): { readonly line: number; readonly length: number }[] {
  return bodies(code).map((open) => {
    const line = lineAt(code, open)
    return { line, length: lineAt(code, closing(code, open) - 1) - line + 1 }
  })
}
