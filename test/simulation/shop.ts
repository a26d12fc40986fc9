// The orders of the shop in every style, with every way in which one can go: the definitions are those of examples/shop,
// the judge is the auditor of chaos, who knows nothing of the engine.
import { ballet } from 'ballet'
import { fulfilment } from '../../examples/shop/choreography.ts'
import { checkoutWorkflow } from '../../examples/shop/checkout.ts'
import { CancelOrder, Order, OrderCancelled, OrderCreated } from '../../examples/shop/contracts.ts'
import { connect } from '../../examples/shop/reactions.ts'
import { deriveOrder } from '../../examples/shop/status.ts'
import type { RunRow } from '../../src/core/store.ts'
import type { Application } from '../../src/define/application.ts'
import { Chance } from '../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { audit } from '../chaos/audit.ts'
import { flow } from '../chaos/evidence.ts'
import { planOrders, type PlannedOrder } from '../chaos/orders.ts'
import type { OrderRow } from '../chaos/records.ts'
import { Books, type Line } from './books.ts'
import { judgeConducted } from './conducted.ts'
import { History } from './history.ts'
import { judgeReplays, judgeRows } from './journals.ts'
import { judgeFlows } from './flows.ts'
import { judgeLifecycles } from './lifecycle.ts'
import { SameCode } from './same-code.ts'
import { isLimited, onceOf, shopServices, ShopState, type Once } from './shop-services.ts'

const PLANNED = planOrders(84, new Chance(1))
const NONE = { acks: 0, hits: {}, redelivered: 0, endings: [] }
/** Until what a monitor has taken is written, also by a node that takes over only then. */
const [WRITTEN_MS, OWNED_MS] = [3000, 9000]
const AGAIN_MS = 120
/** A minute: runs that may have ended processes wait for half of one for their trial, and keep places that are few in some stories. */
/** How long an answer of another node is waited for, and what has waited behind that. */
const ASKED_MS = 6000
const GIVE_UP = 500

/** What an auditor of orders is given. */
export interface ShopEvidence {
  readonly orders: readonly OrderRow[]
  readonly effects: readonly Line[]
}

export const shop: Workload = { name: 'shop', scene: (stage) => new ShopScene(stage) }
export const shopOfShards: Workload = { ...shop, name: 'shop of shards', cluster: { shards: 4, nodes: 1 } }
export const shopOfNodes: Workload = { ...shop, name: 'shop of nodes', cluster: { shards: 4, nodes: 3 } }

/** Of every process, made once: in stories whose services take as much as they are asked for, and in the others. */
const [CODE, LIMITED_CODE] = [shopCode(false), shopCode(true)]
const codeOf = ({ world }: Stage): SameCode<Once> => (isLimited(world) ? LIMITED_CODE : CODE)

function shopCode(takesLittle: boolean): SameCode<Once> {
  return new SameCode((deskOf) => {
    const services = shopServices((context, ...work) => deskOf(context)(context, ...work), takesLittle)
    const reserveItems = connect(services)
    return ballet({
      name: 'shop',
      services: Object.values(services),
      workflows: [checkoutWorkflow(services), reserveItems],
      choreographies: [fulfilment],
    })
  })
}

class ShopScene implements Scene {
  readonly rows: OrderRow[] = []
  readonly books: Books
  readonly #stage: Stage
  readonly #chance: Chance
  readonly #state = new ShopState()
  readonly #history: History
  readonly #orders: PlannedOrder[] = []
  /** Cancellations without an answer: taken or not. */
  readonly #perhapsCancelled = new Map<string, PlannedOrder['by']>()
  #under = 0
  #acting = false

  constructor(stage: Stage) {
    this.#stage = stage
    this.books = new Books(stage)
    this.#history = new History(stage)
    this.#chance = stage.world.chance('clients')
  }

