// A campaign: one store, one set of services, many rounds. Every round ends with a blow at a random moment, while clients
// place orders and follow them; most blows leave no process behind, and the next round begins with a new one. After the
// last, every order is carried to its end. Then the clients ask for everything once more, the shop closes, and what they
// were told is compared with the ledgers of the services. A seed draws the orders, the faults and the moments; what the
// machine does between them is its own.
import { Faults, type ServiceName } from '../../examples/shop/faults.ts'
import { exportLedgers, type LedgerRow } from '../../examples/shop/ledger.ts'
import { PostgresAccounts } from '../../examples/shop/postgres-accounts.ts'
import { Chance } from '../../src/testing/simulation/chance.ts'
import { Address } from './address.ts'
import type { Blow } from './blows.ts'
import { Clients, PATIENCE_MS } from './clients.ts'
import { writeRecords } from './evidence.ts'
import { planOrders, type PlannedOrder } from './orders.ts'
import { Records } from './records.ts'
import { momentText, planRounds, type Arsenal, type Misdeed, type Moment, type Round } from './rounds.ts'
import { servicesOf, ShopProcess, type ShopSettings } from './shop-process.ts'
import { Trigger } from './trigger.ts'

/** Orders that are placed while a blow goes on that needs them. */
const LOAD = 4

export interface CampaignOptions {
  /** Blows of the first kind of the arsenal; the others come on top of them. */
  readonly blows: number
  /** The blows that may be drawn; the first is the one that is counted. */
  readonly arsenal: (chance: Chance, records: Records) => Arsenal
  /** In all, half of them in each style. */
  readonly orders: number
  readonly seed: number
  /** Where the store and the databases of the services are made, or were made by an earlier shop. */
  readonly folder: string
  readonly shop?: ShopSettings
  /** The services as processes of their own, which `shop` asks; started already. */
  readonly services?: ServicesElsewhere | undefined
  /** How long a client waits for an answer. */
  readonly patienceMs?: number
  /** The campaign is given up when nothing happens for so long. */
  readonly stallMs: number
  /** Told after every blow of the kind that is counted. */
  readonly onBlow?: (blows: number) => void
}

/** Services that are told by themselves what to do wrong. */
export interface ServicesElsewhere {
  /** Where one of them is told. */
  readonly faultsAt: (service: ServiceName) => string
  /** All is well again, as in a shop that ends with its services. */
  readonly forget: () => Promise<void>
}

/** What the clients were told, what the services wrote, what was done to them. */
export interface Evidence {
  readonly records: Records
  readonly effects: readonly LedgerRow[]
}

/** The ledgers of the services, from their databases in the folder of a shop. */
export function readEffects(folder: string): LedgerRow[] {
  const lines = exportLedgers(servicesOf(folder)).split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LedgerRow)
}

/** All of them, when Payment has its accounts in the database of this URL. */
export async function readAllEffects(folder: string, payments: string): Promise<LedgerRow[]> {
  const accounts = new PostgresAccounts(payments, new Faults())
  try {
    const rows = [...readEffects(folder), ...(await accounts.ledger())]
    return rows.sort((left, right) => left.t - right.t)
  } finally {
    await accounts.close()
  }
}

/** Orders that were acknowledged or have had an effect, and whose customer was not told yet how they ended. */
export function openOrders({ orders }: Records, effects: readonly LedgerRow[]): Set<string> {
  const acknowledged = orders.flatMap((row) => (row.type === 'ack' ? [row.id] : []))
  const open = new Set([...acknowledged, ...effects.map(({ run }) => run)])
  for (const { step, outcome, run } of effects)
    if (outcome === 'applied' && (step === 'notify' || step === 'apologise')) open.delete(run)
  return open
}

/** For a message about something worse, when the books may be out of reach. */
function whatIsOpen(records: Records, folder: string): string {
  try {
    return [...openOrders(records, readEffects(folder))].join(', ') || 'nothing'
  } catch (error) {
    return String(error)
  }
}

/** Runs a campaign. Rejects when the shop does what no shop may do, or nothing any more; it says so with the seed. */
export async function runCampaign(options: CampaignOptions): Promise<Evidence> {
  const campaign = new Campaign(options)
  try {
    await campaign.run()
  } catch (error) {
    const open = whatIsOpen(campaign.records, options.folder)
    throw new Error(
      `the campaign with seed ${options.seed} broke off; its store is in ${options.folder}; open: ${open}`,
      { cause: error },
    )
  } finally {
    await campaign.clear()
    writeRecords(options.folder, campaign.records)
  }
  return { records: campaign.records, effects: readEffects(options.folder) }
}

class Campaign {
  readonly records = new Records()
  readonly #options: CampaignOptions
  readonly #rounds: readonly Round[]
  readonly #orders: PlannedOrder[]
  readonly #address = new Address()
  readonly #stop = new AbortController()
  readonly #trouble = Promise.withResolvers<never>()
  readonly #clients: Clients
  /** Null after a blow that was fatal. */
  #shop: ShopProcess | null = null
  /** What the last blow has left to mend. */
  #heal: (() => void) | undefined
  /** Orders that the last blow found at work. */
  #left = 0
  #stalled: NodeJS.Timeout | undefined
  #trigger: Trigger | undefined

