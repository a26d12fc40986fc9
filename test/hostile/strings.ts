// Strings that have broken somebody's program: controls, halves of characters, directions, names that objects have
// already, paths out of a folder, fragments of SQL and templates, lines that a header must not have, and long ones. Every
// place of the application that takes a string is given each of them.

const code = (...codes: readonly number[]): string => String.fromCodePoint(...codes)
const hex = (value: number): string => value.toString(16).padStart(2, '0')
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** C0, DEL and C1. */
const controls: readonly (readonly [string, string])[] = [...range(0, 0x1f), ...range(0x7f, 0x9f)].map(
  (one) => [`control ${hex(one)}`, `a${code(one)}b`] as const,
)

const unicode: readonly (readonly [string, string])[] = [
  ['NUL alone', '\0'],
  ['NULs', '\0'.repeat(100)],
  ['a high surrogate', 'a\ud800'],
  ['a low surrogate', '\udfffb'],
  ['surrogates exchanged', '\udc00\ud800'],
  ['right to left override', 'abc\u202egnp.exe'],
  ['isolates', '\u2066a\u2069\u2067b'],
  ['zero width', 'a\u200bb\u200c\u200dc\ufeff'],
  ['a byte order mark', '\ufeffabc'],
  ['noncharacters', '\ufffe\uffff\u{1fffe}'],
  ['replacement', '\ufffd'],
  ['line separators', 'a\u2028b\u2029c'],
  ['emoji', '👩‍👩‍👧‍👦🏳️‍🌈👍🏽'],
  ['combining', `e${'\u0301'.repeat(500)}`],
  ['not normalised', 'A\u030a\u212b\u00c5'],
  ['tags', code(0xe0041, 0xe0042, 0xe007f)],
  ['case that grows', 'ßİŉΐ'],
  ['full width', '．．／％００'],
  ['Hebrew and Arabic', 'שלום مرحبا'],
  ['spaces of all kinds', '\u00a0\u1680\u2000\u3000'],
]

const names: readonly (readonly [string, string])[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'then',
  'toJSON',
  'length',
  'undefined',
  'null',
  'true',
  'NaN',
  '-0',
  '1e309',
  '9007199254740993',
  '[object Object]',
].map((name) => [`the name ${name}`, name] as const)

const attacks: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['a space', ' '],
  ['a dot', '.'],
  ['two dots', '..'],
  ['a path up', '../../../../etc/passwd'],
  ['a path up, encoded', '%2e%2e%2f%2e%2e%2fetc%2fpasswd'],
  ['a path up, encoded twice', '%252e%252e%252fetc%252fpasswd'],
  ['a path up, overlong', '%c0%ae%c0%ae%c0%af'],
  ['a path with NUL', '../../etc/passwd\0.png'],
  ['a path with NUL, encoded', '..%2f..%2fetc%2fpasswd%00.png'],
  ['a path of backslashes', '..\\..\\windows\\win.ini'],
  ['a path of backslashes, encoded', '..%5c..%5cwindows%5cwin.ini'],
  ['a file URL', 'file:///etc/passwd'],
  ['a device', '/dev/zero'],
  ['a UNC path', '\\\\server\\share'],
  ['SQL, a quote', "'"],
  ['SQL, always true', "' OR '1'='1"],
  ['SQL, a second statement', "x'); DROP TABLE runs;--"],
  ['SQL, a union', "' UNION SELECT data FROM journal--"],
  ['SQL, a pattern', '%_%'],
  ['a template', '${process.exit(1)}'],
  ['a mustache', '{{constructor.constructor("return process")()}}'],
  ['a placeholder of messages', '{problem} {nearest} {0} %s %o %n'],
  ['a replacement pattern', "$& $` $' $1 $$"],
  ['a shell', '$(reboot); `reboot` | reboot & "'],
  ['a script', '"><script>alert(1)</script>'],
  ['a script address', 'javascript:alert(1)'],
  ['CR LF', 'a\r\nX-Injected: 1\r\n\r\nbody'],
  ['LF', 'a\nX-Injected: 1'],
  ['CR', 'a\rX-Injected: 1'],
  ['CR LF, encoded', 'a%0d%0aX-Injected:%201'],
  ['CR LF of wide characters', 'a嘍嘊X-Injected: 1'],
  ['a colour of terminals', '\u001b[31mred\u001b[0m'],
  ['a title of terminals', '\u001b]0;title\u0007'],
  ['a format of logs', 'x"} {"level":"error","message":"forged'],
  ['a derived id', 'checkout~ship.0'],
  ['an operation id', 'desk.echo#0'],
  ['an undo', 'undo:desk.echo#0'],
  ['a reference', 'event:shop:1'],
  ['two colons', 'a:b:c'],
  ['a pattern that backtracks', `${'a'.repeat(5000)}!`],
  ['a duration', '1e99d'],
  ['a long duration', `${'9'.repeat(400)}s`],
  ['a large number', '9'.repeat(400)],
  ['a number that is none', '0x10'],
  ['a percent sign', '%'],
  ['half an escape', '%e'],
  ['an escape that is no UTF-8', '%ff%fe'],
  ['a semicolon', ';a=1'],
  ['a plus', '+a+'],
  ['a date', '+275760-09-13T00:00:00.001Z'],
]

const lengths: readonly (readonly [string, string])[] = [
  ...[255, 256, 257, 1025, 8000].map((length) => [`${length} characters`, 'x'.repeat(length)] as const),
  ['1,000 emoji', '😀'.repeat(1000)],
]

/** Every hostile string that fits into the line of a request, by what it is. */
export const strings: readonly (readonly [name: string, value: string])[] = [
  ...attacks,
  ...unicode,
  ...names,
  ...lengths,
  ...controls,
]

/** What only a body has room for. */
export const longStrings: readonly (readonly [name: string, value: string])[] = [
  ['100 kB', 'y'.repeat(100_000)],
  ['100 kB of NUL', '\0'.repeat(16_000)],
  ['600 kB of two-byte characters', 'é'.repeat(300_000)],
  ['1 MB of emoji', '😀'.repeat(250_000)],
]
