// The clients of the shop: they place orders over HTTP, cancel some of them, and follow each one to its end, through every
// kill. The invariant: a `submit` is recorded before anything is sent, and what comes back as it came. No answer in time,
// or a connection that breaks, is `unknown`, and the same order is sent again under the same id until somebody says that
// he has it. A cancellation is sent again likewise; an order is not read to its end before it was answered. A request
// without an answer may be taken as late as it likes (it lies in an inbox, or in a node that is frozen), so an order that
// was final when its cancellation was asked for again is read when everything is over.
import { z } from 'zod'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { Address } from './address.ts'
import type { PlannedOrder } from './orders.ts'
import { pause } from './pause.ts'
import type { Ending, OrderRow, Records } from './records.ts'

const endings: readonly string[] = ['confirmed', 'declined', 'refunded', 'cancelled'] satisfies Ending[]
const Placed = z.object({ orderId: z.string(), style: z.string() })
const Shown = z.object({
  status: z.string(),
  paid: z.number(),
  cancellation: z.string().optional(),
  steps: z.array(z.object({ step: z.string() })),
})
const KeyView = z.object({
  runs: z.array(z.object({ root: z.string() })),
  events: z.array(z.object({ correlationid: z.string() })),
})

const SENDERS = 4
/** How long a client waits for an answer, unless it is told otherwise. */
export const PATIENCE_MS = 10_000
/** After a refusal. */
const PAUSE_MS = 50
/** Nothing was acknowledged: the request lay too long before a frozen shop, there is too much to do, or no space. */
const REFUSALS: readonly number[] = [408, 429, 503, 507]
const UNAVAILABLE = 503
/** A node has passed the request on, and does not know what became of it. */
const UNKNOWN = 502

export interface ClientsOptions {
  readonly address: Pick<Address, 'current'>
  readonly records: Records
  /** Draws who is too impatient to hear the answer; null: nobody is. */
  readonly chance: Chance | null
  /** Tells all clients to stop. */
  readonly signal: AbortSignal
  readonly patienceMs: number
  /** Something happened that no shop may do. */
  readonly onTrouble: (error: unknown) => void
}

export class Clients {
  readonly #options: ClientsOptions
  readonly #senders: Promise<void>[] = Array.from({ length: SENDERS }, () => Promise.resolve())
  readonly #released: PlannedOrder[] = []
  /** Released and not ended. */
  readonly #open = new Set<string>()
  /** Sent, and no answer yet. */
  readonly #asking = new Set<string>()
  #idle = Promise.withResolvers<void>()
  /** The connections to the shop. */
  #lines = new AbortController()

  constructor(options: ClientsOptions) {
    this.#options = options
    this.#idle.resolve()
  }

