// The application as it stands, for GET /api/app and for people.
import type { StoreInfo } from '../core/store.ts'
import type { ApplicationView, DrawingView } from '../core/views.ts'
import type { ApplicationDefinition } from '../define/definition.ts'
import { flowChart } from '../define/draw/flow-chart.ts'
import type { CallLimit } from '../define/service-limits.ts'
import type { CallLimits } from './call-limits.ts'
import { fetchedOf } from './fetch-lines.ts'

/** What can be called, and what reacts to what. */
export function describe(
  definition: ApplicationDefinition,
  store: { readonly kind: string; readonly name: string },
  info: StoreInfo,
  limits: CallLimits,
): ApplicationView {
  const { services, workflows, events, reactions } = definition
  const signals = new Set(workflows.flatMap((workflow) => workflow.signals.map((signal) => signal.type)))
  const drawn = drawingsOf(definition)
  return {
    name: definition.name,
    version: definition.version,
    store: { kind: store.kind, name: store.name, id: info.id, incarnation: info.incarnation },
    services: services.map((service) => ({
      name: service.name,
      ...limitOf(service.name, service.limit === null ? [] : [service.limit]),
      ...fetchedOf(service, limits),
      ...takesOf(service.name, definition),
      operations: service.operations.map((operation) => ({
        name: operation.name,
        outcomes: operation.outcomes.map((event) => event.type),
        ...(operation.undoes === null ? {} : { undoes: operation.undoes }),
        ...limitOf(operation.name, operation.limits),
        ...(operation.elsewhere === null ? {} : { elsewhere: operation.elsewhere.origin }),
      })),
      reactions: reactions
        .filter((reaction) => reaction.service === service.name)
        .map((reaction) => ({ name: reaction.name, event: reaction.event.type, order: reaction.order })),
    })),
    workflows: workflows.map((workflow) => ({
      name: workflow.name,
      ...(workflow.key === null ? {} : { key: workflow.key }),
      signals: workflow.signals.map((signal) => signal.type),
    })),
    choreographies: definition.choreographies.map((choreography) => ({
      name: choreography.name,
      key: choreography.key,
      events: [...choreography.flow.types],
      endings: choreography.flow.endings,
      drawing: drawn.get(choreography.name) as DrawingView,
    })),
    events: events.map((event) => ({ type: event.type, key: event.key })),
    signals: [...signals],
  }
}

/** What comes by a service that is a transport of events. */
function takesOf(name: string, { transports }: ApplicationDefinition): { readonly takes?: readonly string[] } {
  const transport = transports.find((one) => one.name === name)
  return transport === undefined ? {} : { takes: transport.takes.map(({ type }) => type) }
}

/** How often something may be asked, beside what is said of its service. */
function limitOf(of: string, limits: readonly CallLimit[]): { readonly limit?: string } {
  const own = limits.find(({ name }) => name === of)
  return own === undefined ? {} : { limit: own.per === null ? own.words : `${own.words} for each ${own.per}` }
}

/** Drawn once: a definition does not change, and it is described for every event that is published with a subject. */
const drawings = new WeakMap<ApplicationDefinition, ReadonlyMap<string, DrawingView>>()

function drawingsOf(definition: ApplicationDefinition): ReadonlyMap<string, DrawingView> {
  const known = drawings.get(definition)
  if (known !== undefined) return known
  const drawn = new Map(definition.choreographies.map((one) => [one.name, flowChart(one, definition)]))
  drawings.set(definition, drawn)
  return drawn
}
