// The event that tells of a deadline, `<choreography>.overdue`. The monitor publishes it with data of its own, so who defines
// it to react to it has to take these: another key, or a schema that refuses them, and every reaction to it would be stuck.
// Used by fit.ts, and by the engine, which makes the data.
import { isRecord } from '../core/json.ts'
import { overdueType } from '../core/names.ts'
import { samplesOf, validated } from './check/samples.ts'
import type { ApplicationDefinition, ChoreographyDefinition, EventDefinition } from './definition.ts'

/** The data of a deadline. @param by milliseconds since the epoch. */
export function overdueData(
  { name, key }: Pick<ChoreographyDefinition, 'name' | 'key'>,
  value: string,
  awaited: readonly string[],
  by: number,
): Readonly<Record<string, unknown>> {
  return { [key]: value, choreography: name, awaited, by: new Date(by).toISOString() }
}

interface Misfit {
  readonly place: string
  readonly problem: string
  readonly remedy: string
}

/** Definitions of such an event that do not take what the monitor says, as faults of the application. */
export function checkOverdue({ choreographies, events }: ApplicationDefinition): readonly Misfit[] {
  return choreographies
    .filter(({ onDeadline }) => onDeadline === 'emit')
    .flatMap((choreography) =>
      events
        .filter(({ type }) => type === overdueType(choreography.name))
        .flatMap((event) => {
          const problem = problemOf(choreography, event)
          return problem === null ? [] : { place: `event "${event.type}"`, problem, remedy: remedyOf(choreography) }
        }),
    )
}

/** Deadlines as they may be: a schema may take those alone that are not long ago, or not far away. */
const TIMES = [Date.UTC(2030, 0, 1), Date.UTC(2100, 0, 1), 0] as const

function problemOf(choreography: ChoreographyDefinition, event: EventDefinition): string | null {
  const { name, key, flow } = choreography
  const awaited = flow.places.flatMap(({ slots }, place) =>
    flow.deadlines({ place, since: Array.from({ length: slots }, () => 0) }).map(({ types }) => types),
  )
  const [first] = awaited
  if (first === undefined) return null
  const tells = `the choreography "${name}" publishes it when a deadline passes`
  if (event.key !== key) return `${tells}, with the key ${key}, and it is defined with the key ${event.key}`
  const words = samplesOf(event).flatMap((data) => (isRecord(data) && typeof data[key] === 'string' ? data[key] : []))
  const values = [...new Set([...words, 'key-1'])]
  const tried = values.flatMap((value) =>
    awaited.flatMap((types) => TIMES.map((by) => overdueData(choreography, value, types, by))),
  )
  if (tried.some((data) => refusal(event, data) === null)) return null
  const [value = ''] = values
  const field = refusal(event, overdueData(choreography, value, first, TIMES[0]))
  // The words of a key may be such that none was found.
  if (field === null || field === key) return null
  // All of the data may be too much, or something of them wrong together: only the former is seen here.
  if (field === '' && refusal(event, { [key]: value }) !== null) return null
  return `${tells}, and its schema refuses the data of that${field === '' ? '' : `, at ${field}`}`
}

/** The first field beside the key that a schema refuses, or the key, or nothing in particular; null when it takes the data. */
function refusal({ schema, key }: EventDefinition, data: unknown): string | null {
  const issues = validated(schema, data)?.issues
  if (issues === undefined) return null
  const fields = issues.map(({ path: [step] = [] }) => String((typeof step === 'object' ? step.key : step) ?? ''))
  return fields.find((field) => field !== key) ?? key
}

function remedyOf({ key }: ChoreographyDefinition): string {
  const fields = `${key}: z.string(), choreography: z.string(), awaited: z.array(z.string()), by: z.iso.datetime()`
  return `Define it with the key ${key} and these fields or some of them: z.object({ ${fields} }), name it otherwise, or let the choreography only record what passes: { onDeadline: 'record' }`
}