  application(process: SimulatedProcess) {
    return codeOf(this.#stage).of(onceOf(process, this.books, this.#state))
  }

  begin(): void {
    this.#stage.world.whenEnded((row, from) => this.#ended(row, from))
    const count = this.#chance.pick([1, 1, 2])
    while (this.#orders.length < count) {
      const order = this.#chance.pick(PLANNED)
      if (this.#orders.includes(order)) continue
      this.#orders.push(order)
      this.#client(order)
    }
  }

  look(): void {
    if (this.#acting) return
    const runs = this.#stage.world.disks.flatMap((disk) => [...disk.runs.values()])
    const stuck = runs.find(({ status, ended }) => status === 'stuck' && ended === null)
    if (stuck === undefined) return
    this.#acting = true
    void this.#retry(stuck).finally(() => (this.#acting = false))
  }

  isOver(): boolean {
    return this.#under === 0
  }

  async judge(): Promise<void> {
    const { world } = this.#stage
    // What a node has asked of another, which has given no answer, goes by an inbox only when that has had its time.
    if (world.hasLeases) await world.clock.wait(ASKED_MS)
    // The process that is asked first may just have been replaced.
    for (const order of this.#orders)
      for (let times = 0; times < GIVE_UP && !(await this.#readEnd(order)); times++) await world.clock.wait(AGAIN_MS)
    // What the monitor has taken is written a moment later.
    await world.clock.wait(world.hasLeases ? OWNED_MS + WRITTEN_MS : WRITTEN_MS)
    if (world.medium !== null) await world.medium.refresh()
    const { effects } = this.evidence()
    for (const { rule, about, detail } of audit({ orders: this.rows, effects, faults: [], flow, least: NONE })) {
      // One item may be taken back while another, which was given up with it, has not answered yet.
      const isOfItems = rule === 'ORDER' && detail === 'release without reserve before it'
      // What answers after it was taken back is taken back again, under another key (ADR 19).
      const isOfLate = rule === 'KEYS' && detail.includes('~late:')
      if (!isOfItems && !isOfLate) world.blame(rule, `${about}: ${detail}`)
    }
    judgeRows(world, false)
    judgeFlows(world, fulfilment)
    judgeConducted(world, fulfilment)
    judgeLifecycles(world, this.#history.operations)
    await judgeReplays(world, codeOf(this.#stage).unmanned)
  }

  /** What the clients were told and the services did. A repeat may arrive when everything is over, and changes nothing. */
  evidence(): ShopEvidence {
    return { orders: this.rows, effects: this.books.lines.filter(({ outcome }) => outcome !== 'deduped') }
  }

  #client(order: PlannedOrder): void {
    const chance = this.#chance.part(this.#orders.length)
    this.#after(chance.between(0, 40), async () => {
      await this.#place(order)
      if (order.cancel !== null) {
        await this.#stage.world.clock.wait(order.cancel === 'at once' ? chance.between(0, 20) : chance.between(20, 600))
        await this.#cancel(order)
      }
      // Whoever looks early may see the end, and nothing may happen after it; but what lies in an inbox may be taken late.
      await this.#stage.world.clock.wait(chance.between(100, 2500))
      if (!this.#stage.world.hasLeases || !this.#perhapsCancelled.has(order.id)) await this.#readEnd(order)
    })
    if (chance.is(0.2)) this.#after(chance.between(0, 300), () => this.#place(order))
  }

  #after(ms: number, work: () => Promise<void>): void {
    this.#under += 1
    void this.#stage.world.clock.after(ms, () => {
      work().then(
        () => (this.#under -= 1),
        (error: unknown) => this.#stage.world.blame('CLIENT', String(error)),
      )
    })
  }

  async #place({ id, wants, items, body }: PlannedOrder): Promise<void> {
    const t = this.#stage.world.clock.now()
    this.rows.push({ t, type: 'submit', id, flow: 'order', key: id, wants, items })
    const order = Order.parse(JSON.parse(body))
    const isOrchestrated = body.includes('orchestrated')
    const place = async (app: Application): Promise<string> => {
      if (body.includes('conducted')) return (await app.conduct(fulfilment)(OrderCreated(order), { id })).id
      if (!isOrchestrated) return (await app.publish(OrderCreated(order), { id })).id
      const { created } = await app.startNamed({ call: 'checkout', input: order })
      return this.#made(created)
    }
    await this.#untilHeard(id, isOrchestrated ? body : null, place)
    this.rows.push({ t: this.#stage.world.clock.now(), type: 'ack', id, run: isOrchestrated ? `checkout:${id}` : id })
  }

  async #untilHeard(id: string, value: string | null, place: (app: Application) => Promise<string>): Promise<void> {
    const { world } = this.#stage
    for (let times = 0; times < GIVE_UP; times++) {
      if (times > 0) await world.clock.wait(AGAIN_MS)
      if (value !== null) {
        const heard = await this.#history.ask(`checkout:${id}`, { kind: 'start', value }, place)
        if (heard.kind === 'answer') return
        this.rows.push({ t: world.clock.now(), type: heard.kind === 'nothing' ? 'nack' : 'unknown', id })
      } else {
        try {
          await this.#stage.ask(place)
          return world.note(`hears that ${id} is taken`)
        } catch {
          this.rows.push({ t: world.clock.now(), type: 'unknown', id })
        }
      }
    }
    throw new Error(`nobody takes the order ${id}`)
  }

  async #cancel({ id, by, body }: PlannedOrder): Promise<void> {
    const { clock } = this.#stage.world
    const run = `checkout:${id}`
    for (let times = 0; times < GIVE_UP; times++) {
      const isTaken = body.includes('orchestrated') ? await this.#ask(run, by) : await this.#tell(body, id, by)
      if (isTaken === true) this.rows.push({ t: clock.now(), type: 'cancel', id, by })
      if (isTaken !== null) return
      this.#perhapsCancelled.set(id, by)
      await clock.wait(AGAIN_MS)
    }
  }

  /** Whether the run will see it; null when nobody knows. */
  async #ask(run: string, by: PlannedOrder['by']): Promise<boolean | null> {
    const heard =
      by === 'the shop'
        ? await this.#history.ask(run, { kind: 'cancel' }, async (app) =>
            this.#made((await app.cancel(run, { by, why: 'it must stop' })).changed, 'changed'),
          )
        : await this.#history.ask(run, { kind: 'signal', id: 'cancel-order' }, async (app) =>
            this.#made((await app.signal(run, CancelOrder({ by }), { id: 'cancel-order' })).created),
          )
    return heard.kind === 'answer' ? heard.answer !== 'ended' : null
  }

  /** Where several nodes share a store, one that passes something on does not know whether it is new. */
  #made(isNew: boolean, done: 'created' | 'changed' = 'created'): string {
    if (this.#stage.world.hasLeases) return 'taken'
    return isNew ? done : 'known'
  }

  /** A choreographed order is cancelled by an event, unless it is over. */
  async #tell(body: string, orderId: string, by: string): Promise<boolean | null> {
    try {
      return await this.#stage.ask(async (app) => {
        const order = deriveOrder(await app.key('orderId', orderId))
        if (order?.cancellation === undefined && !['in progress', 'stuck'].includes(order?.status ?? '')) return false
        const event = OrderCancelled({ ...Order.parse(JSON.parse(body)), by })
        await app.publish(event, { id: orderId, source: 'customer' })
        return true
      })
    } catch {
      return null
    }
  }

  /** Reads how an order ended, if it has. @returns whether it was answered. */
  async #readEnd({ id, wants }: PlannedOrder): Promise<boolean> {
    const { world } = this.#stage
    try {
      await this.#stage.ask(async (app) => {
        const view = await app.key('orderId', id)
        const order = deriveOrder(view)
        if (
          order === null ||
          (!['confirmed', 'declined', 'refunded', 'cancelled'].includes(order.status) && wants.length > 0)
        )
          return
        const roots = [...view.runs.map(({ root }) => root), ...view.events.map((event) => event.correlationid)]
        const { status, paid: amount, cancellation } = order
        // What a run says of its state is left out where its journal cannot be read.
        if (view.runs.some((run) => run.id === `checkout:${id}` && run.unread !== undefined)) return
        const by = this.#perhapsCancelled.get(id)
        const isKnown = this.rows.some((row) => row.type === 'cancel' && row.id === id)
        if (by !== undefined && !isKnown && (status === 'cancelled' || cancellation !== undefined))
          this.rows.push({ t: world.clock.now(), type: 'cancel', id, by })
        // What is done in the same millisecond was before it.
        const t = world.clock.now() + 0.5
        this.rows.push({ t, type: 'final', id, status, amount, cancellation, roots: [...new Set(roots)].sort() })
      })
      return true
    } catch {
      // It is read again when the story is over.
      return false
    }
  }

  async #retry({ id }: RunRow): Promise<void> {
    try {
      await this.#stage.ask((app) => app.retry(id, { by: 'the shop', why: 'it was stuck' }))
    } catch {
      // Whoever looks after it looks again.
    }
  }

  #ended({ name, id, status }: RunRow, from: number): void {
    if (name === 'checkout') this.#history.happened(id, { kind: 'end', status }, this.#stage.world.trace.count, from)
  }
}
