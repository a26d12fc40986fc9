// What comes from outside: starts, events and signals, by hand or through the inbox. Each is validated once, here;
// looked up; taken; and acknowledged when its row is durable. An answer about something that exists already rests on
// durable rows too.
import { parseText } from '../core/json-text.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { toText } from '../core/json.ts'
import { checkId } from '../core/names.ts'
import { validate } from '../core/schema.ts'
import type { InboxRow } from '../core/store.ts'
import type {
  ConductRequest,
  Published,
  PublishRequest,
  Signalled,
  SignalRequest,
  Started,
  StartRequest,
} from '../define/application.ts'
import type { Actions } from './actions.ts'
import type { Arrival, Place } from './admission.ts'
import { isOfVersion, setAside } from './aside.ts'
import { signalAsJson, type Judged, type Made } from './as-json.ts'
import { judgeEvent, writeAsked, type AskedEvent } from './asked-event.ts'
import { judgeStart, type AskedStart } from './asked-start.ts'
import { isOfStore, takeBegin, takeBegun, takeFact } from './between-shards.ts'
import { createRun, type Birth } from './births.ts'
import type { Taken } from './claims.ts'
import { conductFlow } from './conduct-flow.ts'
import { FarActions } from './far-actions.ts'
import { inboxFirst, openRun, type Way } from './find-run.ts'
import { hadSignal } from './given-signals.ts'
import type { DeliveryExtras, DeliveryResult } from './shard-context.ts'
import { checkDeadline } from './schedule.ts'
import type { Shard } from './shard.ts'

export class Requests {
  readonly #shard: Shard
  readonly #source: string
  /** What is asked of runs at other nodes. */
  readonly far: FarActions

  /** @param source of events that are published without one: the application's name. */
  constructor(shard: Shard, source: string, actions: Actions) {
    this.#shard = shard
    this.#source = source
    this.far = new FarActions(shard, actions)
  }

  /** @param asked what was judged of the request already. */
  async start(request: StartRequest, way: Way = {}, asked?: AskedStart): Promise<Started> {
    this.#shard.check()
    const { context } = this.#shard
    const { birth, given, workflow } = asked ?? judgeStart(context, request)
    const { id, hash } = birth
    // Whoever asks again for one that is open is answered, whatever there is to do.
    const isOpen = given && context.open.numOf(id) !== undefined
    const place = isOpen ? null : this.#admit(way, { workflow, runs: 1 })
    const decide = async (taken: Taken | null): Promise<Started> => {
      this.#shard.check()
      // One that exists is answered as it is: whoever asks again asks later.
      if (taken === null) this.#checkNew(way, birth)
      if (taken === null) context.begin(createRun(context, birth))
      place?.born()
      await this.#settled(way, taken, hash, () => fault('RUN_CONFLICT', { id }))
      return { id, created: taken === null }
    }
    return leaving(place, given ? context.claims.settle('run', id, decide, way.drained !== undefined) : decide(null))
  }

