// Which node of several owns the shard: this one, or another for which it stands by. An owner renews its lease, from the
// main thread, so that a loop that hangs renews nothing; who stands by looks every so often whether the lease of the owner
// is over or was given back, and then takes over. Errors of the store are waited out: who cannot reach it owns nothing new,
// and begins no effect when its own lease may be over. Built by RunningApplication for a store with leases.
//
//   joining --free--> owner --taken away, fenced--> standing by --free--> owner
//      '--another owns it--> standing by            any --close--> gone
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'
import { asError, fault } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { LeaseLook, Leases, NodeInfo } from '../core/lease.ts'
import type { Tenure } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import { insist } from './first-words.ts'
import { isStillHeld, tellIfGoneBack } from './gone-back.ts'
import { LeaseHold, sentNow, type Hold, type Sent } from './hold.ts'
import { aboutError } from './log.ts'
import { refuseBeside, standAlone, Strangers } from './other-nodes.ts'
import { TakeOvers, type TakeOversOptions } from './take-overs.ts'

export interface OwnershipOptions {
  readonly leases: Leases
  /** Its name, for errors. */
  readonly store: string
  readonly shard: number
  readonly node: NodeInfo
  readonly clock: Clock
  readonly log: Log
  readonly counts: TakeOversOptions['counts']
  /** The shard is this node's: resolves when its runs have been taken up. */
  readonly own: (tenure: Tenure, hold: Hold) => Promise<void>
  /** The last position of it that is durable, as far as is known here; 0 while its runs are not taken up. */
  readonly headOf: (shard: number) => number
  /** A renewal says that it is not any more, or has gone back. */
  readonly lost: (error: Error) => void
  /** Whoever owns it is another one, or nobody, than was known. */
  readonly changed: () => void
  /** It cannot be owned: its runs cannot be taken up. */
  readonly onFailure: (error: Error) => void
}

/** How often one that stands by looks, at the most: with a heartbeat every third of a lease that is under two questions a second. */
const LOOK_MS = 600
/** Who has reason to think that the owner is gone makes it look at once, but not more often than so. */
const HURRY_MS = 100
/** Parts of a lease: between two renewals, and before one that failed is tried again. */
const RENEWALS = 3
const RETRIES = 12

interface TakenAt {
  readonly tenure: Tenure
  /** When it was asked for. */
  readonly sentAt: Sent
}

export class Ownership {
  readonly #options: OwnershipOptions
  readonly #lookMs: number
  readonly #takeOvers: TakeOvers
  readonly #strangers: Strangers
  #state: 'waiting' | 'owning' | 'gone' = 'waiting'
  #tenure: Tenure | null = null
  /** What this node had when a commit told that it is lost, until it has looked why. */
  #lost: Tenure | null = null
  #look: LeaseLook | null = null
  #joinedAt = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY
  #isTurning = false
  #cancel: Cancel = () => {}
  /** The turn that is under way: `close` waits for it. */
  #turn: Promise<void> = Promise.resolve()
  /** Errors are told once until it goes well again. */
  #isTroubled = false

  constructor(options: OwnershipOptions) {
    this.#options = options
    this.#takeOvers = new TakeOvers(options)
    this.#strangers = new Strangers(options)
    this.#lookMs = Math.min(LOOK_MS, options.leases.lengthMs / RENEWALS)
  }

  get isOwner(): boolean {
    return this.#state === 'owning'
  }

