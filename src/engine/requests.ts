// What comes from outside: starts, events and signals, by hand or through the inbox. Each is validated once, here;
// looked up; taken; and acknowledged when its row is durable. An answer about something that exists already rests on
// durable rows too.
import { parseText } from '../core/json-text.ts'
import { assertNever, fault, invariant, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { runRef } from '../core/ids.ts'
import type { InboxRow } from '../core/store.ts'
import type {
  ConductRequest,
  Published,
  PublishRequest,
  SignalRequest,
  Started,
  StartRequest,
} from '../define/application.ts'
import type { NodeAsk } from '../define/node.ts'
import type { Actions } from './actions.ts'
import type { Arrival, Place } from './admission.ts'
import { AsideActs } from './aside-acts.ts'
import { asideFor } from './aside.ts'
import type { Made } from './as-json.ts'
import { judgeEvent, writeAsked, type AskedEvent } from './asked-event.ts'
import { judgeStart, type AskedStart } from './asked-start.ts'
import { takeBegin, takeBegun, takeFact } from './between-shards.ts'
import { createRun, payloadsOf, type Birth } from './births.ts'
import type { Taken } from './claims.ts'
import { conductFlow, judgeConduct } from './conduct-flow.ts'
import type { NamedFact } from './facts.ts'
import { FarActions } from './far-actions.ts'
import { FarAnswers, type Asked } from './far-answers.ts'
import { inboxFirst, openRun, type Way } from './find-run.ts'
import type { DeliveryExtras } from './shard-context.ts'
import { checkDeadline } from './schedule.ts'
import type { Shard } from './shard.ts'
import { isHere } from './outbox.ts'
import { payloadOf } from './sent-payload.ts'
import { Signals } from './signals.ts'
import { isOfStore, isOutOfReach } from './store-faults.ts'

export class Requests {
  readonly #shard: Shard
  readonly #source: string
  readonly signals: Signals
  /** To what is asked at other nodes. */
  readonly answers: FarAnswers
  /** What people do to what lies aside. */
  readonly asides: AsideActs
  readonly #far: FarActions

  /** @param source of events that are published without one: the application's name. */
  constructor(shard: Shard, source: string, actions: Actions) {
    this.#shard = shard
    this.#source = source
    this.answers = new FarAnswers(shard.context, () => shard.isStopped)
    this.signals = new Signals(shard, this.answers)
    this.asides = new AsideActs(shard)
    this.#far = new FarActions(shard, { actions, asides: this.asides, answers: this.answers })
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
      if (taken === null) context.begin(createRun(context, birth, payloadsOf(context.encodeAsked, birth)))
      place?.born()
      await this.#settled(way, taken, hash, () => fault('RUN_CONFLICT', { id }))
      return { id, created: taken === null }
    }
    const isDrained = way.drained !== undefined
    return await leaving(place, given ? context.claims.settle('run', id, decide, isDrained) : decide(null))
  }

  /** Judges a start that is to come in by another way, as far as it can be judged now. @throws as `start` */
  async startable(
    request: StartRequest,
    asked?: AskedStart,
  ): Promise<Pick<Birth, 'id' | 'at' | 'deadline' | 'input' | 'hash'>> {
    this.#shard.check()
    const { birth, given, workflow } = asked ?? judgeStart(this.#shard.context, request)
    const { id, hash } = birth
    // Its throws are rejections, so that the place is left whatever it finds.
    const judge = async (taken: Taken | null): Promise<void> => {
      if (taken === null) this.#checkNew({}, birth)
      else if (taken.hash !== hash) throw fault('RUN_CONFLICT', { id })
    }
    const place = this.#admit({}, { workflow, runs: 1 })
    await leaving(place, given ? this.#shard.context.claims.settle('run', id, judge) : judge(null))
    return birth
  }

  /** What lay in the inbox was acknowledged: when its deadline has passed meanwhile, that ends it. @throws STORE_FULL, TIME_INVALID */
  #checkNew(way: Way, { at = null, deadline = null }: Birth): void {
    this.#refuseNew(way)
    if (way.drained === undefined) checkDeadline(deadline, at, this.#shard.context.clock.now())
  }

  /**
   * @param asked what was judged of the request already.
   * @param root of the run that says it, under a name that somebody else may use.
   */
  async publish(request: PublishRequest, way: Way = {}, asked?: AskedEvent, root?: string): Promise<Published> {
    this.#shard.check()
    const { context } = this.#shard
    const { claims } = context
    const event = asked ?? judgeEvent(context, this.#source, request)
    const { source, id, given, name, hash } = event
    const place = this.#admit(way, { workflow: null, runs: context.directory.reactionsTo(event.type).length })
    const decide = async (taken: Taken | null): Promise<Published> => {
      this.#shard.check()
      if (taken === null) this.#refuseNew(way)
      const position =
        taken?.num ?? writeAsked(context, event, { cause: request.cause, traceparent: request.traceparent, root })
      place?.born()
      await this.#settled(way, taken, hash, () => fault('EVENT_CONFLICT', { id, source }))
      return { id, source, position, created: taken === null }
    }
    if (given) return await leaving(place, claims.settle('event', name, decide, way.drained !== undefined))
    return await leaving(
      place,
      inboxFirst(context, way).then(() => decide(null)),
    )
  }

  /** Judges an event that is to come in by another way, as far as it can be judged now. @throws as `publish` */
  async publishable(
    request: PublishRequest,
    asked?: AskedEvent,
  ): Promise<Pick<AskedEvent, 'id' | 'source' | 'key' | 'data' | 'hash'>> {
    this.#shard.check()
    const { context } = this.#shard
    const event = asked ?? judgeEvent(context, this.#source, request)
    const { source, id, given, name, hash, type } = event
    // As in `startable`.
    const judge = async (taken: Taken | null): Promise<void> => {
      if (taken === null) this.#refuseNew({})
      else if (taken.hash !== hash) throw fault('EVENT_CONFLICT', { id, source })
    }
    const place = this.#admit({}, { workflow: null, runs: context.directory.reactionsTo(type).length })
    await leaving(place, given ? context.claims.settle('event', name, judge) : judge(null))
    return event
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

  /** What another node asks without an inbox. It is durable when it is answered. @throws what is asked for may, and REQUEST_INVALID */
  async fromNode({ kind, target, data }: NodeAsk): Promise<Started | Published> {
    const { context } = this.#shard
    const body = parseText(context.decode(payloadOf(data), 'turn', target)) as AskBody
    switch (kind) {
      case 'start': {
        const asked = judgeStart(context, body, undefined, body.made)
        this.#checkHere(asked.birth.id)
        return this.start(body, {}, asked)
      }
      case 'event': {
        const asked = judgeEvent(context, this.#source, body, body.made)
        this.#checkHere(asked.key)
        return this.publish(body, {}, asked)
      }
      case 'conduct': {
        const asked = judgeConduct(context, this.#source, body, body.made)
        this.#checkHere(asked.id)
        return conductFlow(this.#shard, this.#source, body, { asked })
      }
      default:
        return assertNever(kind)
    }
  }

  /** Two nodes do not place a name differently, or one would be in two shards. @throws INVARIANT */
  #checkHere(name: string): void {
    invariant(isHere(this.#shard.context, name), 'another node has asked a shard for what is not there')
  }

  /**
   * Handles an inbox row. What cannot be taken is drained all the same, and said in the log: it must not block the rest; what
   * may be taken another time is set aside (aside.ts). One of which the store could not be asked is no such row: it stays.
   * @returns false when a later read is to take it.
   * @throws STORE_UNREACHABLE, COMMIT_UNKNOWN when a later read is to take it, and what lies behind it
   */
  async fromInbox(row: InboxRow): Promise<boolean> {
    const { context } = this.#shard
    const way = { drained: row.id }
    let text: string
    try {
      text = context.decode(row.data, 'turn', row.target)
    } catch (error) {
      // A key that is missing today may be there tomorrow: what was acknowledged stays.
      this.#shard.aside.set(row, 'later', error)
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
      if (isOutOfReach(error)) throw error
      const cause = toFailure(error)
      const { code, message } = cause
      if (isOfStore(error)) {
        this.#shard.aside.came(row, { outcome: 'waits', cause })
        context.log.error(`An inbox row for ${row.target} waits: ${message}`, undefined, { code })
        return false
      }
      const aside = asideFor(row, text, context.clock.now(), error)
      if (aside !== null) {
        this.#shard.aside.set(row, aside, error)
        return true
      }
      this.#shard.aside.came(row, { outcome: 'refused', cause })
      // Of a begin it is the asking of its reaction, and nobody at a node waits for that.
      const { ask } = isBalletError(error) && row.kind !== 'begin' ? (parseText(text) as Asked) : {}
      const run = sayerOf(row, text)
      const what = run === undefined ? `An inbox row for ${row.target}` : `What the run "${run}" emitted`
      if (ask === undefined || row.kind === 'start' || row.kind === 'event')
        context.log.warn(`${what} was not taken: ${message}`, undefined, { code, run })
      if (isBalletError(error) && ask !== undefined) {
        this.answers.refused(row, ask, error)
        return true
      }
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
    if (kind === 'act') return this.#far.take(row, text)
    if (kind === 'conduct') return this.#takeConduct(row, parseText(text) as ConductRequest & Made & Asked, way)
    const body = parseText(text) as SignalRequest & StartRequest & PublishRequest & Made & Said
    const { context } = this.#shard
    if (kind === 'cancel') await this.#stop(body, way)
    else if (kind === 'signal') await this.signals.take(row, body, this.#drained(way))
    else if (kind === 'start') await this.start(body, way, judgeStart(context, body, undefined, body.made))
    else await this.publish(body, way, judgeEvent(context, this.#source, body, body.made), body.root)
  }

  /** A flow that was asked for at another node, which waits for the answer. */
  async #takeConduct(row: InboxRow, request: ConductRequest & Made & Asked, way: Way): Promise<void> {
    const { ask } = request
    const drain = (started: Started): void =>
      ask === undefined ? this.#drain(way) : this.answers.done(row, ask, started)
    await conductFlow(this.#shard, this.#source, request, { drain })
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
    if (taken === null) return await new Promise<void>((resolve, reject) => writer.acknowledgement(resolve, reject))
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

/** What another node asks. */
type AskBody = StartRequest & PublishRequest & ConductRequest & Made

/** What a run says: that another one is to stop, or an event under a name. */
interface Said extends Partial<Pick<NamedFact, 'root'>> {
  readonly by: string
  readonly why: string
}

/** The run that has emitted what a row says; undefined for anything else. */
function sayerOf({ kind }: InboxRow, text: string): string | undefined {
  const { root, cause } = kind === 'event' ? (parseText(text) as Partial<NamedFact>) : {}
  return root === undefined ? undefined : cause?.slice(runRef('').length)
}

/** Gives the place back when the request has been answered. By `then`, since every start comes by here, and `finally` makes more promises. */
function leaving<T>(place: Place | null, work: Promise<T>): Promise<T> {
  if (place === null) return work
  return work.then(
    (value) => {
      place.leave()
      return value
    },
    (error: unknown) => {
      place.leave()
      throw error
    },
  )
}
