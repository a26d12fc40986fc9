// Whether a key is a field of what it is the key of: of the input of a workflow, whose body is code, and of the data of an event.
// The compiler says so to those who write TypeScript; whoever casts, or writes JavaScript, would learn it from every start, and
// every publish, being refused. What schemas say of their fields is believed; where they say nothing, as behind a transformation,
// an event is asked with samples, which are made as those for reactions are, and have the key beside what they are made of.
import { isRecord } from '../../core/json.ts'
import { nearest } from '../../core/names.ts'
import type { Schema } from '../../core/schema.ts'
import type { ApplicationDefinition, EventDefinition } from '../definition.ts'
import { finding, noteOf, type Finding } from './finding.ts'
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts'
import { accepted, draftsOf, WORDS } from './samples.ts'

/** What is known of a key in what a schema gives: all is well, nothing can be said, or what is wrong, always or now and then. */
type Verdict = 'fits' | 'unseen' | { readonly problem: string; readonly isSure: boolean }

/** Whose key it is, and in what it should be. */
interface Keyed {
  readonly place: string
  readonly key: string
  readonly schema: Schema
  /** `input`, or `data`. */
  readonly where: string
  /** `every start is refused`. */
  readonly always: string
  readonly sometimes: string
}

/** Whether the key of each workflow and each event is a required string there, as far as can be seen. */
export function checkKeys({ workflows, events }: ApplicationDefinition): readonly Finding[] {
  const refused = { always: 'every start is refused', sometimes: 'such a start is refused' }
  return [
    ...workflows.flatMap(({ name, key, input }) => {
      if (key === null) return []
      const keyed = { place: `workflow "${name}"`, key, schema: input, where: 'input', ...refused }
      return told(keyed, seen(keyed))
    }),
    ...events.flatMap((event) => {
      const { type, key, schema } = event
      const refusal = { always: 'every event of it is refused', sometimes: 'such an event is refused' }
      const keyed = { place: `event "${type}"`, key, schema, where: 'data', ...refusal }
      const verdict = seen(keyed)
      return told(keyed, verdict === 'unseen' ? tried(event) : verdict)
    }),
  ]
}

function told(keyed: Keyed, verdict: Verdict): readonly Finding[] {
  if (typeof verdict === 'string') return []
  const { place, key, schema, where, always, sometimes } = keyed
  const fit = fittingIn(jsonSchemaOf(schema, 'output'))
  const one = finding(
    'key-unfit',
    place,
    `its key "${key}" ${verdict.problem} its ${where}: ${verdict.isSure ? always : sometimes}`,
    `{ key: ... } names a field of its ${where} that is always there, and a string${fit.length === 0 ? '' : `: ${fit.slice(0, 3).join(', ')}`}.${nearest(key, fit)}`,
  )
  return [verdict.isSure ? one : noteOf(one)]
}

/** What the schema says of its key. */
function seen({ key, schema }: Keyed): Verdict {
  const shape = jsonSchemaOf(schema, 'output')
  return shape === null ? 'unseen' : verdictOf(shape, key)
}

function verdictOf(shape: unknown, key: string): Verdict {
  if (!isRecord(shape)) return 'unseen'
  for (const word of ['anyOf', 'oneOf']) {
    const variants = shape[word]
    if (Array.isArray(variants)) return ofVariants(variants.map((one) => verdictOf(one, key)))
  }
  // What is put together otherwise is not taken apart here.
  const { properties } = shape
  if (!isRecord(properties)) return 'unseen'
  const field = Object.hasOwn(properties, key) ? properties[key] : undefined
  if (field === undefined)
    return shape['additionalProperties'] === false ? { problem: 'is no field of', isSure: true } : 'unseen'
  const type = isRecord(field) ? field['type'] : undefined
  if (typeof type === 'string' && type !== 'string') return { problem: `is of the type ${type} in`, isSure: true }
  return requiredOf(shape).has(key) ? 'fits' : { problem: 'may be absent from', isSure: false }
}

/** One of them holds: what is wrong with all is wrong for sure, and with some now and then. */
function ofVariants(verdicts: readonly Verdict[]): Verdict {
  const wrong = verdicts.filter((one) => typeof one === 'object')
  const [first] = wrong
  if (first === undefined) return verdicts.includes('unseen') ? 'unseen' : 'fits'
  const isSure = wrong.length === verdicts.length && wrong.every((one) => one.isSure)
  return isSure ? first : { problem: first.isSure ? 'is not a string in all variants of' : first.problem, isSure }
}

/** Data that are made up, with and without the key: a schema that takes it may leave it out of what others see. */
function tried(event: EventDefinition): Verdict {
  const { key } = event
  let isTaken = false
  for (const draft of draftsOf(event).filter(isRecord)) {
    for (const one of [draft, ...WORDS.map((word) => ({ ...draft, [key]: word }))]) {
      const [data] = accepted(event, one)
      if (isRecord(data) && typeof data[key] === 'string') return 'fits'
      isTaken ||= data !== undefined
    }
  }
  return isTaken ? { problem: 'is no field, or no string, in all that could be made up of', isSure: false } : 'unseen'
}

/** Fields that a key could name. */
function fittingIn(shape: JsonSchema | null): readonly string[] {
  if (shape === null || !isRecord(shape['properties'])) return []
  const required = requiredOf(shape)
  return Object.entries(shape['properties']).flatMap(([name, field]) =>
    required.has(name) && isRecord(field) && field['type'] === 'string' ? name : [],
  )
}

function requiredOf({ required }: JsonSchema): ReadonlySet<unknown> {
  return new Set(Array.isArray(required) ? required : [])
}
