// What the log and the counts say of shards that change their node: which, from whom, and after how long. Kept beside what decides it (shares.ts,
// ownership.ts), which nothing here changes. One line for all shards that go the same way at the same time.
import { elapsedOf, type Clock } from '../core/clock.ts'
import { showMs } from '../core/duration.ts'
import type { Leases, NodeInfo, SurveyedShard } from '../core/lease.ts'
import type { Log } from '../define/definition.ts'
import type { Counts } from './counts.ts'

type Other = Pick<NodeInfo, 'id' | 'address'>

interface Former {
  readonly node: string
  /** Whether it has given them back, and was not gone. */
  readonly isGiven: boolean
  readonly shards: number[]
}

/** Shards that are being handed on to one node. */
interface Handing {
  readonly to: Other
  readonly since: number
  readonly shards: number[]
  open: number
}

/** What is told of a take-over beside the shards. */
interface Told {
  /** Of the node that had them, in words. */
  readonly name: string
  readonly silentMs: number | null
  readonly tookMs: number
}

type TakenCounts = Pick<Counts, 'shardsTaken' | 'shardsHandedOn'>

export interface TakeOversOptions {
  readonly node: NodeInfo
  readonly clock: Clock
  readonly log: Log
  readonly counts: TakenCounts
  readonly leases: Pick<Leases, 'lengthMs'>
}

export class TakeOvers {
  readonly #node: NodeInfo
  readonly #clock: Clock
  readonly #log: Log
  readonly #counts: TakenCounts
  readonly #leaseMs: number
  /** Other nodes, and when each was seen last with a lease that ran. */
  readonly #seen = new Map<string, { readonly node: Other; readonly at: number }>()
  /** The node that owned a shard last, and whether it has given it back. */
  readonly #owners = new Map<number, { readonly node: string; readonly isGiven: boolean }>()
  readonly #handing = new Map<string, Handing>()
  #lost: number[] = []

  constructor({ node, clock, log, counts, leases }: TakeOversOptions) {
    this.#node = node
    this.#clock = clock
    this.#log = log
    this.#counts = counts
    this.#leaseMs = leases.lengthMs
  }

  /** Who is there, and who owns what, as the store has just told. */
  saw(nodes: readonly Other[], shards: readonly SurveyedShard[]): void {
    const at = elapsedOf(this.#clock)
    for (const node of nodes) this.#seen.set(node.id, { node, at })
    for (const { shard, node } of shards) {
      const before = this.#owners.get(shard)
      if (node !== null) this.#owners.set(shard, { node, isGiven: false })
      else if (before !== undefined) this.#owners.set(shard, { ...before, isGiven: true })
    }
    // Whoever is there was seen: where there are no more, there is nobody to forget.
    if (this.#seen.size === nodes.length) return
    const known = new Set([...nodes.map(({ id }) => id), ...[...this.#owners.values()].map(({ node }) => node)])
    for (const id of this.#seen.keys()) if (!known.has(id)) this.#seen.delete(id)
  }

  /** These were taken by this node; told when the runs of each have been taken up. What nobody owned is no news. */
  took(taking: ReadonlyMap<number, Promise<void>>): void {
    const since = elapsedOf(this.#clock)
    for (const former of this.#formersOf([...taking.keys()])) {
      const { node, isGiven, shards } = former
      if (node !== this.#node.id) this.#counts.shardsTaken.add(isGiven ? 'given' : 'silent', shards.length)
      const silentMs = this.#silentMs(former, since)
      // Now: a node that is gone, and owns nothing any more, is forgotten while its runs are taken up.
      const name = this.#wordsOf(node)
      const all = Promise.all([...taking].flatMap(([shard, taken]) => (shards.includes(shard) ? [taken] : [])))
      // What cannot be taken up is told by what that stops.
      all.then(
        () => this.#tellTaken(former, { name, silentMs, tookMs: elapsedOf(this.#clock) - since }),
        () => undefined,
      )
    }
    for (const shard of taking.keys()) this.#owners.set(shard, { node: this.#node.id, isGiven: false })
  }

  /** This one is handed on; the function says that it has been. */
  handsOn(shard: number, to: Other): () => void {
    const handing = this.#handing.get(to.id) ?? { to, since: elapsedOf(this.#clock), shards: [], open: 0 }
    this.#handing.set(to.id, handing)
    handing.shards.push(shard)
    handing.open += 1
    return () => {
      handing.open -= 1
      this.#counts.shardsHandedOn += 1
      if (handing.open > 0) return
      this.#handing.delete(to.id)
      const ms = Math.round(elapsedOf(this.#clock) - handing.since)
      const words = `Handed on ${shardWords(handing.shards)} to ${nodeWords(to)}, in ${showMs(ms)}`
      this.#log.info(words, { shards: handing.shards, to: to.id, ms })
    }
  }

  /** This one was lost. Told once of all that are lost in one moment: a node that was halted loses whatever it had. */
  lost(shard: number, unrenewedMs: number): void {
    this.#lost.push(shard)
    if (this.#lost.length > 1) return
    queueMicrotask(() => {
      const shards = this.#lost
      this.#lost = []
      const isLate = unrenewedMs > this.#leaseMs && Number.isFinite(unrenewedMs)
      const late = `its lease was not renewed for ${showMs(Math.round(unrenewedMs))}, and lasts ${showMs(this.#leaseMs)}`
      const why = isLate ? `: ${late}. The process was halted, or the database out of its reach` : ''
      const data = { shards, ...(isLate ? { unrenewedMs: Math.round(unrenewedMs) } : {}) }
      this.#log.warn(`This node has lost ${shardWords(shards)}${why}.`, data, { code: 'SHARD_FENCED' })
    })
  }

  #formersOf(shards: readonly number[]): readonly Former[] {
    const formers = new Map<string, Former>()
    for (const shard of shards) {
      const owner = this.#owners.get(shard)
      if (owner === undefined) continue
      const { node, isGiven } = owner
      const name = `${isGiven} ${node}`
      const former = formers.get(name) ?? { node, isGiven, shards: [] }
      former.shards.push(shard)
      formers.set(name, former)
    }
    return [...formers.values()]
  }

  /** How long a node that is gone has been silent, but for the time between two looks: what runs out was renewed its length before. */
  #silentMs({ node, isGiven }: Former, now: number): number | null {
    // What it lost itself it takes anew.
    const seen = isGiven || node === this.#node.id ? undefined : this.#seen.get(node)
    return seen === undefined ? null : Math.round(this.#leaseMs + now - seen.at)
  }

  #tellTaken({ node, isGiven, shards }: Former, { name, silentMs, tookMs }: Told): void {
    const ms = Math.round(tookMs)
    const how = isGiven ? ', which gave them back' : silentMs === null ? '' : `, silent for ${showMs(silentMs)}`
    const from = `${name}${how}`
    const data = { shards, from: node, ...(silentMs === null ? {} : { silentMs }), ms }
    this.#log.info(`Took over ${shardWords(shards)} of ${from}, and took up what runs there in ${showMs(ms)}`, data)
  }

  #wordsOf(id: string): string {
    return id === this.#node.id ? 'this node' : nodeWords(this.#seen.get(id)?.node ?? { id, address: null })
  }
}

const nodeWords = ({ id, address }: Other): string => `the node ${id}${address === null ? '' : ` at ${address}`}`

const shardWords = (shards: readonly number[]): string =>
  `the shard${shards.length === 1 ? '' : 's'} ${shards.join(', ')}`
