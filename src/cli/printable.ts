// What comes from payloads and other processes on its way to a terminal: control characters (which could move the
// cursor, colour or retitle the window, or hide text) and direction overrides are shown as escapes, never sent. Every
// view passes here once before it is rendered, so that the renderers cannot forget it.
import type { Json } from '../core/json.ts'
import { isRecord } from '../core/json.ts'

// Controls, format characters (directions, marks that nobody sees), line separators, lone surrogates; newline and the
// joiner of emoji are left.
const UNSAFE = /(?![\n\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** The text with everything escaped that a terminal would act on. Newlines stay. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16)
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
  })
}

/** The JSON of a value on one line: the same value to a program, and nothing to a terminal that it would act on. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (char) =>
    char
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** The text on one line: a newline becomes `\n` in print. */
export function oneLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n')
}

/** A copy of a view in which every text is printable; keys of objects as well. */
export function printableView<View>(view: View): View {
  return escaped(view) as View
}

function escaped(value: unknown): unknown {
  if (typeof value === 'string') return printable(value)
  if (Array.isArray(value)) return value.map(escaped)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [printable(key), escaped(part)]))
}

/** The JSON of a value on one line, cut at `limit` characters. */
export function preview(value: Json | undefined, limit: number): string {
  return cut(value === undefined ? '' : oneLine(JSON.stringify(value)), limit)
}

/** The text, cut at `limit` characters with an ellipsis. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text
  return `${text.slice(0, Math.max(1, limit - 1)).replace(/[\ud800-\udbff]$/, '')}…`
}

/** Characters of a key in a table: an order number or a UUID is whole. */
const KEY = 40

/** A key for a table, on one line: a long one is cut in its middle, because many begin alike and many end alike. */
export function shownKey(key: string): string {
  const text = oneLine(key)
  if (text.length <= KEY) return text
  const half = (KEY - 1) / 2
  return `${cut(text, Math.ceil(half) + 1)}${text.slice(-Math.floor(half)).replace(/^[\udc00-\udfff]/, '')}`
}
