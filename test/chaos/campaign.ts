// A campaign: one store, one set of services, many lives of the shop. Every life but the last ends with SIGKILL at a
// random moment, while clients place orders and follow them; the last one carries every order to its end. Then the
// clients ask for everything once more, the shop closes, and what they were told is compared with the ledgers of the
// services. A seed draws the orders, the faults and the moments; what the machine does between them is its own.
import { exportLedgers, type LedgerRow } from '../../examples/shop/ledger.ts'
import { Chance } from '../determinism/chance.ts'
import { Address } from './address.ts'
import { Clients } from './clients.ts'
import { momentText, planLives, type Life, type Misdeed, type Moment } from './lives.ts'
import { planOrders, type PlannedOrder } from './orders.ts'
import { Records } from './records.ts'
import { servicesOf, ShopProcess } from './shop-process.ts'
import { Trigger } from './trigger.ts'

export interface CampaignOptions {
  readonly kills: number
  /** In all, half of them in each style. */
  readonly orders: number
  readonly seed: number
  /** Where the store and the databases of the services are made; it must be empty. */
  readonly folder: string
  /** The campaign is given up when nothing happens for so long. */
  readonly stallMs: number
  /** Told after every kill. */
  readonly onKill?: (kills: number) => void
}

/** What the clients were told, what the services wrote, what was done to them. */
export interface Evidence {
  readonly records: Records
  readonly effects: readonly LedgerRow[]
}

/** The ledgers of the services, from their databases. */
function readEffects(folder: string): LedgerRow[] {
  const lines = exportLedgers(servicesOf(folder)).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LedgerRow)
}

/** Orders that were acknowledged or have had an effect, and whose customer was not told yet how they ended. */
function openOrders({ orders }: Records, effects: readonly LedgerRow[]): Set<string> {
  const acknowledged = orders.flatMap((row) => (row.type === 'ack' ? [row.id] : []))
  const open = new Set([...acknowledged, ...effects.map(({ run }) => run)])
  for (const { step, outcome, run } of effects)
    if (outcome === 'applied' && (step === 'notify' || step === 'apologise')) open.delete(run)
  return open
}

/** Runs a campaign. Rejects when the shop does what no shop may do, or nothing any more; it says so with the seed. */
export async function runCampaign(options: CampaignOptions): Promise<Evidence> {
  const campaign = new Campaign(options)
  try {
    await campaign.run()
  } catch (error) {
    const open = [...openOrders(campaign.records, readEffects(options.folder))].join(', ')
    throw new Error(
      `the campaign with seed ${options.seed} broke off; its store is in ${options.folder}; open: ${open || 'nothing'}`,
      { cause: error },
    )
  } finally {
    await campaign.end()
  }
  return { records: campaign.records, effects: readEffects(options.folder) }
}

class Campaign {
  readonly records = new Records()
  readonly #options: CampaignOptions
  readonly #lives: readonly Life[]
  readonly #orders: PlannedOrder[]
  readonly #address = new Address()
  readonly #stop = new AbortController()
  readonly #trouble = Promise.withResolvers<never>()
  readonly #clients: Clients
  #shop: ShopProcess | null = null
  /** Orders that the last kill found at work. */
  #left = 0
  #stalled: NodeJS.Timeout | undefined

