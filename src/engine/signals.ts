// Signals to runs of a shard: by hand, in a transaction, by a run, or asked for at another node. Each is judged once and given to its
// run, which knows those that it had; whoever waits is answered how that came out, when it is durable. Kept by requests.ts.
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { toText, type JsonText } from '../core/json.ts'
import { isOtherSignal } from '../core/mailbox.ts'
import { checkId } from '../core/names.ts'
import { validate } from '../core/schema.ts'
import type { InboxRow, RunRow } from '../core/store.ts'
import type { Signalled, SignalRequest } from '../define/application.ts'
import { signalAsJson, type Judged } from './as-json.ts'
import { isOfStore } from './store-faults.ts'
import { seenBy } from './deliveries.ts'
import type { Asked, FarAnswers } from './far-answers.ts'
import { inboxFirst, openRun, type Way } from './find-run.ts'
import { conflictFault, hadSignal, signalHash, type Hashed } from './given-signals.ts'
import { otherLies } from './lying.ts'
import type { Shard } from './shard.ts'
import type { DeliveryExtras, DeliveryResult } from './shard-context.ts'

type OpenRun = Pick<RunRow, 'num' | 'id' | 'name' | 'kind'>

/** What a run is to get. */
interface Said {
  readonly kind: 'signal'
  readonly name: string
  readonly id: string
  readonly hash: string | undefined
  readonly payload: JsonText | undefined
  readonly traceparent?: string
}

/** As it lies in an inbox. */
type Given = SignalRequest & Judged & Hashed

/** Where a signal goes, or what is answered at once: its run had it before it ended. */
type Found = { readonly run: OpenRun; readonly said: Said } | { readonly had: Signalled }

export class Signals {
  readonly #shard: Shard
  readonly #answers: FarAnswers

  constructor(shard: Shard, answers: FarAnswers) {
    this.#shard = shard
    this.#answers = answers
  }

  /** @throws RUN_UNKNOWN, RUN_FORGOTTEN, RUN_ENDED, SIGNALS_FULL, SIGNAL_UNKNOWN, CODE_MISSING, SIGNAL_CONFLICT, INPUT_INVALID, ID_INVALID */
  async send(request: SignalRequest): Promise<Signalled> {
    this.#shard.check()
    const { context } = this.#shard
    await inboxFirst(context)
    const found = await this.#find(request)
    if ('had' in found) return found.had
    const { run, said } = found
    const result = await new Promise<DeliveryResult>((resolve, reject) => {
      context.deliver(run.num, said, { settled: resolve, failed: reject })
    })
    return this.#cameOut(request, said, result)
  }

  /**
   * Judges one that is to come in by another way, as far as it can be judged now; nothing is to be said of one that its run had
   * before it ended. @throws as `send`
   */
  async judge(
    request: SignalRequest,
  ): Promise<{ readonly id: string; readonly body: (ReturnType<typeof signalAsJson> & Hashed) | null }> {
    this.#shard.check()
    const { context } = this.#shard
    await inboxFirst(context)
    const found = await this.#find(request)
    if ('had' in found) return { id: found.had.id, body: null }
    const { id, hash, payload } = found.said
    // Nobody hears of what comes of it later.
    const isOther = await otherLies(context, 'signal', { run: found.run.id, id, hash })
    const live = hash === undefined ? undefined : await context.live(found.run.num)
    // It has ended meanwhile, perhaps by another of that name: it is judged as one that has.
    if (hash !== undefined && live === undefined) return this.judge(request)
    if (isOther || (live !== undefined && isOtherSignal(seenBy(live), found.said))) {
      await context.writer.barrier()
      throw conflictFault(request.run, id)
    }
    const body = signalAsJson(context.directory.signal(found.run, request.name), request.data, payload)
    return { id, body: { ...body, hash } }
  }

