// The application as a definition: `ballet({...})` collects services, workflows, reactions and events into the plain
// shapes that the engine reads. Nothing runs and nothing is judged here beyond the kind of each part; whether the parts
// fit is asked by open(...), which wants every fault at once (fit.ts). Collecting a service closes its list of
// reactions, so that none that comes later is lost without a word.
import { isRecord } from '../core/json.ts'
import type { HttpRoutes } from './application.ts'
import { definitionOf, type Defined } from './definition-symbol.ts'
import type {
  ApplicationDefinition,
  ChoreographyDefinition,
  EventDefinition,
  EventTransport,
  ReactionDefinition,
  ServiceDefinition,
  WorkflowDefinition,
} from './definition.ts'
import { isEventType } from './event.ts'
import { isReactionDefinition } from './reaction.ts'
import { isScheduleDefinition, type ScheduleDefinition } from './schedule.ts'
import { refuse, refuseName, refuseNotFunction, refuseUnknownOptions } from './refusal.ts'

/** What an application is made of. */
export interface ApplicationParts {
  /** Shown to people, and the source of its events; default `application`. Letters, digits, _ and -. */
  readonly name?: string | undefined
  /**
   * Of the code: shown on every run; default `0`. 1 to 64 printable characters without spaces. Of nodes at one store only those of
   * the newest own anything: 1.10 is newer than 1.9, 1.0 than 1.0-rc.1, 1.0+build and v1.0.
   */
  readonly version?: string | undefined
  /** What there is to call: `[payment, shipping]`. */
  readonly services: readonly Defined<ServiceDefinition>[]
  /** What calls it in an order of its own: `[checkout]`. */
  readonly workflows?: readonly Defined<WorkflowDefinition>[] | undefined
  /** Reactions that were not registered with `service.on`: `[on(payment, OrderCreated, ...)]`. */
  readonly reactions?: readonly ReactionDefinition[] | undefined
  /** The flows that the events should follow, made by choreography(...). */
  readonly choreographies?: readonly ChoreographyDefinition[] | undefined
  /** What is started at certain times, made by schedule(...). */
  readonly schedules?: readonly ScheduleDefinition[] | undefined
  /** Ways by which events go to other applications and come from there, made by natsTransport(...) of ballet/nats. */
  readonly transports?: readonly EventTransport[] | undefined
  /** Event types that are neither the outcome of an operation nor answered by a reaction: what is emitted or received. */
  readonly events?: readonly EventDefinition[] | undefined
  /** The application's own HTTP routes, beside /api, /hooks, /callbacks, /healthz and /readyz. */
  readonly http?: HttpRoutes | undefined
}

const PARTS = [
  'name',
  'version',
  'services',
  'workflows',
  'reactions',
  'choreographies',
  'schedules',
  'transports',
  'events',
  'http',
]

/**
 * Defines an application; `open(definition, { store })` makes it run.
 *
 *     export default ballet({ name: 'shop', services: [payment, shipping], workflows: [checkout] })
 *
 * @throws DEFINITION_INVALID
 */
export function ballet(parts: ApplicationParts): ApplicationDefinition {
  const what = 'ballet({...})'
  refuseUnknownOptions(parts, PARTS, what)
  const { name = 'application', version = '0', http } = parts
  refuseName('application', name)
  if (typeof version !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(version)) {
    refuse(what, 'version must be a string of 1 to 64 printable characters without spaces')
  }
  if (http !== undefined) refuseNotFunction(http, what, 'http')
  const transports = list(
    parts.transports ?? [],
    'transports',
    'a transport of events, made by natsTransport(...)',
    transportOf,
  )
  const services = [
    ...list(parts.services, 'services', 'a service, made by service(...)', serviceOf),
    ...list(
      transports.map((transport) => transport.service),
      'transports',
      'a transport of events',
      serviceOf,
    ),
  ]
  const workflows = list(parts.workflows ?? [], 'workflows', 'a workflow, made by workflow(...)', workflowOf)
  const apart = list(parts.reactions ?? [], 'reactions', 'a reaction, made by on(...)', reactionOf)
  const choreographies = list(
    parts.choreographies ?? [],
    'choreographies',
    'a choreography, made by choreography(...)',
    choreographyOf,
  )
  const schedules = list(parts.schedules ?? [], 'schedules', 'a schedule, made by schedule(...)', scheduleOf)
  const listed = list(parts.events ?? [], 'events', 'an event type, made by event(...)', eventOf)
  const events = [...new Set([...listed, ...transports.flatMap(({ takes }) => takes)])]
  for (const service of services) Object.freeze(service.reactions)
  const reactions = [...new Set(services.flatMap((service) => service.reactions)), ...apart]
  const outcomes = services.flatMap(({ operations }) => operations.flatMap((operation) => operation.outcomes))
  const flows = choreographies.flatMap((choreography) => choreography.events)
  return Object.freeze({
    kind: 'application',
    name,
    version,
    services: services.map((service) => ({
      ...service,
      reactions: reactions.filter((one) => one.service === service.name),
    })),
    workflows,
    reactions,
    choreographies,
    schedules,
    transports,
    eventsApart: events,
    events: [...new Set([...outcomes, ...reactions.map((reaction) => reaction.event), ...flows, ...events])],
    http: http ?? null,
  })
}

function list<Part>(
  parts: unknown,
  option: string,
  wanted: string,
  read: (part: unknown) => Part | undefined,
): readonly Part[] {
  if (!Array.isArray(parts)) refuse('ballet({...})', `${option} must be a list`)
  return parts.map((part: unknown, index) => {
    return read(part) ?? refuse('ballet({...})', `${option}[${index}] is not ${wanted}`)
  })
}

function serviceOf(part: unknown): ServiceDefinition | undefined {
  const definition = definitionOf(part)
  return isRecord(definition) && 'operations' in definition ? (definition as unknown as ServiceDefinition) : undefined
}

function workflowOf(part: unknown): WorkflowDefinition | undefined {
  const definition = definitionOf(part)
  return isRecord(definition) && 'body' in definition ? (definition as unknown as WorkflowDefinition) : undefined
}

function reactionOf(part: unknown): ReactionDefinition | undefined {
  return isReactionDefinition(part) ? part : undefined
}

function choreographyOf(part: unknown): ChoreographyDefinition | undefined {
  return isRecord(part) && part['kind'] === 'choreography' ? (part as unknown as ChoreographyDefinition) : undefined
}

function scheduleOf(part: unknown): ScheduleDefinition | undefined {
  return isScheduleDefinition(part) ? part : undefined
}

function transportOf(part: unknown): EventTransport | undefined {
  return isRecord(part) && part['kind'] === 'transport' && typeof part['opened'] === 'function'
    ? (part as unknown as EventTransport)
    : undefined
}

function eventOf(part: unknown): EventDefinition | undefined {
  return isEventType(part) ? part : undefined
}