  /** The node that owns the shard, as it was seen last; null while nobody does, as far as is known. */
  get owner(): LeaseLook['owner'] {
    const { id, app, address } = this.#options.node
    if (this.#state === 'owning') return { id, app, address }
    return this.#look?.isFree === true ? null : (this.#look?.owner ?? null)
  }

  /**
   * Joins, and takes the shard if it is free. Resolves when its runs have been taken up, or another owns it.
   * @throws STORE_LOCKED while nodes of another application are there, and what the store does, if it goes on for as long as a lease
   */
  async start(): Promise<void> {
    const { clock, leases } = this.#options
    const isOver = (): boolean => this.#state === 'gone'
    const taken = await insist({ clock, mostMs: leases.lengthMs, isOver }, () => this.#join(isOver))
    if (taken !== null) await this.#own(taken)
    if (this.#state === 'waiting') this.#again(this.#lookMs, () => this.#standBy())
  }

  async #join(isOver: () => boolean): Promise<TakenAt | null> {
    const { leases, shard, node, store } = this.#options
    const { owner, isFree } = await leases.look(shard)
    if (owner !== null && !isFree) refuseBeside([owner], node, store)
    await leases.join(node)
    this.#joinedAt = elapsedOf(this.#options.clock)
    await standAlone(this.#options, isOver)
    return this.#takeIfFree()
  }

  /** Looks at once whether another owns the shard by now, or nobody does. */
  hurry(): void {
    if (this.#state !== 'waiting' || this.#isTurning) return
    if (elapsedOf(this.#options.clock) - this.#lookedAt >= HURRY_MS) this.#again(0, () => this.#standBy())
  }

  /** The shard is another's: from now on this node stands by. Whatever it held is dropped by the caller. */
  standBy(): void {
    if (this.#state === 'gone') return
    this.#state = 'waiting'
    this.#lost = this.#tenure
    this.#tenure = null
    this.#look = null
    this.#joinedAt = Number.NEGATIVE_INFINITY
    this.#again(0, () => this.#standBy())
  }

  /** Gives back what is left; what was released before is free at once. */
  async close(): Promise<void> {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.#cancel()
    await this.#turn
    // When it cannot be said, the lease runs out.
    await this.#options.leases.leave(this.#options.node.id).catch(() => {})
  }

  async #standBy(): Promise<void> {
    const { clock, leases, node, log } = this.#options
    const lost = this.#lost
    this.#lost = null
    // A commit has told it, and no renewal; when it has been taken anew it cannot be seen any more.
    if (lost !== null) await tellIfGoneBack(new Map([[lost.shard, lost]]), leases, log)
    const now = elapsedOf(clock)
    if (now - this.#joinedAt >= leases.lengthMs / RENEWALS) {
      await leases.join(node)
      this.#joinedAt = now
    }
    const taken = await this.#takeIfFree()
    if (taken !== null) await this.#own(taken)
  }

  async #takeIfFree(): Promise<TakenAt | null> {
    const { clock, leases, shard, node } = this.#options
    const before = this.owner
    this.#lookedAt = elapsedOf(clock)
    this.#look = await leases.look(shard)
    const { owner, isFree } = this.#look
    this.#strangers.saw(owner === null || isFree ? [] : [owner])
    this.#takeOvers.saw(owner === null || isFree ? [] : [owner], [{ shard, node: owner?.id ?? null, isFree }])
    if (this.owner?.id !== before?.id || this.owner?.address !== before?.address) this.#options.changed()
    // A taking whose answer was lost is found to have happened.
    if ((!this.#look.isFree && this.#look.owner?.id !== node.id) || this.#state !== 'waiting') return null
    const sentAt = sentNow(clock)
    const tenure = await leases.take(shard, node.id, node.app)
    return tenure !== null && this.#state === 'waiting' ? { tenure, sentAt } : null
  }

  async #own({ tenure, sentAt }: TakenAt): Promise<void> {
    const { clock, leases, own } = this.#options
    const hold = new LeaseHold(clock, leases.lengthMs, sentAt)
    this.#state = 'owning'
    this.#tenure = tenure
    this.#again(leases.lengthMs / RENEWALS, () => this.#renew(tenure, hold))
    const taking = own(tenure, hold)
    this.#takeOvers.took(new Map([[tenure.shard, taking]]))
    await taking
  }

  async #renew(tenure: Tenure, hold: LeaseHold): Promise<void> {
    const { clock, leases, node, log, headOf } = this.#options
    const sentAt = sentNow(clock)
    const head = headOf(tenure.shard)
    const held = await leases.renew(node.id)
    if (this.#tenure !== tenure) return
    const own = held.find(({ shard }) => shard === tenure.shard)
    const known = { epoch: tenure.epoch, head }
    if (isStillHeld(tenure.shard, known, own, log)) hold.renewed(sentAt)
    else {
      this.#tenure = null
      if (own?.epoch !== known.epoch) void tellIfGoneBack(new Map([[tenure.shard, known]]), leases, log)
      this.#options.lost(fault('SHARD_FENCED', { shard: tenure.shard }))
    }
  }

  /** The next turn. Whatever it throws is waited out; a turn that is overtaken by another state is the last of its kind. */
  #again(delayMs: number, turn: () => Promise<void>): void {
    const { clock, leases } = this.#options
    const state = this.#state
    const tenure = this.#tenure
    const isOver = (): boolean => this.#state !== state || this.#tenure !== tenure
    this.#cancel()
    this.#cancel = clock.after(delayMs, () => {
      if (isOver()) return
      this.#isTurning = true
      this.#turn = turn().then(
        () => this.#well(),
        (error: unknown) => this.#trouble(error, state),
      )
      const pauseMs = (): number => {
        if (state === 'waiting') return this.#lookMs
        return leases.lengthMs / (this.#isTroubled ? RETRIES : RENEWALS)
      }
      void this.#turn.then(() => {
        this.#isTurning = false
        if (!isOver()) this.#again(pauseMs(), turn)
      })
    })
  }

  #well(): void {
    if (this.#isTroubled) this.#options.log.info('The lease is kept again')
    this.#isTroubled = false
  }

  #trouble(error: unknown, state: string): void {
    // What could not be taken up is no trouble of the lease.
    if (state === 'waiting' && this.#state === 'owning') return this.#options.onFailure(asError(error))
    if (!this.#isTroubled && this.#state !== 'gone')
      this.#options.log.warn(
        `The lease cannot be kept at the moment: ${toFailure(error).message}`,
        undefined,
        aboutError(error),
      )
    this.#isTroubled = true
  }
}
