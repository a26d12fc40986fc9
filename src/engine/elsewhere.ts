// What is asked of a shard that another process owns: it is put into the inbox of that shard, in a transaction of its own or
// of the application's, and is durable then. Whoever owns the shard is told, and looks every second all the same. What has to
// be known of before it can be answered (whether an id is taken, where in the log an event stands) is read from committed
// rows. Used by doors.ts.
import { elapsedOf, type Clock, type Random } from '../core/clock.ts'
import { fault, isBalletError } from '../core/errors.ts'
import type { Delivered } from '../core/journal.ts'
import { toText } from '../core/json.ts'
import { checkId } from '../core/names.ts'
import type { Placement } from '../core/placement.ts'
import { validate } from '../core/schema.ts'
import type { Claim, InboxItem, RunRow, Store } from '../core/store.ts'
import type {
  Acted,
  ConductRequest,
  Published,
  PublishRequest,
  Signalled,
  SignalRequest,
  Started,
  StartRequest,
} from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import { reasonOf } from './actions.ts'
import type { Arrival } from './admission.ts'
import { answerAsJson, signalAsJson } from './as-json.ts'
import type { AsideDone } from './aside-acts.ts'
import { asidesOf, TAKEN_MS } from './aside.ts'
import { conductBody, eventBody, startBody, type AskedBody } from './asked-bodies.ts'
import type { AskedEvent } from './asked-event.ts'
import type { AskedStart } from './asked-start.ts'
import { AskedStarts } from './asked-starts.ts'
import { checkSame, type AskedConduct } from './conduct-flow.ts'
import { contentHash } from './content-hash.ts'
import { askOwner, type DirectOptions, type Name, type NotByOwner, type OfOwner, type Owned } from './direct.ts'
import type { Directory } from './directory.ts'
import type { Act, AsideAct, AskedAct } from './far-actions.ts'
import { AnswersRead, notTaken, refusal, silent, type Ask, type Done, type What } from './far-answers.ts'
import { conflictFault, hadSignal, signalHash, wasGiven } from './given-signals.ts'
import { flowsStand, type FlowsOf } from './flows-elsewhere.ts'
import { liesIn, otherLies, type Named, type Posted } from './lying.ts'
import { LOOK_MS, Patience } from './patience.ts'
import { checkDeadline } from './schedule.ts'
import type { ShardContext } from './shard-context.ts'
import type { Shards } from './shards.ts'
import { putWithin } from './within.ts'

export interface ElsewhereOptions extends DirectOptions {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly directory: Directory
  /** Told of what is put into an inbox; what is new takes a place there: nobody refuses it where it is taken. */
  readonly shards: Pick<Shards, 'posted' | 'expected' | 'enter' | 'counts'>
}

/** Rows of an inbox that are looked at in one read. */
const PAGE = 1000
/** Of what it took of late until something was taken, when is looked first; and how much the last of them counts. */
const FIRST_PART = 3 / 4
const NEWEST_PART = 1 / 8
/** Looks for a name alone, before it is asked whether what is to take it still lies in the inbox. */
const LOOKS = 4

export class Elsewhere {
  readonly #options: ElsewhereOptions
  readonly #place: Placement
  readonly patience: Patience
  readonly #asked: AskedStarts
  readonly #answers: AnswersRead
  /** How long it takes as of late until what was put into an inbox has been taken. */
  #takenMs = 0

  constructor(place: Placement, options: ElsewhereOptions) {
    this.#place = place
    this.#options = options
    this.patience = new Patience(options.clock)
    this.#asked = new AskedStarts(options.clock)
    this.#answers = new AnswersRead(options)
  }