  constructor(options: CampaignOptions) {
    this.#options = options
    const chance = new Chance(options.seed)
    this.#orders = planOrders(options.orders, chance.part(1))
    const arsenal = options.arsenal(chance.part(4), this.records)
    this.#rounds = planRounds(arsenal, options.blows, options.orders, chance.part(2))
    this.#clients = new Clients({
      address: this.#address,
      records: this.records,
      chance: chance.part(3),
      signal: this.#stop.signal,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      onTrouble: (error) => this.#trouble.reject(error),
    })
    // Whoever waits hears of it; nobody may be waiting at that moment.
    this.#trouble.promise.catch(() => {})
  }

  async run(): Promise<void> {
    this.#watchProgress()
    const all = this.#orders.length
    const counted = this.#rounds[0]?.blow
    let blows = 0
    for (const [index, round] of this.#rounds.entries()) {
      const until = Math.round((all * (index + 1)) / (this.#rounds.length + 1))
      this.#clients.release(this.#orders.splice(0, until - (all - this.#orders.length)))
      await this.#unlessTrouble(this.#play(round))
      if (round.blow === counted) this.#options.onBlow?.(++blows)
    }
    await this.#unlessTrouble(this.#end())
  }

  /** Nothing that was started goes on after this. */
  async clear(): Promise<void> {
    clearTimeout(this.#stalled)
    this.#trigger?.stop()
    this.#stop.abort()
    this.#shop?.kill()
    await this.#shop?.exit
  }

  async #play({ misdeeds, moment: planned, blow }: Round): Promise<void> {
    // A shop that has nothing to take up, or has done it, is not struck while it does so.
    const moment: Moment = this.#left === 0 || this.#shop !== null ? { ...planned, since: 'ready' } : planned
    const shop = (this.#shop ??= this.#start())
    const struck = Promise.withResolvers<void>()
    let isStruck = false
    let isOver = false
    const strike = (): void => {
      if (isStruck) return
      isStruck = true
      trigger.stop()
      this.#strike(shop, blow, moment).then(struck.resolve, struck.reject)
    }
    const trigger = (this.#trigger = new Trigger(moment, this.#options.folder, this.records, strike))
    try {
      const url = await this.#opened(shop)
      if (url !== null) {
        await this.#options.services?.forget()
        for (const wrong of misdeeds) await this.#tellTo(url, wrong)
        if (!shop.wasAsked) this.#address.found(url)
        trigger.ready()
        this.#keepBusy(() => isOver || (isStruck && blow.isFatal), strike)
      }
      await struck.promise
    } finally {
      isOver = true
      trigger.stop()
    }
  }

  /** Begins at once, and is over when the process is gone or goes on. */
  async #strike(shop: ShopProcess, blow: Blow, moment: Moment): Promise<void> {
    if (blow.isUnderLoad === true) this.#clients.release(this.#orders.splice(0, LOAD))
    else if (blow.isFatal) this.#address.lost()
    if (blow.cutsLines === true) this.#clients.hangUp()
    const recovering = !shop.isReady
    const refusedBefore = this.#refused()
    const over = blow.strike(shop)
    const t = Date.now()
    const cut = this.#clients.asking.length
    const struck = await over
    this.#heal = blow.heal
    if (blow.isFatal) {
      this.#address.lost()
      this.#shop = null
    }
    const open = openOrders(this.records, readEffects(this.#options.folder)).size
    this.#left = open
    const refused = this.#refused() - refusedBefore
    const seen = { moment: momentText(moment), recovering, open, cut, refused }
    this.records.fault({ t, type: 'fault', kind: blow.kind, target: 'shop', ...seen, ...struck })
  }

  #refused(): number {
    return this.records.orders.filter(({ type }) => type === 'nack').length
  }

  /** What an earlier blow left is mended when it takes orders, or waits for just that before it does. */
  async #opened(shop: ShopProcess): Promise<string | null> {
    if ((await Promise.race([shop.ready, shop.waitsForSpace])) === null) return null
    this.#heal?.()
    this.#heal = undefined
    return shop.ready
  }

  /**
   * When everything is done before the moment has come, the clients get more to do. A blow that finds nothing left to
   * do hits nothing, and is counted so.
   */
  #keepBusy(isOver: () => boolean, strike: () => void): void {
    void this.#clients.idle.then(() => {
      if (isOver()) return
      const more = this.#orders.splice(0, 1)
      if (more.length === 0) return strike()
      this.#clients.release(more)
      this.#keepBusy(isOver, strike)
    })
  }

  async #end(): Promise<void> {
    const shop = (this.#shop ??= this.#start())
    this.#clients.release(this.#orders.splice(0))
    const url = await this.#opened(shop)
    if (url === null) return
    this.#address.found(url)
    await this.#clients.idle
    await this.#clients.again()
    shop.close()
    const code = await shop.exit
    if (code !== 0) throw new Error(`the shop did not close well (${code}):\n${shop.output}`)
  }

  #start(): ShopProcess {
    const shop = new ShopProcess(this.#options.folder, this.#options.shop)
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
    const { services } = this.#options
    const door = services?.faultsAt(fault.service) ?? `${url}/shop/faults`
    const answer = await fetch(door, { method: 'POST', headers, body: JSON.stringify(fault) }).catch(() => null)
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
