// Which of the shards of a store this node owns: those that fall to it among the nodes whose leases run (core/shares.ts). Each
// node looks at all nodes and shards every so often, takes what falls to it and is free, and hands on what falls to another;
// so a node that comes gets its part, and what a dead one had goes to the others when its lease is over. The lease is the
// node's, renewed from the main thread, as of a node with one shard (ownership.ts). Errors of the store are waited out. Built by
// RunningApplication for a store with leases and several shards.
//
//   a shard:  free --falls to this node--> taken --its runs are taken up--> owned --falls to another--> handed on --> free
//                                            '------------- taken away, fenced -------------> another's
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'
import { asError, fault } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { NodeAt } from '../define/node.ts'
import type { Leases, NodeInfo, Survey } from '../core/lease.ts'
import { candidatesOf, LEAVING, ownerOf } from '../core/shares.ts'
import type { Tenure } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import { insist } from './first-words.ts'
import { isStillHeld, tellIfGoneBack, type Known } from './gone-back.ts'
import { LeaseHold, neverSent, sentNow, type Hold } from './hold.ts'
import { aboutError } from './log.ts'
import { refuseBeside, standAlone, Strangers } from './other-nodes.ts'
import { LEFT_MS, SilentNodes, type Falling } from './silent-nodes.ts'
import { TakeOvers, type TakeOversOptions } from './take-overs.ts'

export interface SharesOptions {
  readonly leases: Leases
  /** Its name, for errors. */
  readonly store: string
  readonly node: NodeInfo
  readonly clock: Clock
  readonly log: Log
  readonly counts: TakeOversOptions['counts']
  /** A shard is this node's, as long as it `isHeld`: resolves when its runs have been taken up. */
  readonly own: (tenure: Tenure, hold: Hold, isHeld: () => boolean) => Promise<void>
  /** A shard falls to another node: resolves when it has been given back, with what was under way there at its end. */
  readonly handOn: (shard: number) => Promise<void>
  /** The last position of a shard that is durable, as far as is known here; 0 while its runs are not taken up. */
  readonly headOf: (shard: number) => number
  /** A renewal says that a shard is another's, or has gone back. */
  readonly lost: (shard: number, error: Error) => void
  /** Who owns what is another than was known. */
  readonly changed: () => void
  /** A shard is free now: the node that it falls to had better look. Whether it may hear of that. */
  readonly tell: (node: NodeInfo, shard: number) => boolean
  /** A shard cannot be owned: its runs cannot be taken up. */
  readonly onFailure: (error: Error) => void
}

/** How often it is looked, at the most: with the inbox each second and a heartbeat that is two questions a second. */
const LOOK_MS = 1400
/** Who has reason to think that a node is gone makes it look at once, but not more often than so. */
const HURRY_MS = 100
/** Before a look that failed is repeated; twice as long each time. What others have given back waits for it. */
const FAILED_MS = 50
/** Parts of a lease: between two renewals, and before one that failed is tried again. */
const RENEWALS = 3
const RETRIES = 12

export class Shares {
  readonly #options: SharesOptions
  readonly #lookMs: number
  readonly #hold: LeaseHold
  readonly #takeOvers: TakeOvers
  readonly #silent: SilentNodes
  readonly #strangers: Strangers
  /** Epochs of the shards that are here. */
  readonly #held = new Map<number, number>()
  /** Shards of which a commit has told that they are lost, since the last renewal. */
  readonly #missed = new Map<number, Known>()
  /** Shards that are being handed on, and cannot be taken meanwhile. */
  readonly #leaving = new Set<number>()
  #survey: Survey = { nodes: [], shards: [] }
  #state: 'open' | 'leaving' | 'gone' = 'open'
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null
  #isHurried = false
  /** Looks that failed, one after the other. */
  #failedLooks = 0
  #nextLook: Cancel = () => {}
  #nextRenewal: Cancel = () => {}
  #renewing: Promise<void> = Promise.resolve()
  /** Errors are told once until it goes well again. */
  #isTroubled = false