  /** Judges a start that is to come in by another way, as far as it can be judged now. @throws as `start` */
  async startable(request: StartRequest, asked?: AskedStart): Promise<Pick<Birth, 'id' | 'at' | 'deadline' | 'input'>> {
    this.#shard.check()
    const { birth, given, workflow } = asked ?? judgeStart(this.#shard.context, request)
    const { id, hash } = birth
    const judge = (taken: Taken | null): void => {
      if (taken === null) this.#checkNew({}, birth)
      else if (taken.hash !== hash) throw fault('RUN_CONFLICT', { id })
    }
    const place = this.#admit({}, { workflow, runs: 1 })
    await leaving(place, given ? this.#shard.context.claims.settle('run', id, judge) : Promise.resolve(judge(null)))
    return birth
  }

  /** What lay in the inbox was acknowledged: when its deadline has passed meanwhile, that ends it. @throws STORE_FULL, TIME_INVALID */
  #checkNew(way: Way, { at = null, deadline = null }: Birth): void {
    this.#refuseNew(way)
    if (way.drained === undefined) checkDeadline(deadline, at, this.#shard.context.clock.now())
  }

  /** @param asked what was judged of the request already. */
  async publish(request: PublishRequest, way: Way = {}, asked?: AskedEvent): Promise<Published> {
    this.#shard.check()
    const { context } = this.#shard
    const { claims } = context
    const event = asked ?? judgeEvent(context, this.#source, request)
    const { source, id, given, name, hash } = event
    const place = this.#admit(way, { workflow: null, runs: context.directory.reactionsTo(event.type).length })
    const decide = async (taken: Taken | null): Promise<Published> => {
      this.#shard.check()
      if (taken === null) this.#refuseNew(way)
      const position = taken?.num ?? writeAsked(context, event, request.cause ?? null)
      place?.born()
      await this.#settled(way, taken, hash, () => fault('EVENT_CONFLICT', { id, source }))
      return { id, source, position, created: taken === null }
    }
    if (given) return leaving(place, claims.settle('event', name, decide, way.drained !== undefined))
    return leaving(
      place,
      inboxFirst(context, way).then(() => decide(null)),
    )
  }

  /** Judges an event that is to come in by another way, as far as it can be judged now. @throws as `publish` */
  async publishable(
    request: PublishRequest,
    asked?: AskedEvent,
  ): Promise<Pick<AskedEvent, 'id' | 'source' | 'key' | 'data'>> {
    this.#shard.check()
    const { context } = this.#shard
    const event = asked ?? judgeEvent(context, this.#source, request)
    const { source, id, given, name, hash, type } = event
    const judge = (taken: Taken | null): void => {
      if (taken === null) this.#refuseNew({})
      else if (taken.hash !== hash) throw fault('EVENT_CONFLICT', { id, source })
    }
    const place = this.#admit({}, { workflow: null, runs: context.directory.reactionsTo(type).length })
    await leaving(place, given ? context.claims.settle('event', name, judge) : Promise.resolve(judge(null)))
    return event
  }

  async signal(request: SignalRequest & Judged, way: Way = {}): Promise<Signalled> {
    this.#shard.check()
    const { context } = this.#shard
    await inboxFirst(context, way)
    let run: Awaited<ReturnType<typeof openRun>>
    try {
      run = await openRun(context, request.run, way)
    } catch (error) {
      if (way.drained === undefined && (await this.#wasGiven(request, error)))
        return { id: String(request.id), created: false }
      throw error
    }
    const { id, payload } = this.#signalOf(run, request, way)
    const delivered = { kind: 'signal' as const, name: request.name, id, payload }
    if (way.drained !== undefined) {
      context.deliver(run.num, delivered, this.#drained(way))
      return { id, created: true }
    }
    const result = await new Promise<DeliveryResult>((resolve, reject) => {
      context.deliver(run.num, delivered, { settled: resolve, failed: reject })
    })
    if (result === 'full') throw fault('SIGNALS_FULL', { id: run.id, limit: context.limits.signals, seconds: 1 })
    if (result === 'ended') {
      const error = fault('RUN_ENDED', { id: request.run, status: 'meanwhile' })
      if (await this.#wasGiven(request, error)) return { id, created: false }
      throw error
    }
    return { id, created: result === 'taken' }
  }

  /** Judges a signal that is to come in by another way, as far as it can be judged now. @throws as `signal` */
  async signalable(
    request: SignalRequest,
  ): Promise<{ readonly id: string; readonly said: ReturnType<typeof signalAsJson> }> {
    this.#shard.check()
    const { context } = this.#shard
    await inboxFirst(context)
    const run = await openRun(context, request.run)
    const { id, payload } = this.#signalOf(run, request, {})
    return { id, said: signalAsJson(context.directory.signal(run, request.name), request.data, payload) }
  }

  /** What a signal says to a run. @throws SIGNAL_UNKNOWN, INPUT_INVALID, ID_INVALID */
  #signalOf(run: Awaited<ReturnType<typeof openRun>>, request: SignalRequest & Judged, way: Way) {
    const { context } = this.#shard
    // What somebody outside says of how it was judged counts nowhere.
    const payload = this.#signalData(run, way.drained === undefined ? { ...request, judged: undefined } : request)
    // An id from the inbox is an idempotency key, which is outside the alphabet of given ones.
    const id =
      request.id === undefined
        ? context.random.uuid(context.clock.now())
        : way.drained === undefined
          ? checkId(request.id, 'The signal id')
          : request.id
    return { id, payload }
  }

  /**
   * What the schema makes of the data of a signal. Its sender has heard that it was taken when it lay in the inbox; when a schema of
   * another version refuses it since, the run gets it as it was judged then, as if it had come a moment before this version.
   */
  #signalData(run: Awaited<ReturnType<typeof openRun>>, { name, data, judged }: SignalRequest & Judged) {
    const { context } = this.#shard
    const what = `the data of ${name}`
    if (judged?.said === true) {
      context.directory.signal(run, name)
      return judged.payload
    }
    if (judged?.holds === true) return judged.payload
    try {
      return toText(validate(context.directory.signal(run, name).schema, data, what), what)
    } catch (error) {
      if (judged === undefined) throw error
      context.log.warn(
        `The run "${run.id}" gets the signal ${name} as it was when it was taken; today it would be refused: ${toFailure(error).message}`,
      )
      return judged.payload
    }
  }

  /** Whether a run that has ended had this signal before: whoever lost the answer asks again, and is told so. */
  async #wasGiven({ run, id }: SignalRequest, error: unknown): Promise<boolean> {
    if (id === undefined || !isBalletError(error) || error.code !== 'RUN_ENDED') return false
    return hadSignal(this.#shard.context, run, id)
  }

  /** What is new is refused while the store has no room; what lay in the inbox has been acknowledged. @throws STORE_FULL */
  #refuseNew(way: Way): void {
    if (way.drained === undefined) this.#shard.context.space.check()
  }

  /** Asks a run to stop, because its parent has. One that has ended takes no notice. */
  async #stop(
    { run, by, why }: { readonly run: string; readonly by: string; readonly why: string },
    way: Way,
  ): Promise<void> {
    const { context } = this.#shard
    try {
      const { num } = await openRun(context, run, way)
      context.deliver(num, { kind: 'cancel', by, why }, this.#drained(way))
    } catch (error) {
      if (!isBalletError(error) || error.code !== 'RUN_ENDED') throw error
      this.#drain(way)
      context.writer.flush()
    }
  }

  /**
   * Handles an inbox row. What cannot be taken is drained all the same, and said in the log: it must not block the rest; what
   * may be taken another time is set aside (aside.ts). One of which the store could not be asked is no such row: it stays.
   * @returns false when a later read is to take it.
   */
  async fromInbox(row: InboxRow): Promise<boolean> {
    const { context } = this.#shard
    const way = { drained: row.id }
    let text: string
    try {
      text = context.decode(row.data, 'turn', row.target)
    } catch (error) {
      // A key that is missing today may be there tomorrow: what was acknowledged stays.
      setAside(context, row, error)
      return true
    }
    try {
      // What fails once may well not fail again, and whoever waits for this read is then told the truth.
      await this.#take(row, text, way).catch((error: unknown) => {
        if (!isOfStore(error)) throw error
        return this.#take(row, text, way)
      })
    } catch (error) {
      // It stays where it is, for the next time that the application is opened.
      if (this.#shard.isStopped) return true
      if (isOfStore(error)) {
        context.log.error(`An inbox row for ${row.target} waits: ${toFailure(error).message}`)
        return false
      }
      if (isOfVersion(row, text, context.clock.now(), error)) {
        setAside(context, row, error)
        return true
      }
      context.log.warn(`An inbox row for ${row.target} was not taken: ${toFailure(error).message}`)
      this.#drain(way)
      context.writer.flush()
    }
    return true
  }

  async #take(row: InboxRow, text: string, way: Way): Promise<void> {
    const { kind } = row
    const drain = (): void => this.#drain(way)
    if (kind === 'fact') return takeFact(this.#shard.context, text, drain)
    if (kind === 'begin') return takeBegin(this.#shard.context, text, drain)
    if (kind === 'begun') return takeBegun(this.#shard.context, text, drain)
    if (kind === 'act') return this.far.take(row, text)
    if (kind === 'conduct') {
      await conductFlow(this.#shard, this.#source, parseText(text) as ConductRequest & Made, { drain })
      return
    }
    const body = parseText(text) as SignalRequest & StartRequest & PublishRequest & Made & { by: string; why: string }
    const { context } = this.#shard
    if (kind === 'cancel') await this.#stop(body, way)
    else if (kind === 'signal') await this.signal(body, way)
    else if (kind === 'start') await this.start(body, way, judgeStart(context, body, undefined, body.made))
    else await this.publish(body, way, judgeEvent(context, this.#source, body, body.made))
  }

  /** What lay in the inbox was acknowledged: nobody refuses it any more. @throws STORE_FULL, OVERLOADED */
  #admit(way: Way, arrival: Arrival): Place | null {
    return way.drained === undefined ? this.#shard.context.admission.enter(arrival) : null
  }

  /**
   * Waits until what was just written, or what an answer derives from, is durable. The inbox has nobody to answer: there
   * a conflict is told before the row is drained, which happens once, with the reason.
   */
  async #settled(way: Way, taken: Taken | null, hash: string, conflict: () => Error): Promise<void> {
    const { writer } = this.#shard.context
    const isConflict = taken !== null && taken.hash !== hash
    if (way.drained !== undefined) {
      if (isConflict) throw conflict()
      this.#drain(way)
      return writer.flush()
    }
    if (taken === null) return new Promise<void>((resolve, reject) => writer.acknowledgement(resolve, reject))
    await writer.barrier()
    if (isConflict) throw conflict()
  }

  /** A row that a run cannot take (the store cannot read it) is there for a later read: somebody may retry the run. */
  #drained({ drained }: Way): DeliveryExtras {
    return drained === undefined ? {} : { drained, failed: () => this.#shard.context.inbox.again(drained) }
  }

  #drain(way: Way): void {
    const { context } = this.#shard
    const { drained } = way
    if (drained === undefined) return
    context.writer.rows.drained.push(drained)
    context.writer.onDurable(() => context.inbox.gone(drained))
  }
}

/** Gives the place back when the request has been answered. */
async function leaving<T>(place: Place | null, work: Promise<T>): Promise<T> {
  try {
    return await work
  } finally {
    place?.leave()
  }
}
