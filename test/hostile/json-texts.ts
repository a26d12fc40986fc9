// JSON texts to stand as an input, as data, as a whole body: what is valid and strange, what is at a limit, and what is
// no JSON at all. Whether one is accepted is not written down here: what is accepted has to come back as it was, and what
// is refused has to be refused with a code.
import type { Chance } from '../../src/testing/simulation/chance.ts'
import { longStrings, strings } from './strings.ts'

/** A text that is made when it is sent: some have megabytes. */
export type Text = readonly [name: string, text: () => string]

const nested = (levels: number, open: string, close: string, middle = ''): string =>
  open.repeat(levels) + middle + close.repeat(levels)
const array = (items: number, item = '0'): string => `[${Array.from({ length: items }, () => item).join(',')}]`
const object = (keys: number, named: (at: number) => string = (at) => `k${at}`): string =>
  `{${Array.from({ length: keys }, (_, at) => `"${named(at)}":${at}`).join(',')}}`

const numbers = [
  '-0',
  '0.0',
  '-0.0e-0',
  '1e309',
  '-1e309',
  '1e-400',
  '5e-324',
  '4.9406564584124654e-324',
  '1.7976931348623157e308',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '-9007199254740993',
  '18446744073709551616',
  '100000000000000000000000',
  '0.1',
  '0.30000000000000004',
  '1E+2',
  '123456789012345678901234567890.5',
  `0.${'3'.repeat(2000)}`,
  `1${'0'.repeat(300)}`,
  `1${'0'.repeat(400)}`,
  '9'.repeat(3000),
  `1e${'9'.repeat(300)}`,
  `-0.${'0'.repeat(400)}1`,
]

/** Well-formed as JSON, though it may be refused for what it says. */
export const wellFormed: readonly Text[] = [
  ...strings.map(([name, value]) => [`the string of ${name}`, () => JSON.stringify(value)] as const),
  ...longStrings.map(([name, value]) => [`the string of ${name}`, () => JSON.stringify(value)] as const),
  ...strings.map(([name, value]) => [`the key of ${name}`, () => `{"a":1,${JSON.stringify(value)}:{"b":[]}}`] as const),
  ...numbers.map((number) => [`the number ${number.slice(0, 40)}`, () => `{"n":[${number}]}`] as const),
  ['null', () => 'null'],
  ['true', () => 'true'],
  ['an empty object', () => '{}'],
  ['an empty array', () => '[]'],
  ['white space everywhere', () => ' \t\r\n{ "a" : [ 1 , { } ] } \n'],
  ['a key that is misread after the next', () => '{"a":1,"\\\\":2}'],
  ['a key that is misread after the one before', () => '{"a":1,"\\n":2}'],
  ['another key that is misread', () => '{"a":1,"\\u0041":2}'],
  ['keys that are misread, nested', () => '{"l":[{"a":1,"\\\\\\\\":2},{"a":1,"\\\\n":2},{"a":{"a":1,"\\"":0}}]}'],
  ['escapes that need none', () => '"\\u0061\\/\\u00e9\\ud83d\\ude00"'],
  ['__proto__ with an object', () => '{"__proto__":{"admin":true}}'],
  ['__proto__, escaped', () => '{"a":{"\\u005f_proto__":null}}'],
  ['constructor.prototype', () => '{"constructor":{"prototype":{"admin":true}}}'],
  ['a key twice', () => '{"a":1,"a":2}'],
  ['a key twice, escaped', () => '{"a":1,"\\u0061":2}'],
  ['a key twice, far apart', () => `{"a":1,${object(1000).slice(1, -1)},"a":2}`],
  ['keys that are numbers', () => object(1000, (at) => String((at * 7919) % 100_003))],
  ['toJSON', () => '{"toJSON":"x","then":"y","valueOf":null,"kind":"event","type":"note.taken"}'],
  ...[61, 62, 63, 64, 65, 500].map((levels) => [`${levels} arrays deep`, () => nested(levels, '[', ']')] as const),
  ...[61, 62, 63, 64, 65, 500].map(
    (levels) => [`${levels} objects deep`, () => nested(levels, '{"a":', '}', '1')] as const,
  ),
  ['5,000,000 arrays deep', () => nested(5_000_000, '[', ']')],
  ['5,000,000 brackets', () => '['.repeat(5_000_000)],
  ['1,000,000 objects deep', () => nested(1_000_000, '{"a":', '}', '1')],
  ...[9999, 10_000, 10_001].map((keys) => [`${keys} keys`, () => object(keys)] as const),
  ['10,000 escaped keys', () => object(10_000, (at) => `\\n${at}`)],
  ...[99_990, 100_000, 100_001].map((items) => [`${items} items`, () => array(items)] as const),
  ['many keys of many objects', () => array(14, object(9999))],
  ['empty arrays', () => `[${array(70_000, '[]')},${array(70_000, '[]')}]`],
  ['empty objects', () => `[${array(70_000, '{}')},${array(70_000, '{}')}]`],
  ['small objects', () => array(70_000, '{"a":0}')],
  ['small numbers with exponents', () => array(99_000, '1e5')],
  ['small strings', () => array(99_000, '"\\n"')],
  ['many deep arrays', () => array(2000, nested(60, '[', ']'))],
  ['wide and deep', () => nested(60, '{"a":[', ']}', array(1000, '{}')).slice(0, 900_000)],
  ['a string of 1,048,000 characters', () => JSON.stringify('z'.repeat(1_048_000))],
  ['a string of 1,048,577 characters', () => JSON.stringify('z'.repeat(1_048_577))],
  ['a string of escapes', () => `"${'\\u0041'.repeat(170_000)}"`],
  ['a long key', () => `{"${'k'.repeat(500_000)}":1}`],
]

