// Sample data of an event, made from the JSON Schema of what its schema takes: one value, and for every decision in it
// (an optional field, a value of an enumeration, an example, a variant, an empty list) one more in which it falls the other way. Only
// what the schema itself accepts is kept, in the form in which others see it. So what a reaction does with a sample is a
// fact about data that can come; that it does nothing else is not.
import { isRecord } from '../../core/json.ts'
import type { Result, Schema } from '../../core/schema.ts'
import type { EventDefinition } from '../definition.ts'
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts'

const SAMPLES = 120
const DEPTH = 8
/** For strings with a pattern: one of them fits most. */
export const WORDS: readonly string[] = [
  'k1',
  'key1',
  'a',
  '1',
  'A1',
  'AB-12',
  'abc',
  'a@example.com',
  '2026-01-02',
  'EUR',
  '12345',
  'x_1',
  '+4912345678',
]
const FORMATS: Readonly<Record<string, string>> = {
  email: 'a@example.com',
  uuid: '0190163d-8694-739b-aea5-966c26f8ad91',
  'date-time': '2026-01-02T03:04:05.000Z',
  date: '2026-01-02',
  time: '03:04:05',
  uri: 'https://example.com/a',
}

/** Values within one sample: a schema that contains itself many times over would never end. */
const VALUES = 1_000

/** Decides at each fork which way to go: the first, except at one fork. */
class Decisions {
  readonly widths: number[] = []
  #values = 0
  readonly #at: number
  readonly #way: number
  constructor(at: number, way: number) {
    this.#at = at
    this.#way = way
  }
  /** Whether one more value has room in the sample. */
  hasRoom(): boolean {
    return ++this.#values <= VALUES
  }
  take(ways: number): number {
    const fork = this.widths.push(ways) - 1
    return fork === this.#at ? this.#way : 0
  }
}

/** Data of an event as others see them; empty when none could be made. */
export function samplesOf(event: EventDefinition): readonly unknown[] {
  return draftsOf(event).flatMap((draft) => accepted(event, draft))
}

/** What may be data of an event, before its schema has seen it. */
export function draftsOf(event: EventDefinition): readonly unknown[] {
  const schema = jsonSchemaOf(event.schema, 'input')
  if (schema === null) return []
  const make = (at: number, way: number): { readonly value: unknown; readonly widths: readonly number[] } => {
    const decisions = new Decisions(at, way)
    return { value: sample(schema, decisions, schema, 0), widths: decisions.widths }
  }
  try {
    const first = make(-1, 0)
    const values = [first.value]
    for (const [at, width] of first.widths.entries()) {
      for (let way = 1; way < width && values.length < SAMPLES; way++) values.push(make(at, way).value)
    }
    return values
  } catch {
    // A pattern that is none, say: nothing is known then.
    return []
  }
}

/** What the schema of an event makes of data; empty when it does not take them. */
export function accepted({ schema }: EventDefinition, value: unknown): readonly unknown[] {
  const result = validated(schema, value)
  return result === null || result.issues !== undefined ? [] : [result.value]
}

/** What a schema says of a value; null when it says nothing at once. */
export function validated(schema: Schema, value: unknown): Result<unknown> | null {
  try {
    const result = schema['~standard'].validate(value)
    return 'then' in result ? null : result
  } catch {
    return null
  }
}

