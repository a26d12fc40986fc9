// The typed doors of an application: each names what it is given, and hands it to where that goes (doors.ts), or asks the
// committed rows (queries.ts). What opens, owns and closes is RunningApplication, which extends this.
import type { CallValue, EventValue, SignalValue } from '../core/values.ts'
import type { EventView, FlowView, JournalView, KeyView, Page, Related, RunView } from '../core/views.ts'
import type {
  ActAllRequest,
  Acted,
  ActedAll,
  AnswerRequest,
  Application,
  ConductRequest,
  EventsRequest,
  FailRequest,
  FlowsRequest,
  HttpRoutes,
  InTransaction,
  Posted,
  Published,
  PublishRequest,
  PublishSettings,
  Reasoned,
  RetryRequest,
  RunsRequest,
  Signalled,
  SignalRequest,
  SignalSettings,
  Started,
  StartRequest,
  StartSettings,
} from '../define/application.ts'
import type { ApplicationDefinition } from '../define/definition.ts'
import { actOnAll } from './act-on-all.ts'
import type { Doors } from './doors.ts'
import type { Queries } from './queries.ts'

export abstract class ApplicationDoors {
  readonly name: string
  readonly http: HttpRoutes | null
  protected abstract readonly doors: Doors
  protected abstract readonly queries: Queries
  /** Resolves when the flows stand in the store as the events do that are durable by now. */
  protected abstract flowsWritten(): Promise<void>

  constructor({ name, http }: ApplicationDefinition) {
    this.name = name
    this.http = http
  }

  start(call: CallValue, options?: StartSettings): Promise<Started>
  start(call: CallValue, options: StartSettings & InTransaction): Promise<Posted>
  async start(call: CallValue, options: StartSettings & Partial<InTransaction> = {}): Promise<Started | Posted> {
    const { tx, ...settings } = options
    const request = { call: call.name, input: call.input, ...settings }
    return tx === undefined ? this.doors.start(request) : this.doors.startIn(request, tx)
  }
  async startNamed(request: StartRequest): Promise<Started> {
    return this.doors.start(request)
  }

  publish(event: EventValue, options?: PublishSettings): Promise<Published>
  publish(event: EventValue, options: PublishSettings & InTransaction): Promise<Posted>
  async publish(event: EventValue, options: PublishSettings & Partial<InTransaction> = {}) {
    const { tx, ...settings } = options
    const request = { type: event.type, data: event.data, ...settings }
    return tx === undefined ? this.doors.publish(request) : this.doors.publishIn(request, tx)
  }
  async publishNamed(request: PublishRequest): Promise<Published> {
    return this.doors.publish(request)
  }

  conduct(
    choreography: Parameters<Application['conduct']>[0],
  ): (event: EventValue, options?: { readonly id?: string; readonly source?: string }) => Promise<Started> {
    const { name } = choreography
    return ({ type, data }, options = {}) => this.conductNamed({ choreography: name, type, data, ...options })
  }
  async conductNamed(request: ConductRequest): Promise<Started> {
    return this.doors.conduct(request)
  }

  signal(run: string, signal: SignalValue, options?: SignalSettings): Promise<Signalled>
  signal(run: string, signal: SignalValue, options: SignalSettings & InTransaction): Promise<Posted>
  async signal(run: string, signal: SignalValue, options: SignalSettings & Partial<InTransaction> = {}) {
    const { tx, ...settings } = options
    const request = { run, name: signal.type, data: signal.data, ...settings }
    return tx === undefined ? this.doors.signal(request) : this.doors.signalIn(request, tx)
  }
  async signalNamed(request: SignalRequest): Promise<Signalled> {
    return this.doors.signal(request)
  }

  async cancel(run: string, request: Reasoned = {}): Promise<Acted> {
    return this.doors.cancel(run, request)
  }
  async retry(run: string, request: RetryRequest = {}): Promise<Acted> {
    return this.doors.act({ action: 'retry', run, request })
  }
  async answer(run: string, request: AnswerRequest): Promise<Acted> {
    return this.doors.act({ action: 'answer', run, request })
  }
  async fail(run: string, request: FailRequest): Promise<Acted> {
    return this.doors.act({ action: 'fail', run, request })
  }
  async actOnAll(request: ActAllRequest): Promise<ActedAll> {
    return actOnAll(this, this.queries, request)
  }

  runs(request?: RunsRequest): Promise<Page<RunView>> {
    return this.queries.runs(request)
  }
  journal(
    run: string,
    options?: { readonly limit?: number; readonly cursor?: string },
  ): Promise<Page<JournalView> | null> {
    return this.queries.journal(run, options)
  }
  events(request?: EventsRequest): Promise<Page<EventView>> {
    return this.queries.events(request)
  }
  async key(field: string, value: string, cursor?: string): Promise<KeyView> {
    await this.flowsWritten()
    return this.queries.key(field, value, cursor)
  }
  async flows(choreography: string, request?: FlowsRequest): Promise<Page<FlowView>> {
    await this.flowsWritten()
    return this.queries.flows(choreography, request)
  }
  async flow(choreography: string, key: string): Promise<FlowView | null> {
    await this.flowsWritten()
    return this.queries.flow(choreography, key)
  }
  graph(root: string, cursor?: string): Promise<Related> {
    return this.queries.graph(root, cursor)
  }
}