/** No JSON. */
export const malformed: readonly Text[] = [
  ...[
    '',
    ' ',
    '{',
    '}',
    '[',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '[1,]',
    '[1 2]',
    '{a:1}',
    "{'a':1}",
    'nul',
    'NaN',
    'Infinity',
    'undefined',
    '01',
    '+1',
    '.5',
    '5.',
    '1e',
    '0x10',
    '"\\x"',
    '"\\u00"',
    '"\\ud800',
    '"a\nb"',
    '"a\0b"',
    '"',
    '{}{}',
    '{} trailing',
    '{}\0',
    '1 2',
    '// a comment\n{}',
    '{}/**/',
    'a=1&b=2',
    '<a/>',
    '\ufeff{}',
    '\u00a0{}',
    '{"a":1}]',
    '\u2028{}',
  ].map((text) => [`no JSON: ${JSON.stringify(text)}`, () => text] as const),
  ['1 MB of white space', () => ' '.repeat(1_000_000)],
  ['1 MB of lines and a letter', () => `${'\n'.repeat(1_000_000)}x`],
  ['1 MB of quotes', () => '"'.repeat(1_000_000)],
  ['1 MB of commas', () => `[${','.repeat(1_000_000)}`],
]

/** Bytes that are no UTF-8 within an otherwise valid body, by what they are. */
export const brokenUtf8: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['a continuation alone', [0x80]],
  ['a start alone', [0xc3]],
  ['cut after two of three', [0xe2, 0x82]],
  ['cut after three of four', [0xf0, 0x9f, 0x98]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an overlong NUL', [0xc0, 0x80]],
  ['an overlong slash of three', [0xe0, 0x80, 0xaf]],
  ['an overlong slash of four', [0xf0, 0x80, 0x80, 0xaf]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a pair of surrogates (CESU-8)', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ['past the last code point', [0xf4, 0x90, 0x80, 0x80]],
  ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ['FE and FF', [0xfe, 0xff]],
]

/** A text that dice made: valid JSON of the strings and numbers above, and now and then with a piece torn out. */
export function randomText(chance: Chance): string {
  const scalar = (): string =>
    chance.weighted<() => string>([
      [6, () => JSON.stringify(chance.pick(strings)[1].slice(0, 300))],
      [3, () => chance.pick(numbers)],
      [1, () => chance.pick(['null', 'true', 'false', '""', '{}', '[]'])],
      [1, () => `"\\u${chance.between(0, 0xffff).toString(16).padStart(4, '0')}"`],
    ])()
  const value = (depth: number): string => {
    const parts = Array.from({ length: chance.between(0, 5) })
    if (depth === 0 || chance.is(0.4)) return scalar()
    if (chance.is(0.4)) return `[${parts.map(() => value(depth - 1)).join(chance.pick([',', ', ', ' ,\n']))}]`
    return `{${parts.map(() => `${key(chance)}:${value(depth - 1)}`).join(',')}}`
  }
  const text = value(chance.between(0, 5))
  if (!chance.is(0.1)) return text
  const at = chance.between(0, text.length)
  return text.slice(0, at) + chance.pick(['', ',', '"', '}', '\0', '\\']) + text.slice(at + chance.between(0, 3))
}

/** Keys of few letters in few places, written in every way: those that JSON.parse misreads are among them. */
function key(chance: Chance): string {
  if (chance.is(0.3)) return JSON.stringify(chance.pick(strings)[1].slice(0, 60))
  const units = ['a', 'n', 'u', '\\\\', '\\n', '\\"', '\\u0041', '\\u00e9', 'é', '0']
  return `"${Array.from({ length: chance.between(0, 3) }, () => chance.pick(units)).join('')}"`
}