  constructor(options: CampaignOptions) {
    this.#options = options
    const chance = new Chance(options.seed)
    this.#orders = planOrders(options.orders, chance.part(1))
    const share = Math.max(1, Math.round(options.orders / (options.kills + 1)))
    this.#lives = planLives(options.kills, share, chance.part(2))
    this.#clients = new Clients({
      address: this.#address,
      records: this.records,
      chance: chance.part(3),
      signal: this.#stop.signal,
      onTrouble: (error) => this.#trouble.reject(error),
    })
    // Whoever waits hears of it; nobody may be waiting at that moment.
    this.#trouble.promise.catch(() => {})
  }

  async run(): Promise<void> {
    this.#watchProgress()
    const all = this.#orders.length
    for (const [index, life] of this.#lives.entries()) {
      const until = Math.round((all * (index + 1)) / (this.#lives.length + 1))
      this.#clients.release(this.#orders.splice(0, until - (all - this.#orders.length)))
      await this.#unlessTrouble(this.#liveAndDie(life))
      this.#options.onKill?.(index + 1)
    }
    await this.#unlessTrouble(this.#liveOn())
  }

  /** Nothing that was started goes on after this. */
  async end(): Promise<void> {
    clearTimeout(this.#stalled)
    this.#stop.abort()
    this.#shop?.kill()
    await this.#shop?.exit
  }

  async #liveAndDie({ misdeeds, moment: planned }: Life): Promise<void> {
    // A shop that has nothing to take up is not killed while it does so.
    const moment: Moment = this.#left === 0 ? { ...planned, since: 'ready' } : planned
    const shop = this.#start()
    let isReady = false
    const killed = Promise.withResolvers<void>()
    const kill = (): void => {
      if (shop.wasAsked) return
      this.#address.lost()
      shop.kill()
      killed.resolve()
    }
    const trigger = new Trigger(moment, this.#options.folder, this.records, kill)
    try {
      const url = await shop.ready
      if (url !== null) {
        isReady = true
        for (const wrong of misdeeds) await this.#tellTo(url, wrong)
        if (!shop.wasAsked) this.#address.found(url)
        trigger.ready()
        this.#keepBusy(shop, kill)
      }
      await killed.promise
      const cut = this.#clients.asking.length
      const t = Date.now()
      await shop.exit
      const open = openOrders(this.records, readEffects(this.#options.folder)).size
      this.#left = open
      this.records.fault({
        t,
        type: 'fault',
        kind: 'kill',
        target: 'shop',
        moment: momentText(moment),
        recovering: !isReady,
        open,
        cut,
      })
    } finally {
      trigger.stop()
    }
  }

  /**
   * When everything is done before the moment has come, the clients get more to do. A kill that finds nothing left to
   * do hits nothing, and is counted so.
   */
  #keepBusy(shop: ShopProcess, kill: () => void): void {
    void this.#clients.idle.then(() => {
      if (shop.wasAsked) return
      const more = this.#orders.splice(0, 1)
      if (more.length === 0) return kill()
      this.#clients.release(more)
      this.#keepBusy(shop, kill)
    })
  }

  async #liveOn(): Promise<void> {
    const shop = this.#start()
    this.#clients.release(this.#orders.splice(0))
    const url = await shop.ready
    if (url === null) return
    this.#address.found(url)
    await this.#clients.idle
    await this.#clients.again()
    shop.close()
    const code = await shop.exit
    if (code !== 0) throw new Error(`the shop did not close well (${code}):\n${shop.output}`)
  }

  #start(): ShopProcess {
    const shop = new ShopProcess(this.#options.folder)
    this.#shop = shop
    this.records.fault({ t: Date.now(), type: 'heal', kind: 'restart', target: 'shop' })
    const ended = (error: unknown): void => {
      if (shop.wasAsked) return
      this.#trouble.reject(new Error(`the shop ended by itself:\n${shop.output}`, { cause: error }))
    }
    shop.exit.then(ended, ended)
    return shop
  }

  /** A shop that is killed meanwhile needs no answer. */
  async #tellTo(url: string, { kind, ...fault }: Misdeed): Promise<void> {
    this.records.fault({ t: Date.now(), type: 'fault', kind, target: fault.service })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/shop/faults`, { method: 'POST', headers, body: JSON.stringify(fault) }).catch(
      () => null,
    )
    if (answer !== null && !answer.ok) throw new Error(`the shop refuses a fault: ${await answer.text()}`)
  }

  #unlessTrouble(work: Promise<void>): Promise<void> {
    return Promise.race([work, this.#trouble.promise])
  }

  #watchProgress(): void {
    const { stallMs } = this.#options
    const arm = (): void => {
      clearTimeout(this.#stalled)
      const stalled = (): void =>
        this.#trouble.reject(new Error(`nothing happened for ${stallMs} ms; the shop says:\n${this.#shop?.output}`))
      this.#stalled = setTimeout(stalled, stallMs)
    }
    this.records.listen(arm)
    arm()
  }
}