  constructor(options: SharesOptions) {
    this.#options = options
    this.#lookMs = Math.min(LOOK_MS, options.leases.lengthMs / RENEWALS)
    this.#takeOvers = new TakeOvers(options)
    this.#strangers = new Strangers(options)
    const { clock, leases, node, tell } = options
    this.#silent = new SilentNodes({ own: node.id, clock, leaseMs: leases.lengthMs, lookMs: this.#lookMs, tell })
    this.#hold = new LeaseHold(options.clock, options.leases.lengthMs, neverSent)
  }

  /** Whether the lease is sure to run; that of a node without a shard is of no account. */
  get isSure(): boolean {
    return this.#held.size === 0 || this.#hold.isSure
  }

  /** The node that owns a shard, as it was seen last; null while nobody does, as far as is known. */
  ownerOf(shard: number): NodeInfo | null {
    const { node } = this.#options
    if (this.#held.has(shard)) return node
    const seen = this.#survey.shards.find((one) => one.shard === shard)
    if (seen === undefined || seen.isFree) return null
    return this.#survey.nodes.find(({ id }) => id === seen.node) ?? null
  }

  /** The other nodes that are reached, as they were seen last. */
  get others(): readonly NodeAt[] {
    return this.#peers.flatMap(({ id, address }) => (address === null ? [] : [{ id, address }]))
  }

  /** The other nodes of this application, as they were seen last. */
  get #peers(): readonly NodeInfo[] {
    const { node } = this.#options
    return this.#survey.nodes.filter(({ id, app }) => id !== node.id && app === node.app)
  }