  /** Requests to place an order that have no answer at this moment. */
  get asking(): readonly string[] {
    return [...this.#asking]
  }

  /** Resolves when every order that was released has ended. */
  get idle(): Promise<void> {
    return this.#idle.promise
  }

  /** Whoever waits for an answer does not get it. */
  hangUp(): void {
    const cut = this.#lines
    this.#lines = new AbortController()
    cut.abort()
  }

  /** Lets the clients place further orders: a few at a time, each as soon as the one before was acknowledged. */
  release(orders: readonly PlannedOrder[]): void {
    if (orders.length === 0) return
    if (this.#open.size === 0) this.#idle = Promise.withResolvers()
    for (const order of orders) {
      this.#open.add(order.id)
      const index = this.#released.push(order) % SENDERS
      this.#senders[index] = (this.#senders[index] ?? Promise.resolve())
        .then(() => this.#place(order))
        .then(() => void this.#follow(order).catch(this.#options.onTrouble))
        .catch(this.#options.onTrouble)
    }
  }

  /** Places every order once more, cancels and reads its end once more: none of it may make a difference. */
  async again(): Promise<void> {
    const waiting = [...this.#released]
    const sender = async (): Promise<void> => {
      for (let order = waiting.shift(); order !== undefined; order = waiting.shift()) {
        await this.#place(order)
        if (order.cancel !== null) await this.#cancel(order)
        const end = await this.#readEnd(order)
        if (end !== null) this.#options.records.order(end)
      }
    }
    await Promise.all(Array.from({ length: SENDERS }, sender))
  }

  async #place(order: PlannedOrder): Promise<void> {
    const { records, chance, patienceMs: usualMs } = this.#options
    const { id, wants, items } = order
    records.order({ t: Date.now(), type: 'submit', id, flow: 'order', key: id, wants, items })
    for (let patienceMs = chance?.is(0.1) === true ? chance.between(1, 40) : usualMs; ; patienceMs = usualMs) {
      const url = await this.#options.address.current()
      this.#asking.add(id)
      const answer = await this.#post(`${url}/orders`, order.body, patienceMs)
      this.#asking.delete(id)
      this.#options.signal.throwIfAborted()
      const t = Date.now()
      if (answer === null) records.order({ t, type: 'unknown', id })
      else if (REFUSALS.includes(answer.status)) {
        records.order({ t, type: 'nack', id })
        await pause(PAUSE_MS)
      } else if (answer.status === 202) {
        const { orderId, style } = Placed.parse(JSON.parse(answer.text))
        records.order({ t, type: 'ack', id, run: `${style} ${orderId}` })
        return
      } else throw new Error(`the order ${id} was answered with ${answer.status}: ${answer.text}`)
    }
  }

  /** Null when no answer came. */
  async #post(url: string, body: string, patienceMs: number): Promise<{ status: number; text: string } | null> {
    const signal = AbortSignal.any([this.#options.signal, this.#lines.signal, AbortSignal.timeout(patienceMs)])
    try {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(url, { method: 'POST', headers, body, signal })
      const text = await response.text()
      return response.status === UNKNOWN ? null : { status: response.status, text }
    } catch {
      return null
    }
  }

  async #follow(order: PlannedOrder): Promise<void> {
    if (order.cancel === 'while shipping') await this.#untilShipping(order)
    const isInDoubt = order.cancel !== null && (await this.#cancel(order)) === 'in doubt'
    const end = await this.#readEnd(order)
    if (end !== null && !isInDoubt) this.#options.records.order(end)
    this.#open.delete(order.id)
    if (this.#open.size === 0) this.#idle.resolve()
  }

  /** Looks again and again until an order is being shipped, was, or has ended. */
  async #untilShipping({ id }: PlannedOrder): Promise<void> {
    for (;;) {
      const shown = await this.#get(`/orders/${id}`)
      const order = shown === 'gone' ? null : Shown.nullable().parse(shown)
      if (shown === 'gone' || order?.steps.some(({ step }) => step === 'ship')) return
      if (order !== null && order.status !== 'in progress') return
    }
  }

  /**
   * Asks for an order to be cancelled until there is an answer: it will be seen, or the order is final already. In doubt is
   * what was final when it was asked for again: what was asked for first may be taken yet.
   */
  async #cancel({ id, by }: PlannedOrder): Promise<'answered' | 'in doubt'> {
    const path = by === 'the shop' ? `/api/runs/checkout:${id}/cancel` : `/orders/${id}/cancel`
    const taken = (): 'answered' => {
      this.#options.records.order({ t: Date.now(), type: 'cancel', id, by })
      return 'answered'
    }
    for (let isUnsure = false; ;) {
      const url = await this.#options.address.current()
      const answer = await this.#post(url + path, JSON.stringify({ by }), this.#options.patienceMs)
      this.#options.signal.throwIfAborted()
      if (answer === null) isUnsure = true
      // 200 says that it was asked for before: the answer to that was lost.
      else if (answer.status === 202 || answer.status === 200) return taken()
      else if (answer.status === 409 || answer.status === 404) {
        // A run that has ended does not say whether that is why; the order of a customer does.
        if (isUnsure && by === 'the shop') return taken()
        return isUnsure ? 'in doubt' : 'answered'
      } else if (REFUSALS.includes(answer.status)) {
        // A commit of which nothing is known, or a shard that another has taken over, is a 503 as well: it may come yet.
        isUnsure ||= answer.status === UNAVAILABLE
        await pause(PAUSE_MS)
      } else throw new Error(`cancelling ${id} was answered with ${answer.status}: ${answer.text}`)
    }
  }

  /** Waits for the end of an order as long as it takes. One that is stuck has none (null), and is left to the audit. */
  async #readEnd({ id }: PlannedOrder): Promise<OrderRow | null> {
    for (;;) {
      const shown = await this.#get(`/orders/${id}?wait=10s`)
      if (shown === 'gone') return { t: Date.now(), type: 'gone', id }
      const order = Shown.nullable().parse(shown)
      if (order === null || order.status === 'in progress') continue
      if (!endings.includes(order.status)) return null
      const view = KeyView.nullable().parse(await this.#get(`/api/keys/orderId/${id}`))
      if (view === null) continue
      const named = [...view.runs.map(({ root }) => root), ...view.events.map((event) => event.correlationid)]
      // The clock shows whole milliseconds; the end was read before the next one.
      const t = Date.now() + 1
      const { status, paid: amount, cancellation } = order
      const roots = [...new Set(named)].sort()
      return { t, type: 'final', id, status, amount, cancellation, roots }
    }
  }

  /** The parsed answer of the shop, `gone` when it knows of nothing there, null when no answer came: ask again. */
  async #get(path: string): Promise<unknown> {
    const url = (await this.#options.address.current()) + path
    try {
      const response = await fetch(url, { signal: AbortSignal.any([this.#options.signal, this.#lines.signal]) })
      const text = await response.text()
      if (response.ok) return JSON.parse(text)
      if (response.status === UNKNOWN || REFUSALS.includes(response.status)) return null
      if (response.status === 404) return 'gone'
      throw new Refused(`${path} was answered with ${response.status}: ${text}`)
    } catch (error) {
      this.#options.signal.throwIfAborted()
      if (error instanceof Refused) throw error
      return null
    }
  }
}

/** An answer, and one that the client cannot live with. */
class Refused extends Error {}
