// Whether the parts of an application fit together: what no single definition can know. Pure; finds every fault at
// once, each with its place and what to do. Called by open(...), which refuses to start an unfit application, so the
// engine may rely on what is checked here: one definition a name, one type an event.
//
// What cannot be seen here: which call a reaction or a workflow makes, because that is code. A call of an operation
// that the application does not have is refused when it is made (CALL_UNKNOWN).
import { fault } from '../core/errors.ts'
import { isRecord } from '../core/json.ts'
import type { ApplicationDefinition, EventDefinition, OperationDefinition, SignalDefinition } from './definition.ts'
import { checkOverdue } from './overdue.ts'
import { firingOf, timesOf, type ScheduleDefinition } from './schedule.ts'

/** Something that does not fit: where, what, and what to do about it. */
export interface Fault {
  readonly place: string
  readonly problem: string
  readonly remedy: string
}

/** Every fault of an application; empty when its parts fit. */
export function checkFit(definition: ApplicationDefinition): readonly Fault[] {
  return [
    ...checkNames(definition),
    ...checkTypes(definition),
    ...checkReactions(definition),
    ...checkChoreographies(definition),
    ...checkOverdue(definition),
    ...checkSchedules(definition),
    ...definition.services.flatMap(({ operations }) => operations.flatMap((one) => checkOperation(one, operations))),
  ]
}

/** Refuses an application whose parts do not fit. @throws APPLICATION_UNFIT with a line for every fault, DEFINITION_INVALID for what is no application. */
export function requireFit(definition: ApplicationDefinition): void {
  // Programs without types hand over the parts, which ballet(...) was not given.
  if (!isRecord(definition) || definition['kind'] !== 'application')
    throw fault('DEFINITION_INVALID', { what: 'The application', problem: 'it must be what ballet({...}) gives' })
  const faults = checkFit(definition)
  if (faults.length === 0) return
  throw fault('APPLICATION_UNFIT', {
    count: faults.length,
    list: faults.map((one) => `- ${showFault(one)}`).join('\n'),
  })
}

/** A fault on one line. */
export function showFault({ place, problem, remedy }: Fault): string {
  return `${place}: ${problem}. ${remedy}.`
}

/** What a schedule calls is seen where its function makes a call for its next time; one that throws there may well not throw then. */
function checkSchedules({ schedules, services, workflows }: ApplicationDefinition): readonly Fault[] {
  const known = new Set([...workflows, ...services.flatMap(({ operations }) => operations)].map(({ name }) => name))
  return [
    ...repeated(schedules.map(({ name }) => name)).map(([name, count]) => ({
      place: `schedule "${name}"`,
      problem: `there are ${count} of this name`,
      remedy: 'List each schedule once, and give each a name of its own',
    })),
    ...schedules.flatMap((schedule) => {
      const call = calledBy(schedule)
      if (call === null || known.has(call)) return []
      return {
        place: `schedule "${schedule.name}"`,
        problem: `it calls ${call}, which is not a part of the application`,
        remedy: 'List its workflow or its service in ballet({...})',
      }
    }),
  ]
}

function calledBy(schedule: ScheduleDefinition): string | null {
  try {
    const call: unknown = schedule.call(firingOf(schedule, timesOf(schedule.timing).next(0) ?? 0))
    return isRecord(call) && typeof call['name'] === 'string' ? call['name'] : null
  } catch {
    return null
  }
}

function checkNames({ services, workflows }: ApplicationDefinition): readonly Fault[] {
  const names = services.map(({ name }) => name)
  return [
    ...repeated(names).map(([name, count]) => ({
      place: `service "${name}"`,
      problem: `there are ${count} of this name`,
      remedy: 'List each service once, and give each a name of its own',
    })),
    ...repeated(workflows.map(({ name }) => name)).map(([name, count]) => ({
      place: `workflow "${name}"`,
      problem: `there are ${count} of this name`,
      remedy: 'List each workflow once, and give each a name of its own',
    })),
    ...[...new Set(workflows.map(({ name }) => name))]
      .filter((name) => names.includes(name))
      .map((name) => ({
        place: `workflow "${name}"`,
        problem: 'a service has this name too, and ids of runs begin with it',
        remedy: 'Rename the workflow or the service',
      })),
  ]
}

