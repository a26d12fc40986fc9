// The typed doors of an application: each names what it is given, and hands it to where that goes (doors.ts), or asks the
// committed rows (queries.ts). What opens, owns and closes is RunningApplication, which extends this.
import type { AsideActed, AsideWholeView } from '../core/aside-views.ts'
import { traced } from '../core/caller.ts'
import type { FailingPage } from '../core/failing-views.ts'
import type { Json } from '../core/json.ts'
import type { WorkDoor } from '../core/transport.ts'
import type { CallValue, EventValue, SignalValue } from '../core/values.ts'
import type {
  CountsView,
  EventView,
  FlowView,
  JournalView,
  KeyView,
  Page,
  Related,
  RunView,
  ScheduleView,
} from '../core/views.ts'
import type {
  ActAllRequest,
  Acted,
  ActedAll,
  AnswerRequest,
  Application,
  ConductRequest,
  FailRequest,
  HttpRoutes,
  InTransaction,
  Posted,
  Published,
  PublishRequest,
  PublishSettings,
  RetryRequest,
  RunId,
  ScheduleActed,
  Signalled,
  SignalRequest,
  SignalSettings,
  Started,
  StartRequest,
  StartSettings,
  TriggerRequest,
} from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import type { ActAsidesRequest, AsidesActed, AsidesPage, AsidesRequest } from '../define/asides.ts'
import { awaitsOf, doorOf, endlessOf } from '../define/elsewhere.ts'
import type { FetchingDoors, NodeAt, Standing } from '../define/node.ts'
import type { EventsRequest, FlowsRequest, RunsRequest } from '../define/reads.ts'
import type { Answering } from '../define/call.ts'
import type { ApplicationDefinition } from '../define/definition.ts'
import type { Metric } from '../define/metric.ts'
import { actOnAll } from './act-on-all.ts'
import type { AsideAnswers } from './aside-answers.ts'
import type { Doors } from './doors.ts'
import { failingOf } from './failing.ts'
import * as known from './known-settings.ts'
import { metricsOf, type Measured } from './metrics.ts'
import type { Queries } from './queries.ts'
import type { Scheduling } from './scheduling.ts'
import { checkOutside } from './schedules.ts'
import { fields, made, settings, word } from './untyped.ts'

export abstract class ApplicationDoors {
  readonly name: string
  readonly http: HttpRoutes | null
  readonly fetching: FetchingDoors
  readonly awaits: (request: Request) => boolean
  protected abstract readonly others: () => readonly NodeAt[]
  protected abstract readonly nodeAt: (id: string) => Promise<Standing['owner']>
  protected abstract readonly doors: Doors
  protected abstract readonly queries: Queries
  protected abstract readonly measured: Measured
  protected abstract readonly scheduling: Scheduling
  protected abstract readonly asideAnswers: AsideAnswers

  readonly #endless: ReadonlySet<string>

  constructor({ name, http, services }: ApplicationDefinition) {
    this.name = name
    this.http = http
    const door = (service: string): WorkDoor | null => doorOf(services, service)
    const fetched = services.map((service) => service.name).filter((service) => door(service) !== null)
    this.awaits = awaitsOf(services)
    this.#endless = new Set(endlessOf(services))
    this.fetching = { services: fetched, door, others: () => this.others(), find: (node) => this.nodeAt(node) }
  }

  start<Result>(call: Answering<Result>, options?: StartSettings): Promise<Started<RunId<Result>>>
  start<Result>(call: Answering<Result>, options: StartSettings & InTransaction): Promise<Posted<RunId<Result>>>
  async start(call: CallValue, options: StartSettings & Partial<InTransaction> = {}): Promise<Started | Posted> {
    const { tx, ...said } = settings(options, known.start)
    const { name, input } = made(call, 'call', 'app.start(checkout(input))')
    const request = traced({ ...said, call: checkOutside(name), input })
    return tx === undefined ? await this.doors.start(request) : await this.doors.startIn(request, tx)
  }
  async startNamed(request: StartRequest): Promise<Started> {
    checkOutside(word(settings(request, known.startNamed, 'request').call, 'call'))
    return await this.doors.start(traced(request))
  }

  publish(event: EventValue, options?: PublishSettings): Promise<Published>
  publish(event: EventValue, options: PublishSettings & InTransaction): Promise<Posted>
  async publish(event: EventValue, options: PublishSettings & Partial<InTransaction> = {}) {
    const { tx, ...said } = settings(options, known.publish)
    const { type, data } = made(event, 'event', 'app.publish(OrderCreated(data))')
    const request = traced({ ...said, type, data })
    return tx === undefined ? await this.doors.publish(request) : await this.doors.publishIn(request, tx)
  }
  async publishNamed(request: PublishRequest): Promise<Published> {
    word(settings(request, known.publishNamed, 'request').type, 'type')
    return await this.doors.publish(traced(request))
  }

  conduct(
    choreography: Parameters<Application['conduct']>[0],
  ): (event: EventValue, options?: PublishSettings) => Promise<Started> {
    const name = word(fields(choreography, 'choreography').name, 'choreography.name')
    return async (event, options = {}) => {
      const { type, data } = made(event, 'event', 'app.conduct(fulfilment)(OrderCreated(data))')
      return this.conductNamed({ ...settings(options, known.conduct), choreography: name, type, data })
    }
  }
  async conductNamed(request: ConductRequest): Promise<Started> {
    word(settings(request, known.conductNamed, 'request').choreography, 'choreography')
    return this.doors.conduct(traced(request))
  }

