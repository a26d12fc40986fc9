// Blanks out of a source text what is not code: comments, and what stands inside strings, templates and regular
// expressions. The result has the same length and the same line breaks, so that a position in one is a position in the
// other; quotes stay. The rules of the tidy test look for words in the result and are not fooled by prose or data.

interface Cursor {
  readonly text: string
  readonly out: string[]
  at: number
  /** The last character of code that is not white space: tells a division from a regular expression. */
  last: string
  /** For each open template expression, the depth of braces inside it. */
  readonly templates: number[]
}

const wordBeforeRegex = /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|do|else|yield|await)\s*$/

/** The text with everything that is not code replaced by spaces. */
export function mask(text: string): string {
  const cursor: Cursor = { text, out: [], at: 0, last: '', templates: [] }
  while (cursor.at < text.length) next(cursor)
  return cursor.out.join('')
}

function next(cursor: Cursor): void {
  const { text, at, templates } = cursor
  const char = text.charAt(at)
  const two = text.slice(at, at + 2)
  if (two === '//') return blank(cursor, endOf(text, '\n', at))
  if (two === '/*') return blank(cursor, endOf(text, '*/', at + 2) + 2)
  if (char === "'" || char === '"') return quoted(cursor, char)
  if (char === '`') return template(cursor)
  if (char === '/' && regexMayStart(cursor)) return regex(cursor)
  if (char === '{' && templates.length > 0) templates[templates.length - 1]! += 1
  if (char === '}' && templates.length > 0) {
    if (templates.at(-1) === 0) {
      templates.pop()
      return template(cursor)
    }
    templates[templates.length - 1]! -= 1
  }
  keep(cursor)
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found === -1 ? text.length : found
}

function keep(cursor: Cursor): void {
  const char = cursor.text.charAt(cursor.at)
  cursor.out.push(char)
  if (/\S/.test(char)) cursor.last = char
  cursor.at += 1
}

function blank(cursor: Cursor, until: number): void {
  const end = Math.min(until, cursor.text.length)
  cursor.out.push(cursor.text.slice(cursor.at, end).replace(/[^\n]/g, ' '))
  cursor.at = end
}

function quoted(cursor: Cursor, quote: string): void {
  keep(cursor)
  const start = cursor.at
  let end = start
  while (end < cursor.text.length && cursor.text.charAt(end) !== quote && cursor.text.charAt(end) !== '\n') {
    end += cursor.text.charAt(end) === '\\' ? 2 : 1
  }
  blank(cursor, end)
  if (cursor.at < cursor.text.length) keep(cursor)
}

/** From a backtick, or from the brace that closes a template expression, to the next such expression or the end. */
function template(cursor: Cursor): void {
  keep(cursor)
  let end = cursor.at
  while (end < cursor.text.length) {
    const char = cursor.text.charAt(end)
    if (char === '`') break
    if (char === '$' && cursor.text.charAt(end + 1) === '{') break
    end += char === '\\' ? 2 : 1
  }
  blank(cursor, end)
  if (cursor.at >= cursor.text.length) return
  if (cursor.text.charAt(cursor.at) === '$') {
    keep(cursor)
    cursor.templates.push(0)
  }
  keep(cursor)
}

function regexMayStart(cursor: Cursor): boolean {
  if (cursor.last === '' || '([{},;:=!&|?+-*%<>~^'.includes(cursor.last)) return true
  return wordBeforeRegex.test(cursor.text.slice(Math.max(0, cursor.at - 12), cursor.at))
}

function regex(cursor: Cursor): void {
  keep(cursor)
  let end = cursor.at
  let inClass = false
  while (end < cursor.text.length && cursor.text.charAt(end) !== '\n') {
    const char = cursor.text.charAt(end)
    if (char === '/' && !inClass) break
    if (char === '[') inClass = true
    if (char === ']') inClass = false
    end += char === '\\' ? 2 : 1
  }
  blank(cursor, end)
  if (cursor.at < cursor.text.length) keep(cursor)
}