  /**
   * One that lay in the inbox: of a run or of a transaction, which was acknowledged and is refused no more, or of another node, which
   * waits for the answer. @param drained takes the row away with what comes of it.
   */
  async take(row: InboxRow, request: Given & Asked, drained: DeliveryExtras): Promise<void> {
    const { context } = this.#shard
    const way = { drained: row.id }
    const { ask } = request
    if (ask === undefined) {
      const run = await openRun(context, request.run, way)
      const said = this.#said(run, request, way)
      const settling = (result: DeliveryResult): void => {
        if (result === 'conflict')
          context.log.warn(
            `An inbox row for ${row.target} was not taken: ${conflictFault(request.run, said.id).message}`,
          )
      }
      return context.deliver(run.num, said, { ...drained, settling })
    }
    const say = (signalled: Signalled): void => this.#answers.done(row, ask, signalled)
    const refuse = (error: unknown): void => {
      // What stops the shard leaves the row where it is.
      if (isBalletError(error) && !isOfStore(error) && !this.#shard.isStopped) this.#answers.refused(row, ask, error)
      else context.inbox.again(row.id)
    }
    const found = await this.#find(request, way)
    if ('had' in found) return say(found.had)
    const { run, said } = found
    context.deliver(run.num, said, {
      settling: (result) => {
        // In the batch of what was taken.
        if (result === 'taken') say({ id: said.id, created: true })
        else this.#cameOut(request, said, result, way).then(say, refuse)
      },
      failed: refuse,
    })
  }

  async #find(request: Given, way: Way = {}): Promise<Found> {
    // An id from the inbox may be an idempotency key, which is outside the alphabet of given ones.
    if (request.id !== undefined && way.drained === undefined) checkId(request.id, 'The signal id')
    try {
      const run = await openRun(this.#shard.context, request.run, way)
      return { run, said: this.#said(run, request, way) }
    } catch (error) {
      if (!(await this.#wasGiven(request, error, way))) throw error
      return { had: { id: String(request.id), created: false } }
    }
  }

  /** What whoever has sent it is answered. @throws SIGNALS_FULL, SIGNAL_CONFLICT, RUN_ENDED */
  async #cameOut(request: Given, { id }: Said, result: DeliveryResult, way: Way = {}): Promise<Signalled> {
    const { limits, counts } = this.#shard.context
    if (result === 'conflict') throw conflictFault(request.run, id)
    if (result === 'full') {
      counts.refused.add('SIGNALS_FULL')
      throw fault('SIGNALS_FULL', { id: request.run, limit: limits.signals, seconds: 1 })
    }
    if (result === 'ended') {
      const error = fault('RUN_ENDED', { id: request.run, status: 'meanwhile' })
      if (!(await this.#wasGiven(request, error, way))) throw error
    }
    return { id, created: result === 'taken' }
  }

  /**
   * Whether a run that has ended had this signal before: whoever lost the answer asks again, and is told so.
   * @throws SIGNAL_CONFLICT
   */
  async #wasGiven(request: Given, error: unknown, way: Way): Promise<boolean> {
    const { run, id } = request
    if (id === undefined || !isBalletError(error) || error.code !== 'RUN_ENDED') return false
    const { context } = this.#shard
    const taken = await context.claims.settle('run', run, (found) => found, way.drained !== undefined)
    if (taken === null) return false
    return hadSignal(context, { num: taken.num, id: run }, { id, hash: this.#hash(request, way) })
  }

  /** What it says to a run. @throws SIGNAL_UNKNOWN, CODE_MISSING, INPUT_INVALID */
  #said(run: OpenRun, request: Given, way: Way): Said {
    const { drained } = way
    const { random, clock } = this.#shard.context
    // Before: there are schemas that fill in what they were given, in place.
    const hash = this.#hash(request, way)
    // What somebody outside says of how it was judged counts nowhere.
    const payload = this.#payload(run, drained === undefined ? { ...request, judged: undefined } : request)
    const { id = random.uuid(clock.now()), name, traceparent } = request
    return { kind: 'signal', name, id, hash, payload, ...(traceparent == null ? {} : { traceparent }) }
  }

  /** Of what lay in an inbox it was made where it was asked for. */
  #hash(request: Given, { drained }: Way): string | undefined {
    return drained === undefined ? signalHash(this.#shard.context, request) : request.hash
  }

  /**
   * What the schema makes of its data. Its sender has heard that it was taken when it lay in the inbox, or is a run that has gone on; when
   * another version refuses it since, or does not know it, the run gets it as it was judged then, as if it had come a moment before this
   * version.
   */
  #payload(run: OpenRun, { name, data, judged }: SignalRequest & Judged): JsonText | undefined {
    const { directory, log } = this.#shard.context
    const what = `the data of ${name}`
    if (judged?.holds === true) return judged.payload
    try {
      const { schema } = directory.signal(run, name)
      return judged?.said === true ? judged.payload : toText(validate(schema, data, what), what)
    } catch (error) {
      // Nothing but a workflow takes signals, in any version.
      if (judged === undefined || run.kind !== 'workflow') throw error
      log.warn(
        `The run "${run.id}" gets the signal ${name} as it was when it was taken; today it would be refused: ${toFailure(error).message}`,
        undefined,
        { run: run.id, code: toFailure(error).code },
      )
      return judged.payload
    }
  }
}
