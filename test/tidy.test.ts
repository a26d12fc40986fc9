// Keeps the house in order: each rule of CONTRIBUTING.md that a text can break is a test here, with the offending
// places in its message. Each rule is also tried on samples, one that it must accept and those that it must refuse, so
// that a rule which finds nothing is known to be able to find something. All of it takes milliseconds.
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { functionLengths } from './tidy/functions.ts'
import { mask } from './tidy/mask.ts'
import { rules } from './tidy/rules.ts'
import { readSources, source } from './tidy/sources.ts'

const committed = readSources(fileURLToPath(new URL('..', import.meta.url)))
const sources = (sample: Readonly<Record<string, string>>) =>
  Object.entries(sample).map(([path, text]) => source(path, text))

const show = (sample: Readonly<Record<string, string>>): string =>
  Object.entries(sample)
    .map(([path, text]) => `${path}: ${text.slice(0, 60).replaceAll('\n', ' ')}`)
    .join(', ')

describe.each(rules)('$name', ({ rule, good, bad }) => {
  it('holds', () => {
    expect(rule(committed)).toEqual([])
  })

  it('accepts what is right', () => {
    expect(rule(sources(good))).toEqual([])
  })

  for (const sample of bad) {
    it(`refuses ${show(sample)}`, () => {
      expect(rule(sources(sample))).not.toEqual([])
    })
  }
})

describe('the mask', () => {
  it.each([
    ["a('b') // c", "a(' ')     "],
    ['a /* b\nc */ d', 'a     \n     d'],
    ["const a = 'it\\'s' + b", "const a = '     ' + b"],
    ['`a ${b + `c ${d}`} e` + f', '`  ${b + `  ${d}`}  ` + f'],
    ['`${{ a: 1 }}b` c', '`${{ a: 1 }} ` c'],
    ['a / b / c', 'a / b / c'],
    ['x = /[/"]a/g + b', 'x = /     /g + b'],
    ['return /a/', 'return / /'],
    ["const a = 'never closed\nb", "const a = '            \nb"],
  ])('of %j', (text, masked) => {
    expect(mask(text)).toBe(masked)
  })
})

describe('the length of a function', () => {
  const lengths = (text: string): number[] => functionLengths(source('src/core/a.ts', text)).map(({ length }) => length)

  it.each([
    ['function a() {\n  b()\n}', [3]],
    ['export async function a<T>(b: T): Promise<{ c: T }> {\n}', [2]],
    ['function a(b: unknown): asserts b is string {\n}', [2]],
    ["function a(): 'x' | { b: 1 } {\n}", [2]],
    ['function a(): () => void {\n}', [2]],
    ['const a = (b: number): string => {\n}', [2]],
    ['const a = async (b) =>\n  b', []],
    ['class A extends B(C) {\n  get d() {\n    return 1\n  }\n}', [3]],
    [
      'class A {\n  constructor() {\n    super()\n  }\n  async *[Symbol.iterator](): AsyncGenerator<A, void> {\n  }\n}',
      [3, 2],
    ],
    ['if (a) {\n}\nfor (const b of c) {\n}\nswitch (d) {\n}\nwhile (e) {\n}', []],
    ['const a = b ? c(d) : e(f)\nif (g) {\n}', []],
    ['const a = b ? c(d) : { e: 1 }', []],
    ["describe('a', () => {\n  it('b', () => {\n  })\n})", [2]],
  ])('of %j', (text, expected) => {
    expect(lengths(text)).toEqual(expected)
  })
})