  signal(run: string, signal: SignalValue, options?: SignalSettings): Promise<Signalled>
  signal(run: string, signal: SignalValue, options: SignalSettings & InTransaction): Promise<Posted>
  async signal(run: string, signal: SignalValue, options: SignalSettings & Partial<InTransaction> = {}) {
    const { tx, ...said } = settings(options, known.signal)
    const { type, data } = made(signal, 'signal', 'app.signal(run, Approved(data))')
    const request = traced({ ...said, run: word(run, 'run'), name: type, data })
    return tx === undefined ? this.doors.signal(request) : this.doors.signalIn(request, tx)
  }
  async signalNamed(request: SignalRequest): Promise<Signalled> {
    word(settings(request, known.signalNamed, 'request').run, 'run')
    word(request.name, 'name')
    return this.doors.signal(traced(request))
  }

  async cancel(run: string, request: Reasoned = {}): Promise<Acted> {
    return this.doors.cancel(word(run, 'run'), settings(request, known.cancel, 'request'))
  }
  async retry(run: string, request: RetryRequest = {}): Promise<Acted> {
    return this.doors.act({
      action: 'retry',
      run: word(run, 'run'),
      request: settings(request, known.retry, 'request'),
    })
  }
  async answer(run: string, request: AnswerRequest): Promise<Acted> {
    word(settings(request, known.answer, 'request').op, 'op')
    return this.doors.act({ action: 'answer', run: word(run, 'run'), request })
  }
  async fail(run: string, request: FailRequest): Promise<Acted> {
    fields(settings(request, known.fail, 'request').error, 'error')
    return this.doors.act({ action: 'fail', run: word(run, 'run'), request })
  }
  async actOnAll(request: ActAllRequest): Promise<ActedAll> {
    return actOnAll(this, this.queries, settings(request, known.actOnAll, 'request'), {
      whereabouts: (run) => this.doors.whereabouts(run),
      endless: this.#endless,
    })
  }

  async asides(request: AsidesRequest = {}): Promise<AsidesPage> {
    return this.asideAnswers.list(settings(request, known.asides, 'request'))
  }
  async aside(item: string): Promise<AsideWholeView> {
    return this.asideAnswers.show(word(item, 'item'))
  }
  async retryAside(item: string, request: Reasoned = {}): Promise<AsideActed> {
    return this.asideAnswers.act('retry', word(item, 'item'), settings(request, known.cancel, 'request'))
  }
  async dropAside(item: string, request: Reasoned = {}): Promise<AsideActed> {
    return this.asideAnswers.act('drop', word(item, 'item'), settings(request, known.cancel, 'request'))
  }
  async actOnAsides(request: ActAsidesRequest): Promise<AsidesActed> {
    return this.asideAnswers.actOnAll(settings(request, known.actOnAsides, 'request'))
  }

  async schedules(): Promise<readonly ScheduleView[]> {
    return this.scheduling.schedules()
  }
  async schedule(name: string): Promise<ScheduleView> {
    return this.scheduling.schedule(word(name, 'schedule'))
  }
  async pause(schedule: string, request: Reasoned = {}): Promise<ScheduleActed> {
    return this.scheduling.act('pause', word(schedule, 'schedule'), settings(request, known.cancel, 'request'))
  }
  async resume(schedule: string, request: Reasoned = {}): Promise<ScheduleActed> {
    return this.scheduling.act('resume', word(schedule, 'schedule'), settings(request, known.cancel, 'request'))
  }
  async trigger(schedule: string, request: TriggerRequest = {}): Promise<Started> {
    return this.scheduling.trigger(word(schedule, 'schedule'), settings(request, known.trigger, 'request'))
  }

  protected abstract outputOf(run: string): Promise<Json | undefined>
  result<Result>(run: RunId<Result>): Promise<Result>
  result(run: string): Promise<Json | undefined>
  async result(run: string): Promise<Json | undefined> {
    return await this.outputOf(word(run, 'run'))
  }

  async runs(request: RunsRequest = {}): Promise<Page<RunView>> {
    return this.queries.runs(settings(request, known.runs, 'request'))
  }
  async journal(
    run: string,
    options: { readonly limit?: number; readonly cursor?: string } = {},
  ): Promise<Page<JournalView> | null> {
    return this.queries.journal(word(run, 'run'), settings(options, known.journal))
  }
  async events(request: EventsRequest = {}): Promise<Page<EventView>> {
    return this.queries.events(settings(request, known.events, 'request'))
  }
  async key(field: string, value: string, cursor?: string): Promise<KeyView> {
    const names = [word(field, 'field'), word(value, 'value')] as const
    await this.doors.flowsWritten({ key: names.join(':') })
    return this.queries.key(...names, cursor)
  }
  async flows(choreography: string, request: FlowsRequest = {}): Promise<Page<FlowView>> {
    const asked = [word(choreography, 'choreography'), settings(request, known.flows, 'request')] as const
    await this.doors.flowsWritten({ choreography: asked[0] })
    return this.queries.flows(...asked)
  }
  async flow(choreography: string, key: string): Promise<FlowView | null> {
    const names = [word(choreography, 'choreography'), word(key, 'key')] as const
    await this.doors.flowsWritten({ choreography: names[0], key: names[1] })
    return this.queries.flow(...names)
  }
  async counts(): Promise<CountsView> {
    return this.queries.counts()
  }
  async failing(): Promise<FailingPage> {
    return failingOf(this.measured.shards)
  }
  metrics(): readonly Metric[] {
    return metricsOf(this.measured)
  }
  async graph(root: string, cursor?: string): Promise<Related> {
    return this.queries.graph(word(root, 'root'), cursor)
  }
}