  /** @throws RUN_CONFLICT, TIME_INVALID, OVERLOADED, OWNER_REFUSED, OWNER_SILENT, STORE_WENT_BACK, and what the store does */
  async start(asked: AskedStart, request: StartRequest, tx?: object): Promise<Started> {
    const { birth, given, workflow } = asked
    const { id, hash, at, deadline } = birth
    const shard = this.#place.shardOf(id)
    const isOther = tx !== undefined && given && (await otherLies(this.#reading(shard), 'start', { id, hash }))
    const before = given ? await this.#claim(shard, 'run', id) : null
    if (isOther || (before !== null && before.hash !== hash)) throw fault('RUN_CONFLICT', { id })
    if (before !== null && tx === undefined) return this.#known(shard, { id, created: false })
    if (before === null) checkDeadline(deadline ?? null, at ?? null, this.#options.clock.now())
    const body = startBody(this.#options.directory, asked, request)
    const name = { hash, look: () => this.#claim(shard, 'run', id) }
    const came = await this.#direct({ shard, kind: 'start', target: id }, body, name, tx)
    if ('created' in came) {
      this.#asked.add(id)
      return { id, created: !given || came.created }
    }
    const arrival = before === null ? { workflow, runs: 1 } : null
    return this.#byInbox(came, 'run', arrival, () => this.#start(asked, body, tx))
  }

  async #start({ birth, given }: AskedStart, body: AskedBody, tx?: object): Promise<Started> {
    const { id, hash } = birth
    const posted = await this.#post('start', id, id, body, tx)
    if (tx !== undefined) return { id, created: true }
    this.#asked.add(id)
    const taken = await this.#taken(this.#place.shardOf(id), 'run', id, posted, `the start of the run "${id}"`)
    // It is durable all the same. But another one of its name may lie before it.
    if (taken === 'lies' && given) throw silent('run')
    if (typeof taken === 'object' && taken.hash !== hash) throw fault('RUN_CONFLICT', { id })
    return { id, created: true }
  }

  /** Nobody hears of what comes of a transaction. */
  async #direct(ask: Owned, body: AskedBody, name: Name, tx?: object): Promise<OfOwner> {
    if (tx !== undefined) return { isUnknown: false }
    const { elsewhere } = this.#options.shards.counts
    const asked = askOwner(this.#options, ask, body, name)
    asked.then(
      (came) => elsewhere.add('created' in came ? 'node' : 'inbox'),
      () => elsewhere.add('node'),
    )
    return asked
  }

  /** Something new has its place while it is on its way. What may have been done already is not refused any more. */
  async #byInbox<T>(came: NotByOwner, what: What, arrival: Arrival | null, work: () => Promise<T>): Promise<T> {
    const { isUnknown } = came
    const place = arrival === null || isUnknown ? null : this.#options.shards.enter(arrival)
    try {
      return await work()
    } catch (error) {
      throw isUnknown && isBalletError(error) && error.code === 'STORE_FULL' ? silent(what) : error
    } finally {
      place?.leave()
    }
  }

  /** @throws EVENT_CONFLICT, OVERLOADED, OWNER_REFUSED, OWNER_SILENT, STORE_WENT_BACK, and what the store does */
  async publish(asked: AskedEvent, request: PublishRequest, tx?: object): Promise<Published> {
    const { id, given, source, hash, key, name, type } = asked
    const shard = this.#place.shardOf(key)
    const isOther = tx !== undefined && given && (await otherLies(this.#reading(shard), 'event', { id, source, hash }))
    const before = given ? await this.#claim(shard, 'event', name) : null
    if (isOther || (before !== null && before.hash !== hash)) throw fault('EVENT_CONFLICT', { id, source })
    if (before !== null && tx === undefined)
      return this.#known(shard, { id, source, position: before.num, created: false })
    const { directory } = this.#options
    const body = eventBody(directory, asked, request)
    const known = { hash, look: () => this.#claim(shard, 'event', name) }
    const came = await this.#direct({ shard, kind: 'event', target: type }, body, known, tx)
    if ('created' in came) return { id, source, position: came.num, created: !given || came.created }
    const arrival = before === null ? { workflow: null, runs: directory.reactionsTo(type).length } : null
    return this.#byInbox(came, 'event', arrival, () => this.#publish(asked, body, shard, tx))
  }

  async #publish(asked: AskedEvent, body: AskedBody, shard: number, tx?: object): Promise<Published> {
    const { id, source, hash, key, name, type } = asked
    const posted = await this.#post('event', type, key, body, tx)
    if (tx !== undefined) return { id, source, position: 0, created: true }
    const taken = await this.#taken(shard, 'event', name, posted, `the event "${id}"`)
    // It is durable all the same, and known by its id when it is published again.
    if (typeof taken === 'string') throw silent('event')
    if (taken.hash !== hash) throw fault('EVENT_CONFLICT', { id, source })
    return { id, source, position: taken.num, created: true }
  }

  /** @throws what the owner of the shard does, OVERLOADED, OWNER_SILENT, and what the store does */
  async conduct(asked: AskedConduct, request: ConductRequest): Promise<Started> {
    const { id, first } = asked
    const { store, directory } = this.#options
    const shard = this.#place.shardOf(id)
    const before = await this.#claim(shard, 'run', id)
    if (before !== null) await checkSame(store, shard, before, asked)
    if (before !== null) return this.#known(shard, { id, created: false })
    const body = conductBody(directory, asked, request)
    const name = { hash: asked.hash, look: () => this.#claim(shard, 'run', id) }
    const came = await this.#direct({ shard, kind: 'conduct', target: id }, body, name)
    if ('created' in came) return { id, created: came.created }
    const arrival = { workflow: null, runs: 1 + directory.reactionsTo(first.type).length }
    const started = await this.#byInbox(came, 'flow', arrival, () => this.#ask<Started>('conduct', id, body, 'flow'))
    // It was not there before: where the owner has begun it and could not say so, it is new all the same.
    return came.isUnknown ? { ...started, created: true } : started
  }

  /** @throws RUN_UNKNOWN, RUN_FORGOTTEN, RUN_ENDED, SIGNAL_UNKNOWN, SIGNAL_CONFLICT, INPUT_INVALID, ID_INVALID, what the owner does, and the store */
  async signal(request: SignalRequest, tx?: object): Promise<Signalled> {
    const { directory, random, clock } = this.#options
    const id = request.id === undefined ? random.uuid(clock.now()) : checkId(request.id, 'The signal id')
    const row = await this.#row(request.run)
    const { name, data, traceparent } = request
    const hash = signalHash({ hash: contentHash }, request)
    const wasHad = async (): Promise<boolean> =>
      request.id !== undefined && hadSignal(this.#reading(this.#place.shardOf(row.id)), row, { id, hash })
    // Whoever lost the answer asks again, and is told so.
    if (row.ended !== null && (await wasHad())) return this.#known(this.#place.shardOf(row.id), { id, created: false })
    if (row.ended !== null) throw fault('RUN_ENDED', { id: row.id, status: row.status })
    const what = `the data of ${name}`
    const signal = directory.signal(row, name)
    const said = signalAsJson(signal, data, toText(validate(signal.schema, data, what), what))
    const body = { run: row.id, name, id, hash, ...said, traceparent }
    if (tx === undefined) return this.#ask<Signalled>('signal', row.id, body, 'run')
    // Nobody hears of what comes of it later.
    const isOther = await otherLies(this.#reading(this.#place.shardOf(row.id)), 'signal', { run: row.id, id, hash })
    if (isOther) throw conflictFault(row.id, id)
    if (!(await wasHad())) await this.#post('signal', row.id, row.id, body, tx)
    return { id, created: true }
  }

  /** @throws RUN_UNKNOWN, RUN_FORGOTTEN, RUN_ENDED, REQUEST_INVALID, OWNER_SILENT, what the action throws, and what the store does */
  async act({ run, ...asked }: Act): Promise<Acted> {
    const { directory } = this.#options
    reasonOf(asked.request)
    const { id, ended, status } = await this.#row(run)
    if (ended !== null) throw fault('RUN_ENDED', { id, status })
    // What is no JSON would be left out of the row, and something else answered.
    if (asked.action !== 'answer') toText(asked.request, 'what is asked')
    const said = asked.action === 'answer' ? answerAsJson(directory, asked.request) : asked
    const act = { run: id, action: asked.action, request: said.request } as Act
    const made = 'made' in said ? said.made : undefined
    return this.#ask<Acted>('act', id, { act, made } satisfies Omit<AskedAct, 'ask'>, 'run')
  }

  /** @throws what the owner of the shard does, OWNER_SILENT, and what the store does */
  aside(act: AsideAct): Promise<AsideDone> {
    return this.#ask<AsideDone>('act', act.run, { act } satisfies Omit<AskedAct, 'ask'>, 'item')
  }

  /** A cancellation whose shard was lost in the middle of it: it may have been durable, and its run may have ended by it. @throws as `act` */
  async cancelAgain(run: string, request: Reasoned): Promise<Acted> {
    const { by, why } = reasonOf(request)
    const came = await this.act({ action: 'cancel', run, request }).catch((error: unknown) => {
      if (isBalletError(error) && error.code === 'RUN_ENDED') return error
      throw error
    })
    const isEnd = came instanceof Error
    if (!isEnd && came.changed) return came
    const isOurs = (one: Delivered): boolean => one.kind === 'cancel' && one.by === by && one.why === why
    const row = await this.#row(run)
    const wasOurs = await wasGiven(this.#reading(this.#place.shardOf(row.id)), row, isOurs)
    if (isEnd && !wasOurs) throw came
    return isEnd ? { id: run, action: 'cancel', changed: true, ops: [] } : { ...came, changed: wasOurs }
  }

  /** What the owner of a shard says to what is put into its inbox. @throws what it is refused with, OWNER_SILENT */
  async #ask<T extends Done>(kind: InboxItem['kind'], name: string, body: object, of: What): Promise<T> {
    const posted = await this.#post(kind, name, name, body)
    const answer = await this.#whenTaken(this.#answers.looks(posted))
    if (answer === null) throw silent(of)
    if ('refused' in answer) throw refusal(answer)
    return answer.done as T
  }

  /** What was asked for before, and can be read: its owner may wait until a standby has it, and so does whoever says that it is there. */
  async #known<T>(shard: number, answer: T): Promise<T> {
    await this.#options.store.stands?.(shard)
    return answer
  }

  /** What is needed to read in a shard. */
  #reading(shard: number): Pick<ShardContext, 'store' | 'shard' | 'ns' | 'decode'> {
    const { store, ns, codec } = this.#options
    return { store, shard, ns, decode: (payload, row, id) => codec.decode(payload, { namespace: ns, row, id }) }
  }

  /** The row of a run. */
  async #row(id: string): Promise<RunRow> {
    const { store } = this.#options
    const shard = this.#place.shardOf(id)
    const name = id.slice(0, 1024)
    // A start that was acknowledged may still lie in the inbox.
    const claim =
      (await this.#claim(shard, 'run', name)) ?? (await this.afterInbox(shard, () => this.#claim(shard, 'run', name)))
    if (claim === null) throw fault('RUN_UNKNOWN', { id: id.slice(0, 256) })
    const row = await store.run(shard, claim.num)
    if (row === null) throw fault('RUN_FORGOTTEN', { id: id.slice(0, 256) })
    return row
  }

  /** What a run came to, as a row; null while it has not ended, or has been asked for just now. @throws RUN_UNKNOWN, RUN_FORGOTTEN */
  async ended(id: string): Promise<RunRow | null> {
    const shard = this.#place.shardOf(id)
    const claim = await this.#claim(shard, 'run', id.slice(0, 1024))
    if (claim === null && this.hasAsked(id)) return null
    const row = claim === null ? await this.#row(id) : await this.#options.store.run(shard, claim.num)
    if (row === null) throw fault('RUN_FORGOTTEN', { id: id.slice(0, 256) })
    this.#asked.delete(id)
    return row.ended === null ? null : row
  }

  /** Whether this process has asked for the start of a run, and has not seen it taken. */
  hasAsked(id: string): boolean {
    return this.#asked.has(id)
  }

  /** Looks once more when what lies in the inbox of a shard now has been taken, or has had its time. @throws APP_CLOSED */
  async afterInbox<T>(shard: number, look: () => Promise<T>): Promise<T> {
    const { store, ns, shards } = this.#options
    const gone = (last: number) => async (): Promise<true | null> => {
      const [first] = await store.inboxIds(shard, ns, 1)
      return first === undefined || first > last ? true : null
    }
    for (let count = PAGE; count === PAGE;) {
      const ids = await store.inboxIds(shard, ns, PAGE)
      const last = ids.at(-1)
      count = ids.length
      if (last === undefined) break
      shards.posted(shard)
      if ((await this.#patiently(gone(last))) !== null) continue
      // What takes too long is not waited for any longer; it is taken all the same. A node that closes does not know of it.
      this.patience.check()
      break
    }
    return look()
  }

  /** Resolves when flows of a shard stand in the store as the events do that are durable by now, or that takes too long. */
  flowsWritten(shard: number, of: FlowsOf): Promise<void> {
    const { store, ns, directory } = this.#options
    const { choreographies } = directory.definition
    return flowsStand({ store, ns, choreographies, patience: this.patience }, shard, of)
  }

  async #claim(shard: number, space: Claim['space'], id: string): Promise<Claim | null> {
    const { store, ns } = this.#options
    const [claim = null] = await store.claims(shard, ns, space, [id])
    return claim
  }

  /**
   * The claim of what was put into an inbox, or that it lies there still when that takes too long, or was set aside and is taken
   * later. When it is nowhere and the name is free, it was refused, which its owner has answered. @throws OWNER_REFUSED, STORE_WENT_BACK
   */
  async #taken(
    shard: number,
    space: Claim['space'],
    id: string,
    posted: Posted & Ask,
    what: string,
  ): Promise<Claim | 'lies' | 'aside'> {
    const { store, ns } = this.#options
    let looks = 0
    const taken = await this.#whenTaken(async () => {
      // Most are taken at once. What is there no more was taken before its name is looked for.
      const isGone = ++looks > LOOKS && (await store.inboxIds(shard, ns, 1)).length === 0
      const claim = await this.#claim(shard, space, id)
      return isGone && claim === null ? 'gone' : claim
    })
    if (taken !== 'gone' && taken !== null) return taken
    // There may be others which nobody can take: of this one it is known by itself. It may be brought back in between.
    for (const inbox of [ns, ...asidesOf(ns), ns])
      if (await liesIn(store, shard, inbox, posted)) return inbox === ns ? 'lies' : 'aside'
    const claim = await this.#claim(shard, space, id)
    if (claim === null) throw notTaken(await this.#answers.to(posted, true), what)
    return claim
  }

  /** As `#patiently`, of what was put into an inbox just now: each look that comes too early is a question more. */
  async #whenTaken<T>(look: () => Promise<T | null>): Promise<T | null> {
    const { clock } = this.#options
    const since = elapsedOf(clock)
    await this.patience.pause(Math.max(this.#takenMs * FIRST_PART, LOOK_MS[0]))
    const taken = await this.#patiently(look)
    const passedMs = Math.min(elapsedOf(clock) - since, LOOK_MS[1])
    this.#takenMs += (passedMs - this.#takenMs) * NEWEST_PART
    return taken
  }

  /** What is not null, or null when it takes too long. */
  #patiently<T>(look: () => Promise<T | null>): Promise<T | null> {
    return this.patience.until(look, TAKEN_MS)
  }

  /** @param tag says to which shard it goes. */
  async #post(
    kind: InboxItem['kind'],
    target: string,
    tag: string,
    body: Partial<Named> & object,
    tx?: object,
  ): Promise<Posted & Ask> {
    const { store, ns, codec, clock, random, shards, asking } = this.#options
    const shard = this.#place.shardOf(tag)
    const asked = this.#answers.ask(shard, random.uuid(clock.now()))
    // Nobody waits for what a transaction has asked for.
    const text = JSON.stringify(tx === undefined ? { ...body, ask: asked.ask } : { ...body, silent: true })
    const data = codec.encode(text, { namespace: ns, row: 'turn', id: target })
    const item = { ns, slot: this.#place.slotOf(tag), kind, target, data, at: clock.now() }
    if (tx === undefined) await store.post(shard, [item]).finally(asking.hold(shard, kind))
    else await putWithin(store, tx, { shard, ...item }, body)
    // Nobody here sees the end of somebody's transaction.
    if (tx === undefined) shards.posted(shard)
    else shards.expected(shard)
    return { kind, target, data, ...asked }
  }
}