/** Types are compared by object: two definitions of one type may differ in what they accept. */
function checkTypes({ events, workflows }: ApplicationDefinition): readonly Fault[] {
  const signals = [...new Set(workflows.flatMap((workflow) => workflow.signals))]
  const types = new Set(events.map(({ type }) => type))
  const defined = (kind: string, definitions: readonly (EventDefinition | SignalDefinition)[]): readonly Fault[] =>
    repeated(definitions.map(({ type }) => type)).map(([type, count]) => ({
      place: `${kind} "${type}"`,
      problem: `it is defined ${count} times`,
      remedy: `Keep one ${kind}("${type}", ...) and import it wherever it is used`,
    }))
  return [
    ...defined('event', events),
    ...defined('signal', signals),
    ...[...new Set(signals.map(({ type }) => type))]
      .filter((type) => types.has(type))
      .map((type) => ({
        place: `signal "${type}"`,
        problem: 'an event has this type too, and a workflow that waits for both could not tell them apart',
        remedy: 'Rename the signal or the event',
      })),
  ]
}

function checkReactions({ services, reactions }: ApplicationDefinition): readonly Fault[] {
  const names = new Set(services.map(({ name }) => name))
  return [
    ...repeated(reactions.map(({ name }) => name)).map(([name, count]) => ({
      place: `reaction "${name}"`,
      problem: `there are ${count} of this name`,
      remedy: 'Register it once, or give the second one a name: { name: ... }',
    })),
    ...reactions
      .filter(({ service }) => !names.has(service))
      .map(({ name, service }) => ({
        place: `reaction "${name}"`,
        problem: `its service "${service}" is not part of the application`,
        remedy: `Add ${service} to ballet({ services })`,
      })),
  ]
}

function checkChoreographies({ choreographies }: ApplicationDefinition): readonly Fault[] {
  const claims = new Map<string, { readonly name: string; readonly key: string }[]>()
  for (const { name, key, events } of choreographies) {
    for (const { type } of events) claims.set(type, [...(claims.get(type) ?? []), { name, key }])
  }
  return [
    ...repeated(choreographies.map(({ name }) => name)).map(([name, count]) => ({
      place: `choreography "${name}"`,
      problem: `there are ${count} of this name`,
      remedy: 'List each choreography once, and give each a name of its own',
    })),
    ...[...claims]
      .filter(([, claimants]) => new Set(claimants.map(({ key }) => key)).size > 1)
      .map(([type, claimants]) => ({
        place: `event "${type}"`,
        problem: claimants
          .map(({ name, key }, index) => `choreography "${name}" ${index === 0 ? 'follows it by' : 'by'} ${key}`)
          .join(', '),
        remedy: 'Let all of them follow one key, or tell the second fact by an event of its own',
      })),
  ]
}

function checkOperation(operation: OperationDefinition, siblings: readonly OperationDefinition[]): readonly Fault[] {
  const place = `operation "${operation.name}"`
  const faults: Fault[] = []
  const { service, undoes } = operation
  const undone = undoes === null ? undefined : siblings.find(({ name }) => name === `${service}.${undoes}`)
  if (undone !== undefined && undone.undoes !== null) {
    const problem = `it undoes "${undone.name}", which is an undo itself (of "${undone.undoes}")`
    faults.push({ place, problem, remedy: 'Let it undo what was done at first, or drop undoes' })
  }
  const keys = [...new Set(operation.outcomes.map(({ key }) => key))]
  if (keys.length > 1) {
    const problem = `its outcomes have different keys: ${operation.outcomes.map(({ type, key }) => `${type} has ${key}`).join(', ')}`
    faults.push({ place, problem, remedy: 'Give the outcomes of one operation one key field' })
  }
  // Its calls would wait for ever.
  if (operation.run === null && operation.elsewhere === null) {
    const remedy = `Give it a run(input, context), or say where it is carried out: services: [elsewhere(${service}, { url, secrets })], of ballet/http`
    faults.push({ place, problem: 'it has no implementation here, and nobody said where it has one', remedy })
  }
  return faults
}

/** The words that occur more than once, with how often. */
function repeated(words: readonly string[]): readonly (readonly [word: string, count: number])[] {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > 1)
}
