// The data that events have in generated tests: a sample of the schema, in which whatever is known of the flow stands
// in its place. A required field has the value that it has in the input of the call that answers, or that it had in an
// event before; a field that may be left out is there only when that input has it. What a test says itself comes last.
import { isRecord } from '../../core/json.ts'
import { jsonSchemaOf } from '../../define/check/json-schema.ts'
import { samplesOf } from '../../define/check/samples.ts'
import type { EventDefinition } from '../../define/definition.ts'

type Fields = Readonly<Record<string, unknown>>

/** When data are made. */
export interface Moment {
  /** The events of the flow that have come, oldest first. */
  readonly path: readonly string[]
  /** The input of the call that is answered; null for an event that comes from outside. */
  readonly input: unknown
  /** Every field of the events that have come, with its last value. */
  readonly known: Fields
}

/**
 * For each event type the fields that the samples of its schema do not get right. Null: the service would not answer so at
 * this moment, or nobody would send it.
 */
export type EventData = Readonly<Record<string, (moment: Moment) => Fields | null>>

/** Data for an event; null when it cannot come at this moment; a string that says why none could be made. */
export type MadeData = { readonly data: Fields } | null | string

/** Makes data; keeps what it has learnt of schemas. */
export class DataMaker {
  readonly #given: EventData
  readonly #samples = new Map<string, { readonly sample: Fields; readonly required: ReadonlySet<string> }>()

  constructor(given: EventData) {
    this.#given = given
  }

  make(event: EventDefinition, moment: Moment): MadeData {
    const given = this.#given[event.type]?.(moment) ?? (event.type in this.#given ? null : {})
    if (given === null) return null
    const { sample, required } = this.#sampleOf(event)
    const input = isRecord(moment.input) ? moment.input : {}
    const fields = Object.keys(sample).flatMap((name): readonly (readonly [string, unknown])[] => {
      if (input[name] !== undefined) return [[name, input[name]]]
      if (!required.has(name)) return []
      return [[name, moment.known[name] ?? sample[name]]]
    })
    const data = { ...Object.fromEntries(fields), ...given }
    const problem = problemOf(event, data)
    return problem === null ? { data } : problem
  }

  #sampleOf(event: EventDefinition): { readonly sample: Fields; readonly required: ReadonlySet<string> } {
    const known = this.#samples.get(event.type)
    if (known !== undefined) return known
    const [first] = samplesOf(event)
    const required = jsonSchemaOf(event.schema, 'input')?.['required']
    const made = {
      sample: isRecord(first) ? first : {},
      required: new Set<string>(Array.isArray(required) ? required : []),
    }
    this.#samples.set(event.type, made)
    return made
  }
}

function problemOf(event: EventDefinition, data: Fields): string | null {
  const result = event.schema['~standard'].validate(data)
  if ('then' in result || result.issues === undefined) return null
  const [issue] = result.issues
  const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  return `no data for ${event.type} could be made: ${path === '' ? '' : `${path}: `}${issue?.message ?? 'they do not fit'}; give them as data['${event.type}']`
}
