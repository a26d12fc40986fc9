// Starts, events and signals within a transaction of the application's own database: what is asked for is looked at as ever
// (names, schemas, ids, limits), and then put into the inbox by that transaction. When it commits they are durable with
// it, and are taken like anything else that lies there; when it does not, they were never asked for.
import type { InboxItem } from '../core/store.ts'
import type { Posted, PublishRequest, SignalRequest, StartRequest } from '../define/application.ts'
import { madeOfData, madeOfInput } from './as-json.ts'
import type { AskedEvent } from './asked-event.ts'
import type { AskedStart } from './asked-start.ts'
import type { Named } from './lying.ts'
import type { Requests } from './requests.ts'
import type { ShardContext } from './shard-context.ts'
import { putWithin } from './within.ts'

export class Posts {
  readonly #context: ShardContext
  readonly #requests: Requests

  constructor(context: ShardContext, requests: Requests) {
    this.#context = context
    this.#requests = requests
  }

  /** @throws as `Requests.start`, TX_INVALID, TX_FOREIGN, and what the transaction throws */
  async start(request: StartRequest, tx: object, asked?: AskedStart): Promise<Posted> {
    const { id, at, deadline, hash, input: judged } = await this.#requests.startable(request, asked)
    const { call, input } = request
    await this.#post(tx, 'start', id, {
      call,
      input,
      ...madeOfInput(this.#context.directory, call, input, judged),
      id,
      hash,
      at: at ?? undefined,
      deadline: deadline ?? undefined,
      traceparent: request.traceparent,
      silent: true,
    })
    return { id }
  }

  /** @throws as `Requests.publish`, TX_INVALID, TX_FOREIGN, and what the transaction throws */
  async publish(request: PublishRequest, tx: object, asked?: AskedEvent): Promise<Posted> {
    const { id, source, key, hash, data: judged } = await this.#requests.publishable(request, asked)
    const { type, data, traceparent } = request
    const made = madeOfData(this.#context.directory, type, data, judged)
    await this.#post(tx, 'event', type, { type, data, ...made, id, source, hash, traceparent, silent: true }, key)
    return { id }
  }

  /** @throws as `Signals.send`, TX_INVALID, TX_FOREIGN, and what the transaction throws */
  async signal(request: SignalRequest, tx: object): Promise<Posted> {
    const { id, body } = await this.#requests.signals.judge(request)
    const { run, name, traceparent } = request
    if (body !== null) await this.#post(tx, 'signal', run, { run, name, id, ...body, traceparent })
    return { id }
  }

  /** @param tag decides on the slot: what has the same one stays in order. */
  async #post(
    tx: object,
    kind: InboxItem['kind'],
    target: string,
    body: Partial<Named> & Readonly<Record<string, unknown>>,
    tag = target,
  ): Promise<void> {
    const { store, shard, ns, clock, inbox, place } = this.#context
    const data = this.#context.encodeAsked(JSON.stringify(body), 'turn', target)
    await putWithin(store, tx, { shard, ns, slot: place.slotOf(tag), kind, target, data, at: clock.now() }, body)
    inbox.expect()
  }
}
