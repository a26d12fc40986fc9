// The one place where JSON text becomes a value. JSON.parse of V8 since Node 22 reads some keys as others: when it knows,
// from any object that the process has seen, which key stood in this place after the keys before it, and that key has
// a backslash, then a key that is written with an escape, is as long, and is written like it in its first letters, is
// taken for it: after {"a":1,"\\":2} it reads {"a":1,"\n":2} with the key "\\" (nodejs/node#63785). So whoever sends
// one request could change what the next one says. A text with an escape in a key is therefore read here key by key,
// which is slower and rare; every other is what JSON.parse makes of it. Nothing else here calls that (a test sees to it).

/** The value of a JSON text, every key as it is written. What is no JSON throws the SyntaxError of JSON.parse. */
export function parseText(text: string): unknown {
  // Also where its value is not used: what follows can then rely on the grammar.
  const value: unknown = JSON.parse(text)
  return hasEscapedKey(text) ? new Reader(text).read() : value
}

/**
 * `parseText` for a text that is known to be well-formed.
 * @param escapedKeys the keys that are written with an escape, in their order and decoded.
 */
export function parseChecked(text: string, escapedKeys: readonly string[]): unknown {
  return escapedKeys.length > 0 ? new Reader(text, escapedKeys).read() : (JSON.parse(text) as unknown)
}

/** The string that a JSON string, with its quotes, stands for. */
export function unquote(text: string): string {
  return JSON.parse(text) as string
}

const [QUOTE, BACKSLASH, COLON, COMMA, ZERO] = [0x22, 0x5c, 0x3a, 0x2c, 0x30]
const [OBJECT, OBJECT_END, ARRAY, ARRAY_END] = [0x7b, 0x7d, 0x5b, 0x5d]
/** A longer part of a text would keep the whole text in memory as long as it lives itself. */
const COPIED = 12

/** Whether some key of a well-formed text is written with an escape. */
function hasEscapedKey(text: string): boolean {
  for (let next = text.indexOf('\\'); next !== -1; next = text.indexOf('\\', next)) {
    // The first escape of a string was found: at the string's end a colon says that it was a key.
    next = stringEnd(text, next)
    let after = next
    while (isSpace(text.charCodeAt(after))) after += 1
    if (text.charCodeAt(after) === COLON) return true
  }
  return false
}

/** Where a string ends, behind its closing quote; `from` is within it. */
function stringEnd(text: string, from: number): number {
  let at = from
  for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) at += code === BACKSLASH ? 2 : 1
  return at + 1
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

/** Reads a well-formed text object by object; scalars are left to JSON.parse, which reads them well. */
class Reader {
  readonly #text: string
  readonly #escapedKeys: readonly string[] | undefined
  #at = 0
  #escaped = 0
  /** Where the last string begins. */
  #start = 0

  /** @param escapedKeys those that are known already. */
  constructor(text: string, escapedKeys?: readonly string[]) {
    this.#text = text
    this.#escapedKeys = escapedKeys
  }

  read(): unknown {
    const code = this.#next()
    if (code === OBJECT) return this.#object()
    if (code === ARRAY) return this.#array()
    return code === QUOTE ? this.#string() : this.#word()
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    while (this.#enter(OBJECT_END)) {
      const key = this.#key()
      this.#next()
      this.#at += 1
      const value = this.read()
      // An assignment to this one name would set the prototype.
      if (key === '__proto__')
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
      else object[key] = value
    }
    return object
  }

  #array(): unknown[] {
    const array: unknown[] = []
    while (this.#enter(ARRAY_END)) array.push(this.read())
    return array
  }

  /** Passes an opening bracket or a comma and stands before what follows; false when that was the `closing` one. */
  #enter(closing: number): boolean {
    const isClosed = this.#next() === closing
    this.#at += 1
    if (isClosed) return false
    if (this.#next() !== closing) return true
    this.#at += 1
    return false
  }

  #key(): string {
    const plain = this.#plain()
    return plain ?? this.#escapedKeys?.[this.#escaped++] ?? unquote(this.#text.slice(this.#start, this.#at))
  }

  #string(): string {
    const plain = this.#plain()
    return plain !== undefined && plain.length <= COPIED ? plain : unquote(this.#text.slice(this.#start, this.#at))
  }

  /** Passes a string; what stands in it, undefined when there is an escape in it. */
  #plain(): string | undefined {
    this.#start = this.#at
    this.#at = stringEnd(this.#text, this.#start + 1)
    const plain = this.#text.slice(this.#start + 1, this.#at - 1)
    return plain.includes('\\') ? undefined : plain
  }

  #word(): unknown {
    const start = this.#at
    const first = this.#text.charCodeAt(start)
    this.#at += 1
    while (isOfWord(this.#text.charCodeAt(this.#at))) this.#at += 1
    if (this.#at === start + 1) return first - ZERO
    return JSON.parse(this.#text.slice(start, this.#at)) as unknown
  }

  /** Passes white space; the code of what follows. */
  #next(): number {
    let code = this.#text.charCodeAt(this.#at)
    while (isSpace(code)) code = this.#text.charCodeAt((this.#at += 1))
    return code
  }
}

/** Whether a character goes on a number, or `true`, `false` and `null`; NaN, past the end, does not. */
function isOfWord(code: number): boolean {
  return code > 0x20 && code !== COMMA && code !== OBJECT_END && code !== ARRAY_END
}
