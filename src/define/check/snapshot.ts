// The contracts of an application as they were agreed: the schemas of its events and operations as JSON, committed with
// the code. `ballet check` compares them with those of today. Whoever reads something (reacts to an event, awaits an
// outcome) relies on what it is; whoever gives something (publishes an event, makes a call) relies on what is taken. A
// change is compatible when everything that was relied on still holds, and else breaking, for consumers that are named.
import { canonicalText, isRecord } from '../../core/json.ts'
import type { ApplicationDefinition, EventDefinition, OperationDefinition } from '../definition.ts'
import { finding, type Finding } from './finding.ts'
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts'
import { reactionFacts } from './reaction-facts.ts'
import { beyond } from './schema-change.ts'

interface EventContract {
  readonly key: string
  /** What its author gives, and what others see. */
  readonly given: JsonSchema | null
  readonly seen: JsonSchema | null
}
interface OperationContract {
  readonly input: JsonSchema | null
  /** What it answers with: types of events, or a schema. */
  readonly outcomes: readonly string[]
  readonly output: JsonSchema | null
}

/** What `ballet check --update` writes. */
export interface Snapshot {
  readonly version: 1
  readonly events: Readonly<Record<string, EventContract>>
  readonly operations: Readonly<Record<string, OperationContract>>
}

/** The contracts of an application as they are now, in an order that does not depend on the code's. */
export function snapshotOf({ events, services }: ApplicationDefinition): Snapshot {
  const operations = services.flatMap((service) => service.operations)
  return {
    version: 1,
    events: sorted(events.map((event) => [event.type, eventContract(event)])),
    operations: sorted(operations.map((operation) => [operation.name, operationContract(operation)])),
  }
}

const sorted = <Value>(entries: readonly (readonly [string, Value])[]): Readonly<Record<string, Value>> =>
  Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))

const eventContract = ({ key, schema }: EventDefinition): EventContract => ({
  key,
  given: jsonSchemaOf(schema, 'input'),
  seen: jsonSchemaOf(schema, 'output'),
})

const operationContract = ({ input, outcomes, output }: OperationDefinition): OperationContract => ({
  input: jsonSchemaOf(input, 'input'),
  outcomes: outcomes.map(({ type }) => type).toSorted(),
  output: output === null ? null : jsonSchemaOf(output, 'output'),
})

/** Whether an unknown value is a snapshot. */
export function isSnapshot(value: unknown): value is Snapshot {
  return isRecord(value) && value['version'] === 1 && isRecord(value['events']) && isRecord(value['operations'])
}

/** What changed since a snapshot: faults for what breaks somebody, notes for what does not. */
export function compareSnapshot(before: Snapshot, definition: ApplicationDefinition): readonly Finding[] {
  const now = snapshotOf(definition)
  const users = new Users(definition)
  const update = 'Keep what it was beside the new one, or agree with them and run: ballet check app.ts --update'
  const told = (place: string, breaks: readonly string[], same: boolean, consumers: string): readonly Finding[] => {
    if (breaks.length > 0)
      return [finding('schema-breaking', place, `${breaks.join('; ')}. It breaks ${consumers}`, update)]
    return same
      ? []
      : [finding('schema-changed', place, 'it changed, and nobody breaks', 'ballet check app.ts --update')]
  }
  const same = (one: unknown, other: unknown): boolean => canonicalText(one) === canonicalText(other)
  const events = Object.entries(before.events).flatMap(([type, was]) => {
    const is = now.events[type]
    const place = `event "${type}"`
    if (is === undefined) return told(place, ['it is gone'], false, users.ofEvent(type))
    return told(place, eventBreaks(was, is, users.isGiven(type)), same(was, is), users.ofEvent(type))
  })
  const operations = Object.entries(before.operations).flatMap(([name, was]) => {
    const is = now.operations[name]
    const place = `operation "${name}"`
    if (is === undefined) return told(place, ['it is gone'], false, users.ofOperation(name))
    return told(place, operationBreaks(was, is), same(was, is), users.ofOperation(name))
  })
  const fresh = [
    ...Object.keys(now.events)
      .filter((type) => !(type in before.events))
      .map((type) => `event "${type}"`),
    ...Object.keys(now.operations)
      .filter((name) => !(name in before.operations))
      .map((name) => `operation "${name}"`),
  ].map((place) => finding('schema-new', place, 'it is not in the snapshot', 'ballet check app.ts --update'))
  return [...events, ...operations, ...fresh, ...unseen(now)]
}

function eventBreaks(was: EventContract, is: EventContract, isGiven: boolean): readonly string[] {
  return [
    ...(was.key === is.key ? [] : [`its key was ${was.key} and is ${is.key}`]),
    ...reads(was.seen, is.seen),
    ...(isGiven ? takes(was.given, is.given) : []),
  ]
}

function operationBreaks(was: OperationContract, is: OperationContract): readonly string[] {
  return [
    ...takes(was.input, is.input),
    ...is.outcomes
      .filter((type) => !was.outcomes.includes(type))
      .map((type) => `it can answer with ${type}, which nobody knows`),
    ...reads(was.output, is.output),
  ]
}

/** What readers relied on and cannot any more: what is must be something that was. */
const reads = (was: JsonSchema | null, is: JsonSchema | null): readonly string[] =>
  was === null || is === null ? [] : beyond(is, was).map((reason) => `what is read: ${reason}`)
/** What givers give and is not taken any more: what was must be something that is. */
const takes = (was: JsonSchema | null, is: JsonSchema | null): readonly string[] =>
  was === null || is === null ? [] : beyond(was, is).map((reason) => `what is given as before is refused: ${reason}`)

function unseen({ events, operations }: Snapshot): readonly Finding[] {
  const places = [
    ...Object.entries(events)
      .filter(([, { seen, given }]) => seen === null || given === null)
      .map(([type]) => `event "${type}"`),
    ...Object.entries(operations)
      .filter(([, { input }]) => input === null)
      .map(([name]) => `operation "${name}"`),
  ]
  return places.map((place) =>
    finding(
      'schema-unseen',
      place,
      'its library does not give it as JSON Schema, so that its changes are not seen',
      'Use a schema of a library with Standard JSON Schema, for example zod 4.2',
    ),
  )
}

/** Who relies on what, as far as the application shows it. */
class Users {
  readonly #definition: ApplicationDefinition
  readonly #facts
  constructor(definition: ApplicationDefinition) {
    this.#definition = definition
    this.#facts = reactionFacts(definition)
  }

  /** Whether an event comes from outside: no operation answers with it. */
  isGiven(type: string): boolean {
    return this.#definition.services.every(({ operations }) =>
      operations.every(({ outcomes }) => outcomes.every((outcome) => outcome.type !== type)),
    )
  }

  ofEvent(type: string): string {
    const { reactions, choreographies } = this.#definition
    return named([
      ...reactions.filter(({ event }) => event.type === type).map(({ name }) => `reaction ${name}`),
      ...choreographies.filter(({ flow }) => flow.types.has(type)).map(({ name }) => `choreography ${name}`),
      ...(this.isGiven(type) ? ['whoever publishes it'] : []),
    ])
  }

  ofOperation(name: string): string {
    const callers = this.#facts.filter(({ calls }) => calls.some((call) => call.name === name))
    return named([...callers.map(({ reaction }) => `reaction ${reaction.name}`), 'workflows that call it'])
  }
}

const named = (names: readonly string[]): string =>
  names.length === 0 ? 'whoever reads it elsewhere' : names.join(', ')
