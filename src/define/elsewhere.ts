// Says that the operations of a service are carried out in another process, and by which transport they are asked for.
// The service stays what it is to workflows, reactions and undos: only the attempts go elsewhere. What it has of
// implementations of its own stays in the definition, for whoever plays an application through in one process (the
// simulator, the paths of a choreography), and is not used by the engine. Called by the doors of transports.
import { canonicalText, fromText, isRecord, toText } from '../core/json.ts'
import { fault } from '../core/errors.ts'
import { validate } from '../core/schema.ts'
import type { Transport, WorkDoor } from '../core/transport.ts'
import { DEFINITION, definitionOf, type Defined } from './definition-symbol.ts'
import type { ApplicationDefinition, OperationContext, OperationDefinition, ServiceDefinition } from './definition.ts'
import { isServiceDefinition } from './reaction.ts'
import { refuse } from './refusal.ts'

/** In the place of a limit, in words. */
const FETCHED = 'fetched by the service'

/** The definition of a service. @throws DEFINITION_INVALID for anything else */
export function serviceDefinitionOf(service: unknown, what: string): ServiceDefinition {
  const definition = definitionOf(service)
  return isServiceDefinition(definition) ? definition : refuse(what, 'it takes a service, made by service(...)')
}

/** The same service, whose attempts go over `transport`. @throws DEFINITION_INVALID */
export function placed<Placed extends Defined<ServiceDefinition>>(service: Placed, transport: Transport): Placed {
  const definition = serviceDefinitionOf(service, 'elsewhere(...)')
  const work = workOf(definition.name, transport)
  const awaits = transport.awaits?.bind(transport) ?? null
  const operations = definition.operations.map((operation) => {
    if (operation.heartbeatMs !== null && transport.hears !== true)
      refuse(
        `operation "${operation.name}"`,
        'it has a heartbeat, and nobody takes it here: give elsewhere(...) answers: laterAnswers(...)',
      )
    return Object.freeze({
      ...operation,
      elsewhere: {
        origin: transport.origin,
        call: callBy(transport, operation),
        work,
        awaits,
        isEndless: transport.endless?.includes(operation.name) === true,
      },
    })
  })
  const { on } = service as Placed & { readonly on: (...reaction: readonly unknown[]) => unknown }
  const self = {
    ...service,
    // It gives back this service, and not the one whose operations are here.
    on: (...reaction: readonly unknown[]): unknown => {
      on(...reaction)
      return self
    },
    [DEFINITION]: { ...definition, operations },
  }
  return Object.freeze(self)
}

/** The origin of the process that carries out the operations of a service; null when that is this one. */
export const originOf = ({ operations }: ServiceDefinition): string | null => operations[0]?.elsewhere?.origin ?? null

/**
 * The application with every operation carried out in this process, for whoever plays it through.
 * @throws DEFINITION_INVALID for an operation that is elsewhere and has no `run` here.
 */
export function broughtHere(definition: ApplicationDefinition, what: string): ApplicationDefinition {
  const here = (operation: OperationDefinition): OperationDefinition => {
    if (operation.elsewhere !== null && operation.run === null)
      refuse(
        what,
        `operation "${operation.name}" is elsewhere and has no run(input, context), and nothing is asked elsewhere here: give the service one that stands in for it`,
      )
    return { ...operation, elsewhere: null }
  }
  const services = definition.services.map((one) => ({ ...one, operations: one.operations.map(here) }))
  // Nor does anything come from another application.
  return { ...definition, services, transports: [] }
}

/** All operations of a service that is fetched wait in one line, behind what limits them: its room counts for all of them. */
function workOf(name: string, { work }: Transport) {
  if (work === undefined) return null
  const line = { name, atOnce: null, rate: null, per: null, words: FETCHED, room: work.room }
  return { line, door: work.door }
}

/** The door of the service of this name, if its calls are fetched; else null. */
export function doorOf(services: readonly ServiceDefinition[], name: string): WorkDoor | null {
  const service = services.find((one) => one.name === name)
  return service?.operations[0]?.elsewhere?.work?.door ?? null
}

/** Whether a request is for an attempt at one of these services that waits for its answer here. */
export function awaitsOf(services: readonly ServiceDefinition[]): (request: Request) => boolean {
  const doors = services.flatMap(({ operations }) => operations[0]?.elsewhere?.awaits ?? [])
  return (request) => doors.some((awaits) => awaits(request))
}

/** The operations whose calls go on until they are told to end, by their names. */
export const endlessOf = (services: readonly ServiceDefinition[]): readonly string[] =>
  services.flatMap(({ operations }) =>
    operations.flatMap(({ name, elsewhere }) => (elsewhere?.isEndless === true ? [name] : [])),
  )

function callBy(transport: Transport, operation: OperationDefinition) {
  return async (input: unknown, context: OperationContext): Promise<unknown> => {
    requireSame(operation, input)
    const { name, heartbeatMs } = operation
    const { idempotencyKey, fence, attempt, timeoutMs, key, run, op, root, cause, undoes, traceparent, progress } =
      context
    const told = { idempotencyKey, fence, attempt, timeoutMs, key, run, op, root, cause, undoes, traceparent, progress }
    const answer = await transport.ask(
      { operation: name, input, heartbeatMs, ...told },
      context.signal,
      context.heartbeat,
    )
    return operation.outcomes.length > 0 && isRecord(answer) && typeof answer['type'] === 'string'
      ? { kind: 'event', type: answer['type'], data: answer['data'] }
      : answer
  }
}

/**
 * The other side has its schema look at the input as well. One that makes another value of what it has made (cents of an
 * amount, twice) would have it carry out something else than was asked for.
 */
function requireSame({ name, input: schema }: OperationDefinition, input: unknown): void {
  const what = `the input of ${name}`
  const text = toText(input, what)
  // A schema may fill in what it is given, in place.
  const again = toText(validate(schema, fromText(text), what), what)
  if (again === text || canonicalText(fromText(again)) === canonicalText(fromText(text))) return
  const problem = 'its schema makes another value of what it has made, and a service elsewhere has it do that again'
  throw fault('INPUT_INVALID', { what, path: 'the top', problem })
}
