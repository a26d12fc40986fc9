// Transports of events: ways by which events cross to other applications and come from there. A door makes one
// (`natsTransport` of ballet/nats) for ballet({ transports }); the engine tells it of each application that has it.
import { isRecord } from '../core/json.ts'
import type { Application } from './application.ts'
import type { Defined } from './definition-symbol.ts'
import type { EventDefinition, ServiceDefinition } from './definition.ts'

/** A transport of events, made by `natsTransport(...)`. */
export interface EventTransport {
  readonly kind: 'transport'
  readonly name: string
  /** Carries events: by reactions to those that go there, and by operations that fetch those that come from there. */
  readonly service: Defined<ServiceDefinition>
  /** What comes from there. */
  readonly takes: readonly EventDefinition[]
  /** An application that has it is open, until `app.stopped`. Must not throw. */
  readonly opened: (app: Application) => void
}

/** Whether an unknown value is a transport of events. */
export function isEventTransport(value: unknown): value is EventTransport {
  return isRecord(value) && value['kind'] === 'transport' && typeof value['opened'] === 'function'
}