function sample(schema: unknown, decisions: Decisions, root: JsonSchema, depth: number): unknown {
  if (!isRecord(schema) || depth > DEPTH || !decisions.hasRoom()) return null
  const inner = (one: unknown): unknown => sample(one, decisions, root, depth + 1)
  if ('const' in schema) return schema['const']
  const { examples } = schema
  if (Array.isArray(examples) && examples.length > 0) {
    const { examples: _, ...rest } = schema
    // The author knows better which words there are. Of what has parts, they come beside what is made part by part.
    const isMade = !['string', 'number', 'integer'].includes(String(schema['type']))
    const way = decisions.take(examples.length + (isMade ? 1 : 0)) - (isMade ? 1 : 0)
    return way < 0 ? inner(rest) : examples[way]
  }
  if (Array.isArray(schema['enum'])) return schema['enum'][decisions.take(schema['enum'].length)]
  if (typeof schema['$ref'] === 'string') return inner(resolve(schema['$ref'], root))
  for (const word of ['anyOf', 'oneOf']) {
    const variants = schema[word]
    if (Array.isArray(variants)) return inner(variants[decisions.take(variants.length)])
  }
  const { type } = schema
  if (Array.isArray(type)) {
    const types: readonly unknown[] = type
    return inner({ ...schema, type: types[decisions.take(types.length)] })
  }
  if (Array.isArray(schema['allOf'])) {
    const parts = schema['allOf'].map(inner)
    return parts.every(isRecord) ? Object.assign({}, ...parts) : parts[0]
  }
  switch (type) {
    case 'object':
      return objectOf(schema, decisions, inner)
    case 'array':
      return listOf(schema, decisions, inner)
    case 'string':
      return wordOf(schema)
    case 'integer':
    case 'number':
      return numberOf(schema)
    case 'boolean':
      return decisions.take(2) === 0
    default:
      return schema['default'] ?? null
  }
}

function objectOf(schema: JsonSchema, decisions: Decisions, inner: (schema: unknown) => unknown): unknown {
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const fields = isRecord(schema['properties']) ? Object.entries(schema['properties']) : []
  return Object.fromEntries(
    fields
      .filter(([name]) => required.includes(name) || decisions.take(2) === 0)
      .map(([name, field]) => [name, inner(field)]),
  )
}

function listOf(schema: JsonSchema, decisions: Decisions, inner: (schema: unknown) => unknown): unknown {
  const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0
  const most = typeof schema['maxItems'] === 'number' ? schema['maxItems'] : Number.POSITIVE_INFINITY
  const wanted = [1, 0, 2].filter((length) => length >= least && length <= most)
  const length = wanted[decisions.take(Math.max(1, wanted.length))] ?? Math.min(least, 100)
  return Array.from({ length }, () => inner(schema['items']))
}

function wordOf(schema: JsonSchema): string {
  const format = typeof schema['format'] === 'string' ? FORMATS[schema['format']] : undefined
  if (format !== undefined) return format
  const least = typeof schema['minLength'] === 'number' ? schema['minLength'] : 0
  const pattern = schema['pattern']
  const fits = (word: string): boolean => typeof pattern !== 'string' || new RegExp(pattern, 'u').test(word)
  const words = WORDS.map((word) => word.padEnd(Math.min(least, 1000), '0'))
  const given = schema['default']
  return [...words, ...(typeof given === 'string' ? [given] : []), spelled(String(pattern))].find(fits) ?? 'k1'
}

/** A letter or a class of them, and how often: `[A-Z]{2}`, `-`, `\\d+`. */
const PIECE = /(\\(?:[dw]|[^a-zA-Z0-9])|\[[^\]^\\]+\]|[^\\^$.*+?()[\]{}|])(?:\{(\d+)(?:,\d*)?\}|([+*?]))?/gy

/** A word of a pattern that is one such piece after the other; of any other one it mostly does not fit. */
function spelled(pattern: string): string {
  const pieces = [...pattern.replace(/^\^/, '').matchAll(PIECE)]
  return pieces
    .map(([, letter = '', times, more]) => {
      const one = { '\\d': '1', '\\w': 'a' }[letter] ?? letter.replace(/^\[(.).*\]$/, '$1').slice(-1)
      return one.repeat(times === undefined ? (more === '*' || more === '?' ? 0 : 1) : Math.min(Number(times), 100))
    })
    .join('')
}

function numberOf(schema: JsonSchema): number {
  const bound = (name: string): number | undefined => (typeof schema[name] === 'number' ? schema[name] : undefined)
  const least = bound('minimum') ?? (bound('exclusiveMinimum') ?? Number.NEGATIVE_INFINITY) + 1
  const most = bound('maximum') ?? (bound('exclusiveMaximum') ?? Number.POSITIVE_INFINITY) - 1
  return Math.min(Math.max(1, least), most)
}

function resolve(reference: string, root: JsonSchema): unknown {
  const path = reference.replace(/^#\/?/, '').split('/').filter(Boolean)
  return path.reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), root)
}
