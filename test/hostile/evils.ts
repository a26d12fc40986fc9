// Values that code of an application may hand to the engine and that are no plain JSON, or hardly: what throws when it is
// looked at, what is another thing each time, what goes round in circles, what is far too long. The application of the
// corpus makes them by name, and the judge knows by the same name whether one can be kept.
import { longStrings, strings } from './strings.ts'

const broken = (): never => {
  throw new RangeError('do not look')
}
const getter = (field: string, get: () => unknown, target: object = {}): object =>
  Object.defineProperty(target, field, { get, enumerable: true })
const cycle = (): object => {
  const value: { self?: unknown; list?: unknown[] } = {}
  value.self = value
  value.list = [value]
  return value
}
const deep = (levels: number, wrap: (value: unknown) => unknown): unknown => {
  let value: unknown = 0
  for (let level = 0; level < levels; level++) value = wrap(value)
  return value
}
const sameTwice = (): unknown => {
  const value = { a: [1] }
  return [value, value, { value }]
}
const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
/** Everything that is done to it throws. */
const thorny = (target: object): object =>
  new Proxy(target, Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, broken])))

/** Values that JSON can hold: what comes back is what JSON makes of them. */
const kept: readonly (readonly [string, () => unknown])[] = [
  ...strings.map(([name, value]) => [`the string of ${name}`, () => value] as const),
  ...longStrings.map(([name, value]) => [`the string of ${name}`, () => value] as const),
  ...strings.map(([name, value]) => [`the key of ${name}`, () => keyed(value)] as const),
  ['null', () => null],
  ['a number', () => 0.1 + 0.2],
  ['minus zero', () => -0],
  ['no number', () => [NaN, Infinity, -Infinity]],
  ['a date', () => new Date(0)],
  ['no date', () => new Date(NaN)],
  ['a map and a set', () => [new Map([[1, 2]]), new Set([1])]],
  ['bytes', () => new Uint8Array([1, 2, 3])],
  [
    'a class',
    () =>
      new (class Odd {
        readonly a = 1
      })(),
  ],
  ['fields without values', () => ({ a: undefined, b: () => 1, c: Symbol('c'), d: [undefined, Symbol('e')] })],
  ['no prototype', () => Object.assign(Object.create(null) as object, { a: 1 })],
  ['an array with holes', () => Object.assign([], { 3: 1, name: 'x' })],
  ['boxes', (): unknown => [Object('a'), Object(1), Object(true)]],
  ['an error', () => new Error('x')],
  ['frozen', () => Object.freeze({ a: Object.freeze([1]) })],
  ['a pattern', () => /a/g],
  ['a getter', () => getter('a', () => 1)],
  ['toJSON', () => ({ toJSON: () => ({ b: 1 }) })],
  ['its own prototype', (): unknown => JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":1}}')],
  ['a proxy', () => new Proxy({ a: 1 }, {})],
  ['the same twice', () => sameTwice()],
  ['400 levels', () => deep(400, (value) => ({ a: value }))],
  ['20,000 keys', () => Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at]))],
  ['200,000 items', () => Array.from({ length: 200_000 }, () => 0)],
  ['50,000 objects', () => Array.from({ length: 50_000 }, () => ({ a: {} }))],
  [
    'keys that are misread',
    () => [
      { a: 1, '\\': 2 },
      { a: 1, '\n': 2 },
      { a: 1, '"': 2 },
    ],
  ],
  ['1 MB', () => 'x'.repeat(1_000_000)],
]

/** Values that JSON cannot hold. */
const lost: readonly (readonly [string, () => unknown])[] = [
  ['a bigint', () => 5n],
  ['a bigint within', () => ({ a: [5n] })],
  ['a symbol', () => Symbol('a')],
  ['a function', () => broken],
  ['a circle', cycle],
  ['a getter that throws', () => getter('a', broken)],
  ['an array whose item throws', () => getter('0', broken, [])],
  ['toJSON that throws', () => ({ toJSON: broken })],
  ['toJSON that is a circle', () => ({ toJSON: cycle })],
  ['a revoked proxy', revoked],
  ['a proxy of thorns', () => thorny({})],
  ['an array of thorns', () => thorny([])],
  ['501 levels', () => deep(501, (value) => [value])],
  ['100,000 levels', () => deep(100_000, (value) => ({ a: value }))],
]

/** Values that are only good for being thrown. */
const thrown: readonly (readonly [string, () => unknown])[] = [
  ...strings.map(([name, value]) => [`an error that says ${name}`, () => new Error(value)] as const),
  ...longStrings.map(([name, value]) => [`an error that says ${name}`, () => new Error(value)] as const),
  ['nothing at all', () => undefined],
  ['an error of 8 MB', () => new Error('m'.repeat(8_000_000))],
  ['an error with a long name', () => Object.assign(new Error('x'), { name: 'n'.repeat(100_000) })],
  ['an error whose words are objects', () => Object.assign(new Error('x'), { name: {}, message: [1] })],
  [
    'an error whose words are symbols',
    () => Object.assign(new Error('x'), { name: Symbol('n'), message: Symbol('m') }),
  ],
  ['an error without a prototype', (): unknown => Object.setPrototypeOf(new Error('x'), null)],
  [
    'an error that causes itself',
    () => {
      const error = new Error('x')
      return Object.assign(error, { cause: error })
    },
  ],
  ['an error caused by thorns', () => new Error('x', { cause: thorny({}) })],
  ['an error caused by a revoked proxy', () => new Error('x', { cause: revoked() })],
  ['an error of thorns', () => thorny(new Error('x'))],
  ...['message', 'name', 'stack', 'code', 'cause', 'terminal', 'details', 'errors'].map(
    (field) => [`an error whose ${field} throws`, () => getter(field, broken, new Error('x'))] as const,
  ),
  [
    'an error whose code changes',
    () => {
      const codes: unknown[] = ['RUN_UNKNOWN', 'RUN_UNKNOWN', 5n, {}]
      return getter('code', () => codes.shift(), new Error('x'))
    },
  ],
  ...['FOREIGN_AWAIT', 'RUN_DIVERGED', 'SHARD_FENCED', 'COMMIT_UNKNOWN', 'STORE_FAILED', 'APP_CLOSED', 'INVARIANT'].map(
    (code) => [`a foreign error with the code ${code}`, () => Object.assign(new Error('x'), { code })] as const,
  ),
  [
    'errors of itself',
    () => {
      const all = new AggregateError([])
      all.errors.push(all)
      return all
    },
  ],
  ['errors that are none', () => Object.assign(new AggregateError([]), { errors: 5 })],
  ['a promise', () => Promise.resolve(1)],
]

function keyed(key: string): unknown {
  return Object.defineProperty({ a: 1 }, key, { value: { b: [] }, enumerable: true })
}

const all = new Map<string, () => unknown>([...kept, ...lost, ...thrown])

/** Names of what can be kept, of what cannot, and of both with what can only be thrown. */
export const keptNames: readonly string[] = kept.map(([name]) => name)
export const lostNames: readonly string[] = lost.map(([name]) => name)
export const thrownNames: readonly string[] = [...all.keys()]

/** Makes a value by its name. */
export function evil(name: string): unknown {
  return all.get(name)?.()
}
