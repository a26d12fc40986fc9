// A reading of JSON that shares nothing with the product or with JSON.parse, which misreads keys: the judge of what came
// back. Two texts are the same value exactly when they have the same canonical text: keys sorted, strings by their units,
// numbers by the double that they are nearest to. It is simple and slow, and says nothing useful about a text that is
// malformed: it throws.

const SPACE = /[ \t\r\n]*/y
const WORD = /-?[0-9][0-9.eE+-]*|true|false|null/y
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** The canonical text of the JSON value in `text`, or of the part of it that stands at a path. */
export function canonical(text: string, ...path: readonly (string | number)[]): string | undefined {
  let found: Node | undefined = new Reading(text).whole()
  for (const step of path) {
    if (typeof step === 'string') found = found?.kind === 'object' ? found.fields.get(step) : undefined
    else found = found?.kind === 'array' ? found.items[step] : undefined
  }
  return found === undefined ? undefined : written(found)
}

type Node =
  | { readonly kind: 'leaf'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Node> }

function written(node: Node): string {
  if (node.kind === 'leaf') return node.text
  if (node.kind === 'array') return `[${node.items.map(written).join(',')}]`
  const keys = [...node.fields.keys()].toSorted((left, right) => (left < right ? -1 : 1))
  return `{${keys.map((key) => `${units(key)}:${written(node.fields.get(key) as Node)}`).join(',')}}`
}

/** A string by its UTF-16 units, so that halves of characters can be told apart too. */
function units(text: string): string {
  if (/^[ -~]*$/.test(text)) return `'${text}'`
  let all = "u'"
  for (let at = 0; at < text.length; at++) all += `${text.charCodeAt(at).toString(16)} `
  return `${all}'`
}

class Reading {
  readonly #text: string
  #at = 0
  /** The next backslash at or behind `#at`; past the end when there is none. */
  #escape = -1

  constructor(text: string) {
    this.#text = text
  }

  whole(): Node {
    const node = this.#node()
    this.#space()
    if (this.#at !== this.#text.length) throw this.#wrong()
    return node
  }

  #node(): Node {
    this.#space()
    const next = this.#text[this.#at]
    if (next === '"') return { kind: 'leaf', text: units(this.#string()) }
    if (next === '[') return { kind: 'array', items: this.#all(']', () => this.#node()) }
    if (next === '{') return { kind: 'object', fields: new Map(this.#all('}', () => this.#field())) }
    WORD.lastIndex = this.#at
    const word = WORD.exec(this.#text)?.[0]
    if (word === undefined) throw this.#wrong()
    this.#at += word.length
    return { kind: 'leaf', text: /^[-0-9]/.test(word) ? String(Number(word) + 0) : word }
  }

  #field(): readonly [string, Node] {
    this.#space()
    const key = this.#string()
    this.#space()
    if (this.#text[this.#at++] !== ':') throw this.#wrong()
    return [key, this.#node()]
  }

  #all<Part>(closing: string, part: () => Part): Part[] {
    const parts: Part[] = []
    this.#at++
    this.#space()
    if (this.#text[this.#at] === closing) this.#at++
    else
      do {
        parts.push(part())
        this.#space()
        if (this.#text[this.#at] !== ',' && this.#text[this.#at] !== closing) throw this.#wrong()
      } while (this.#text[this.#at++] === ',')
    return parts
  }

  #string(): string {
    if (this.#text[this.#at++] !== '"') throw this.#wrong()
    const parts: string[] = []
    for (;;) {
      const quote = this.#text.indexOf('"', this.#at)
      const escape = this.#nextEscape()
      if (quote === -1) throw this.#wrong()
      if (quote < escape) {
        parts.push(this.#text.slice(this.#at, quote))
        this.#at = quote + 1
        return parts.join('')
      }
      parts.push(this.#text.slice(this.#at, escape))
      const letter = this.#text[escape + 1] ?? ''
      parts.push(
        letter === 'u'
          ? String.fromCharCode(parseInt(this.#text.slice(escape + 2, escape + 6), 16))
          : (ESCAPES[letter] ?? letter),
      )
      this.#at = escape + (letter === 'u' ? 6 : 2)
    }
  }

  #nextEscape(): number {
    if (this.#escape < this.#at) {
      const next = this.#text.indexOf('\\', this.#at)
      this.#escape = next === -1 ? this.#text.length : next
    }
    return this.#escape
  }

  #space(): void {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
  }

  #wrong(): Error {
    return new SyntaxError(`no JSON at ${this.#at}: ${this.#text.slice(this.#at, this.#at + 40)}`)
  }
}
