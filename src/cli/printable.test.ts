import { expect, it } from 'vitest'
import { cut, jsonLine, oneLine, preview, printable, printableView, shownKey } from './printable.ts'

it('shows controls instead of sending them', () => {
  expect(printable('\u001b[2Jhidden\u0007')).toBe('\\u001b[2Jhidden\\u0007')
  expect(printable('\u009b31m')).toBe('\\u009b31m')
  expect(printable('a\rb\tc\u0000')).toBe('a\\u000db\\u0009c\\u0000')
  expect(printable('safe\u202egnp.exe')).toBe('safe\\u202egnp.exe')
  expect(printable('a\u2028b\ufeff')).toBe('a\\u2028b\\ufeff')
  expect(printable('\ud800')).toBe('\\ud800')
  expect(printable('tag\u{e0041}')).toBe('tag\\u{e0041}')
})

it('leaves what people write', () => {
  for (const text of ['Grüße, 世界', 'naïve\nlines', '👩‍👧 ok', '100 €']) expect(printable(text)).toBe(text)
})

it('is JSON of the same value for a program', () => {
  const value = { 'a\u009b31m': ['\u202e\u{e0041}\ud800', '👩‍👧\n'] }
  const line = jsonLine(value)
  expect(line).toBe('{"a\\u009b31m":["\\u202e\\udb40\\udc41\\ud800","👩‍👧\\n"]}')
  expect(JSON.parse(line)).toEqual(value)
})

it('keeps what must be one line on one line', () => {
  expect(oneLine('a\nb')).toBe('a\\nb')
})

it('reaches every text of a view, also the keys', () => {
  const view = { id: 'a\u001b', list: [{ deep: '\u0007' }], ['\u001bkey']: 1, none: null, count: 2 }
  expect(printableView(view).id).toBe('a\\u001b')
  expect(printableView(view).list[0]?.deep).toBe('\\u0007')
  expect(Object.keys(printableView(view))).toContain('\\u001bkey')
})

it('previews JSON on one line and never cuts a character in two', () => {
  expect(preview({ a: 'x'.repeat(100) }, 10)).toBe('{"a":"xxx…')
  expect(preview(undefined, 10)).toBe('')
  expect(preview('\u001b\u0085', 40)).toBe('"\\u001b\\u0085"')
  expect(cut('ab😀cd', 4)).toBe('ab…')
})

it('cuts a long key in its middle, never a character in two', () => {
  expect(shownKey('orderId:0198f3c2-7b1e-7cc3-9d55-1c9a')).toBe('orderId:0198f3c2-7b1e-7cc3-9d55-1c9a')
  const shown = shownKey(`first${'x'.repeat(247)}last\n`)
  expect(shown).toBe(`first${'x'.repeat(15)}…${'x'.repeat(13)}last\\n`)
  expect(shownKey('😀'.repeat(128)).isWellFormed()).toBe(true)
  expect(shownKey(`a${'😀'.repeat(127)}`).isWellFormed()).toBe(true)
})
