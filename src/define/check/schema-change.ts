// Whether every value of one JSON Schema is a value of another, as far as two can be compared part by part: types,
// fields, enumerations, variants and bounds. What is told is why not, with the path; what cannot be compared and differs
// is told as well, because a check that keeps silent there would be believed.
import { canonicalText, isRecord } from '../../core/json.ts'

/** Why some value of `part` is none of `whole`; empty when each is. A field that `whole` does not know does no harm. */
export function beyond(part: unknown, whole: unknown, path = 'the top'): readonly string[] {
  if (!isRecord(part) || !isRecord(whole)) return part === whole || isEmpty(whole) ? [] : [`${path} cannot be compared`]
  if (isEmpty(whole) || canonicalText(plain(part)) === canonicalText(plain(whole))) return []
  const variants = variantsOf(part)
  if (variants !== null) return variants.flatMap((one) => beyond(one, whole, path)).slice(0, 1)
  const wanted = variantsOf(whole)
  if (wanted !== null) {
    const reasons = wanted.map((one) => beyond(part, one, path))
    return reasons.some((one) => one.length === 0)
      ? []
      : [`${path} can be ${show(part)}, which is none of the variants`]
  }
  const values = valuesOf(part)
  const accepted = valuesOf(whole)
  if (accepted !== null) {
    const extra = (values ?? []).filter((value) => !accepted.some((one) => one === value))
    if (values === null) return [`${path} can be any ${show(part)}, and was one of ${show(whole)}`]
    return extra.length === 0 ? [] : [`${path} can be ${extra.map((value) => JSON.stringify(value)).join(', ')}`]
  }
  if (values !== null)
    return values.every((value) => isOf(value, whole['type']))
      ? []
      : [`${path} can be ${show(part)}, not ${show(whole)}`]
  const [is, was] = [part['type'], whole['type']]
  if (is !== was && !(is === 'integer' && was === 'number')) return [`${path} can be ${show(part)}, not ${show(whole)}`]
  if (is === 'object') return fieldsBeyond(part, whole, path)
  if (is === 'array')
    return [...boundsBeyond(part, whole, path), ...beyond(part['items'] ?? {}, whole['items'] ?? {}, `${path}[]`)]
  return boundsBeyond(part, whole, path)
}

/** A path of a field; the top has no name. */
const field = (path: string, name: string): string => (path === 'the top' ? name : `${path}.${name}`)

function fieldsBeyond(
  part: Readonly<Record<string, unknown>>,
  whole: Readonly<Record<string, unknown>>,
  path: string,
): readonly string[] {
  const has = isRecord(part['properties']) ? part['properties'] : {}
  const knows = isRecord(whole['properties']) ? whole['properties'] : {}
  const sure = new Set(Array.isArray(part['required']) ? part['required'] : [])
  const required = Array.isArray(whole['required']) ? (whole['required'] as readonly string[]) : []
  return [
    ...required
      .filter((name) => !sure.has(name))
      .map((name) => `${field(path, name)} ${name in has ? 'can be missing' : 'is missing'}`),
    ...Object.keys(has)
      .filter((name) => name in knows)
      .flatMap((name) => beyond(has[name], knows[name], field(path, name))),
  ]
}

const LEAST = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems']
const MOST = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems']
const EXACT = ['pattern', 'format', 'multipleOf']

function boundsBeyond(
  part: Readonly<Record<string, unknown>>,
  whole: Readonly<Record<string, unknown>>,
  path: string,
): readonly string[] {
  const number = (schema: Readonly<Record<string, unknown>>, name: string, none: number): number =>
    typeof schema[name] === 'number' ? schema[name] : none
  return [
    ...LEAST.filter(
      (name) => number(part, name, Number.NEGATIVE_INFINITY) < number(whole, name, Number.NEGATIVE_INFINITY),
    ),
    ...MOST.filter(
      (name) => number(part, name, Number.POSITIVE_INFINITY) > number(whole, name, Number.POSITIVE_INFINITY),
    ),
    ...EXACT.filter((name) => whole[name] !== undefined && part[name] !== whole[name]),
  ].map(
    (name) =>
      `${path} has ${name} ${JSON.stringify(part[name]) ?? 'no more'} where ${JSON.stringify(whole[name])} is relied on`,
  )
}

function variantsOf(schema: Readonly<Record<string, unknown>>): readonly unknown[] | null {
  for (const word of ['anyOf', 'oneOf']) {
    if (Array.isArray(schema[word])) return schema[word] as readonly unknown[]
  }
  const { type } = schema
  return Array.isArray(type) ? type.map((one: unknown) => ({ ...schema, type: one })) : null
}

function valuesOf(schema: Readonly<Record<string, unknown>>): readonly unknown[] | null {
  if ('const' in schema) return [schema['const']]
  return Array.isArray(schema['enum']) ? schema['enum'] : null
}

function isOf(value: unknown, type: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'null') return value === null
  return typeof value === type
}

const isEmpty = (schema: unknown): boolean =>
  schema === true || (isRecord(schema) && Object.keys(plain(schema)).length === 0)

/** Without what says nothing of the values. */
function plain(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { $schema: _schema, title: _title, description: _description, ...rest } = schema
  return rest
}

function show(schema: Readonly<Record<string, unknown>>): string {
  const values = valuesOf(schema)
  if (values !== null) return values.map((value) => JSON.stringify(value)).join(', ')
  return typeof schema['type'] === 'string' ? schema['type'] : 'something else'
}