  /**
   * Joins, and takes what falls to it and is free. Resolves when the runs of that have been taken up.
   * @throws STORE_LOCKED while nodes of another application are there, and what the store does, if it goes on for as long as a lease
   */
  async start(): Promise<void> {
    const { clock, leases } = this.#options
    const isOver = (): boolean => this.#state !== 'open'
    const taking = await insist({ clock, mostMs: leases.lengthMs, isOver }, () => this.#join(isOver))
    // Whoever was closed meanwhile keeps nothing.
    if (this.#state !== 'gone') {
      // Before its runs have been taken up: that may take longer than a lease, and those on trial wait for effects, which wait for the lease.
      this.#lookAgain(this.#pauseMs)
      this.#renewAgain()
    }
    // What was taken is waited for; later its runs are taken up beside the work of the others.
    await Promise.all(taking)
  }

  async #join(isOver: () => boolean): Promise<readonly Promise<void>[]> {
    const { leases, node, store } = this.#options
    const { nodes } = await leases.survey()
    // Who is seen has joined before an answer was lost, and finds out by who came first.
    if (nodes.every(({ id }) => id !== node.id)) refuseBeside(nodes, node, store)
    await this.#renew()
    await standAlone(this.#options, isOver)
    return this.#look()
  }

  /** Looks at once who owns what, or as soon as it may. */
  hurry(): void {
    if (this.#state !== 'open') return
    // What has come since a look began may not be in it.
    this.#isHurried = true
    const since = elapsedOf(this.#options.clock) - this.#lookedAt
    if (this.#looking === null) this.#lookAgain(Math.max(0, HURRY_MS - since))
  }

  /** A shard was lost: another node has it, or the store has gone back. */
  forget(shard: number): void {
    const epoch = this.#held.get(shard)
    // A commit has told it, and no renewal.
    if (epoch !== undefined) this.#missed.set(shard, { epoch, head: this.#options.headOf(shard) })
    this.#held.delete(shard)
    this.#takeOvers.lost(shard, this.#hold.unrenewedMs)
  }

  /** A shard was given back while this node is leaving: whoever is to have it may take it at once, or else whoever lives. */
  gave(shard: number): void {
    this.#held.delete(shard)
    for (const other of candidatesOf(this.#peers)) this.#options.tell(other, shard)
  }

  /** Takes nothing more, and says so: what is given back from now on is taken by others at once. */
  async leave(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'leaving'
    this.#nextLook()
    await this.#looking?.catch(() => {})
    const { leases, node } = this.#options
    // When it cannot be said, others wait for the end of this node.
    await leases.join({ ...node, version: LEAVING }).catch(() => {})
  }

  /** Gives back what is left; what was released before is free already. */
  async close(): Promise<void> {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.#nextLook()
    this.#nextRenewal()
    await Promise.all([this.#looking?.catch(() => {}), this.#renewing])
    const left = [...this.#held.keys()]
    await this.#options.leases.leave(this.#options.node.id).catch(() => {})
    for (const shard of left) this.gave(shard)
  }

  /** What becomes of what it takes. */
  async #look(): Promise<readonly Promise<void>[]> {
    const { clock, leases, node } = this.#options
    this.#lookedAt = elapsedOf(clock)
    this.#isHurried = false
    const before = this.#owners()
    this.#survey = await leases.survey()
    this.#takeOvers.saw(this.#survey.nodes, this.#survey.shards)
    this.#strangers.saw(this.#survey.nodes)
    if (this.#state !== 'open') return []
    // Itself it may miss among them, when its lease was over for a while. What is said to be its own and is not here (it was lost
    // with its lease, or the answer of the taking was) nobody else can take: it takes that in any case, and hands it on.
    const candidates = candidatesOf([node, ...this.#peers])
    const wanted = this.#wanted(candidates)
    const taking = wanted.length === 0 ? [] : await this.#take(wanted)
    if (this.#owners() !== before) this.#options.changed()
    return taking
  }

  /** What this node is to take; what it has and is another's it hands on, unless that one is silent. */
  #wanted(candidates: readonly NodeInfo[]): readonly number[] {
    const { id } = this.#options.node
    const wanted: number[] = []
    const free: number[] = []
    for (const { shard, node: owner, isFree } of this.#survey.shards) {
      if (this.#held.has(shard)) {
        const next = ownerOf(shard, candidates)
        if (next !== undefined && next.id !== id && !this.#silent.has(next.id)) this.#handOn(shard, next)
      } else if (this.#leaving.has(shard)) continue
      else if (owner === id) wanted.push(shard)
      else if (isFree) free.push(shard)
    }
    let falling: readonly Falling[]
    // Who becomes silent by what is seen is left out of it.
    do {
      const heard = candidates.filter((one) => !this.#silent.has(one.id))
      falling = free.map((shard) => ({ shard, next: ownerOf(shard, heard) }))
    } while (this.#silent.saw(falling))
    return [...wanted, ...falling.flatMap(({ shard, next }) => (next?.id === id ? [shard] : []))]
  }

  /** What becomes of what was taken. */
  async #take(wanted: readonly number[]): Promise<readonly Promise<void>[]> {
    const { leases, node, own } = this.#options
    const taken = await leases.takeAll(wanted, node.id, node.app)
    // That these were taken says nothing of what was held before, which another node may have by now: a renewal does.
    // It also says whether these still are its own, when it took long.
    for (const { shard, epoch } of taken) this.#held.set(shard, epoch)
    try {
      if (taken.length > 0) await this.#renew()
    } catch (error) {
      // They are taken once more with the next look.
      for (const { shard } of taken) this.#held.delete(shard)
      throw error
    }
    const taking = new Map<number, Promise<void>>()
    for (const tenure of taken) {
      const isHeld = (): boolean => this.#held.get(tenure.shard) === tenure.epoch && !this.#leaving.has(tenure.shard)
      if (isHeld()) taking.set(tenure.shard, own(tenure, this.#hold, isHeld))
    }
    this.#takeOvers.took(taking)
    return [...taking.values()]
  }

  #handOn(shard: number, next: NodeInfo): void {
    const { handOn, log, tell } = this.#options
    if (this.#leaving.has(shard)) return
    this.#leaving.add(shard)
    const handedOn = this.#takeOvers.handsOn(shard, next)
    handOn(shard)
      .catch((error: unknown) => log.warn(`The shard ${shard} was not handed on well: ${toFailure(error).message}`))
      .finally(() => {
        this.#held.delete(shard)
        this.#leaving.delete(shard)
        handedOn()
        tell(next, shard)
      })
      .catch((error: unknown) => this.#failed(error))
  }

  /** Renews the lease: what this node owns by it, it still owns. Without a shard it only says that it is there. */
  async #renew(): Promise<void> {
    const { clock, leases, node, log, headOf, lost } = this.#options
    const sentAt = sentNow(clock)
    const before = new Map([...this.#held].map(([shard, epoch]) => [shard, { epoch, head: headOf(shard) }]))
    if (before.size === 0) {
      this.#tellIfGoneBack(this.#takeMissed())
      await leases.join(this.#state === 'open' ? node : { ...node, version: LEAVING })
      return this.#hold.renewed(sentAt)
    }
    const held = new Map((await leases.renew(node.id)).map((one) => [one.shard, one]))
    const gone = this.#takeMissed()
    // Before anything goes on that waited for the lease: in a shard that was lost it is another's.
    for (const [shard, known] of before) {
      if (this.#held.get(shard) !== known.epoch || this.#leaving.has(shard)) continue
      if (isStillHeld(shard, known, held.get(shard), log)) continue
      this.#held.delete(shard)
      if (held.get(shard)?.epoch !== known.epoch) gone.set(shard, known)
      lost(shard, fault('SHARD_FENCED', { shard }))
    }
    this.#tellIfGoneBack(gone)
    if (held.size > 0) this.#hold.renewed(sentAt)
  }

  #takeMissed(): Map<number, Known> {
    const missed = new Map(this.#missed)
    this.#missed.clear()
    return missed
  }

  #tellIfGoneBack(lost: ReadonlyMap<number, Known>): void {
    const { leases, log } = this.#options
    if (lost.size > 0) void tellIfGoneBack(lost, leases, log)
  }

  #owners(): string {
    return this.#survey.shards.map(({ node, isFree }) => (isFree ? '' : (node ?? ''))).join()
  }

  #lookAgain(delayMs: number): void {
    this.#nextLook()
    this.#nextLook = this.#options.clock.after(delayMs, () => {
      const look = async (): Promise<void> => {
        const taking = Promise.all(await this.#look())
        taking.catch((error: unknown) => this.#failed(error))
      }
      this.#looking = this.#guarded(look).then((wasWell) => {
        this.#looking = null
        this.#failedLooks = wasWell ? 0 : this.#failedLooks + 1
        if (!wasWell) this.#silent.forget()
        if (this.#state === 'open') this.#lookAgain(this.#pauseMs)
      })
    })
  }

  /** Until the next look. */
  get #pauseMs(): number {
    if (this.#failedLooks > 0) return Math.min(FAILED_MS * 2 ** this.#failedLooks, this.#lookMs)
    if (this.#isHurried) return HURRY_MS
    return this.#silent.isWaiting ? Math.min(LEFT_MS, this.#lookMs) : this.#lookMs
  }

  #renewAgain(): void {
    const { clock, leases } = this.#options
    const parts = this.#isTroubled ? RETRIES : RENEWALS
    this.#nextRenewal = clock.after(leases.lengthMs / parts, () => {
      this.#renewing = this.#guarded(() => this.#renew()).then(() => {
        if (this.#state !== 'gone') this.#renewAgain()
      })
    })
  }

  /** Whatever it throws is waited out. Whether it went well. */
  async #guarded(work: () => Promise<void>): Promise<boolean> {
    const { log } = this.#options
    try {
      await work()
      if (this.#isTroubled) log.info('The lease is kept again')
      this.#isTroubled = false
      return true
    } catch (error) {
      if (!this.#isTroubled && this.#state !== 'gone')
        log.warn(`The lease cannot be kept at the moment: ${toFailure(error).message}`, undefined, aboutError(error))
      this.#isTroubled = true
      return false
    }
  }

  #failed(error: unknown): void {
    this.#options.onFailure(asError(error))
  }
}
