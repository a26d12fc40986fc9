// Asks the node that owns a shard for what would else go by way of its inbox: several at once, over whoever carries them (the
// server). It answers when what is asked for is durable, so that nothing is written for it here, looked for, or taken away again.
// Whatever has no answer goes by the inbox as ever: what is asked for has an id, by which it is done once however often it comes.
// Of one shard one request is under way at a time, and what goes by its inbox is held to lie there before anything else is asked,
// so that what is asked in some order comes in that order, whichever way it goes. Kept by RunningApplication.
//
//   asked --its owner is known, and reached--> waiting --a place is free--> under way --answered--> done, or refused
//     '--------- neither, too much or too long, or no answer: by the inbox ---------'
import { elapsedOf, type Clock } from '../core/clock.ts'
import type { NodeInfo } from '../core/lease.ts'
import type { InboxItem } from '../core/store.ts'
import type { AskCarrier, NodeAnswer, NodeAsk, NodeAsks, NodeAt } from '../define/node.ts'

/** Of data, in one request to a node, characters. */
const MOST_CHARS = 256 * 1024
/** Without an answer, of all nodes: what is beyond that goes by an inbox, where it takes no memory. */
const MOST = 8192
const MOST_CHARS_OF_ALL = 64 * 1024 * 1024
/** Requests under way to one node: what comes meanwhile goes together. One for each shard took twice the processor time. */
const AT_ONCE = 2
/**
 * How long is waited for an answer, and how often it is looked whether the node that was asked owns the shards still. That one
 * answers within two seconds (asked-here.ts), whatever it has done by then.
 */
const ANSWER_MS = 3000
const LOOK_MS = 250
const ASKED: ReadonlySet<InboxItem['kind']> = new Set<NodeAsk['kind']>(['start', 'event', 'conduct'])
/** How long something waits for its turn: an owner that is slow for all is not waited for by each. */
const WAIT_MS = 2000
/** For how long a node that gave no answer is not asked. */
const REST_MS = 2000

export interface AskingOptions {
  /** This node. */
  readonly node: string
  readonly clock: Clock
  readonly ownerOf: (shard: number) => NodeInfo | null
  /** What another node asks of this one. */
  readonly take: NodeAsks['take']
}

interface Waiting {
  readonly ask: NodeAsk
  readonly since: number
  /** Whether it is not asked, and only waits for what was before it. */
  readonly isTooMuch: boolean
  readonly answer: (answer: Came) => void
}

/** What came of it: an answer, nothing of it is known, or it was not asked. */
export type Came = NodeAnswer | { readonly unasked: true }

const UNKNOWN: Came = { unknown: true }
const UNASKED: Came = { unasked: true }

/** What waits for one shard, and behind what. */
interface Line {
  waiting: Waiting[]
  /** Something of it is, or is about to be. */
  isUnderWay: boolean
  /** How many go by the inbox, and do not lie there yet. */
  held: number
}

/** What goes to a node in one request. */
interface Load {
  readonly to: NodeAt
  readonly all: Waiting[]
  chars: number
  /** Another node owns one of its shards by now: that there is no answer says nothing of the one that was asked. */
  isMoved: boolean
}

export class Asking implements NodeAsks {
  readonly #options: AskingOptions
  #carrier: AskCarrier | null = null
  readonly #lines = new Map<number, Line>()
  /** What goes to each node next. */
  readonly #loads = new Map<string, Load>()
  /** How many requests are under way to each. */
  readonly #busy = new Map<string, number>()
  /** Nodes that are not asked, until when. */
  readonly #resting = new Map<string, number>()
  readonly #underWay = new Set<AbortController>()
  #count = 0
  #chars = 0
  #isOver = false

  constructor(options: AskingOptions) {
    this.#options = options
  }

  carry(carrier: AskCarrier): () => void {
    this.#carrier = carrier
    return () => {
      if (this.#carrier === carrier) this.#carrier = null
    }
  }

  take(asks: readonly NodeAsk[]): Promise<readonly NodeAnswer[]> {
    return this.#options.take(asks)
  }

  /** Whether something is asked of the owner of a shard at all, or waits for what is. */
  reaches(shard: number): boolean {
    if (this.#isOver) return false
    return this.#isBusy(shard) || (this.#hasRoom(0) && this.#reach(shard) !== null)
  }

  /** What the owner of its shard answers. */
  ask(ask: NodeAsk): Promise<Came> {
    const { shard, data } = ask
    const isTooMuch = data.length > MOST_CHARS || !this.#hasRoom(data.length)
    if (!this.reaches(shard) || (isTooMuch && !this.#isBusy(shard))) return Promise.resolve(UNASKED)
    this.#count += 1
    this.#chars += data.length
    return new Promise<Came>((answer) => {
      const line = this.#lineOf(shard)
      line.waiting.push({ ask, since: elapsedOf(this.#options.clock), isTooMuch, answer })
      this.#load(shard, line)
      this.#later()
    }).finally(() => {
      this.#count -= 1
      this.#chars -= data.length
    })
  }

  /**
   * Something goes by the inbox of a shard: what is asked from now on waits until the returned function says that it lies there. Not
   * for what always goes so, of which there may be some on its way at any moment.
   */
  hold(shard: number, kind: InboxItem['kind']): () => void {
    if (this.#carrier === null || !ASKED.has(kind)) return () => {}
    const line = this.#lineOf(shard)
    line.held += 1
    return () => {
      line.held -= 1
      this.#load(shard, line)
      this.#later()
    }
  }

  #lineOf(shard: number): Line {
    const line = this.#lines.get(shard) ?? { waiting: [], isUnderWay: false, held: 0 }
    this.#lines.set(shard, line)
    return line
  }

  /** Whether something of a shard has to come first. */
  #isBusy(shard: number): boolean {
    const line = this.#lines.get(shard)
    return line !== undefined && (line.isUnderWay || line.waiting.length > 0)
  }

  #hasRoom(chars: number): boolean {
    return this.#count < MOST && this.#chars + chars <= MOST_CHARS_OF_ALL
  }

  /** Nothing is waited for any longer. */
  close(): void {
    this.#isOver = true
    for (const over of this.#underWay) over.abort()
    for (const shard of this.#lines.keys()) this.#byInbox(shard)
  }

  /** Who is asked for a shard, if anybody is. */
  #reach(shard: number): NodeAt | null {
    const { node, clock, ownerOf } = this.#options
    if (this.#carrier === null || this.#isOver) return null
    const owner = ownerOf(shard)
    if (owner === null || owner.address === null || owner.id === node) return null
    const until = this.#resting.get(owner.id)
    if (until !== undefined && until > elapsedOf(clock)) return null
    if (until !== undefined) this.#resting.delete(owner.id)
    return { id: owner.id, address: owner.address }
  }

  /** Puts what waits for a shard with what goes to its owner next; what has no room there goes behind it. */
  #load(shard: number, line: Line): void {
    if (line.isUnderWay || line.held > 0) return
    const [first] = line.waiting
    if (first === undefined) return void this.#lines.delete(shard)
    const to = this.#reach(shard)
    const isLate = elapsedOf(this.#options.clock) - first.since > WAIT_MS
    if (to === null || first.isTooMuch || isLate) return this.#byInbox(shard)
    const load = this.#loads.get(to.id) ?? { to, all: [], chars: 0, isMoved: false }
    this.#loads.set(to.id, load)
    let count = 0
    for (const { ask, isTooMuch } of line.waiting) {
      if (isTooMuch || (load.all.length + count > 0 && load.chars + ask.data.length > MOST_CHARS)) break
      load.chars += ask.data.length
      count += 1
    }
    load.all.push(...line.waiting.splice(0, count))
    // Where nothing of it is in that load, it has a place in the next one.
    line.isUnderWay = count > 0
  }

  /** What is asked in one round of the event loop goes together. */
  #later(): void {
    setImmediate(() => this.#send())
  }

  #send(): void {
    for (const [id, load] of this.#loads) {
      if ((this.#busy.get(id) ?? 0) >= AT_ONCE) continue
      this.#loads.delete(id)
      void this.#carried(load)
    }
  }

  async #carried(load: Load): Promise<void> {
    const { to, all } = load
    const shards = new Set(all.map(({ ask }) => ask.shard))
    this.#busy.set(to.id, (this.#busy.get(to.id) ?? 0) + 1)
    const answers = await this.#answers(load, shards)
    const busy = (this.#busy.get(to.id) ?? 1) - 1
    if (busy === 0) this.#busy.delete(to.id)
    else this.#busy.set(to.id, busy)
    if (answers === null && !load.isMoved) this.#resting.set(to.id, elapsedOf(this.#options.clock) + REST_MS)
    for (const [index, { answer }] of all.entries()) answer(answers?.[index] ?? UNKNOWN)
    // What goes by the inbox now is held to be there first.
    setImmediate(() => this.#goOn(shards))
  }

  /** Nothing of these shards is under way any more: what waits goes next. */
  #goOn(shards: Iterable<number>): void {
    for (const shard of shards) {
      const line = this.#lines.get(shard)
      if (line !== undefined) line.isUnderWay = false
    }
    for (const [shard, line] of this.#lines) this.#load(shard, line)
    this.#send()
  }

  /** An answer for each; null when there is none. */
  async #answers(load: Load, shards: ReadonlySet<number>): Promise<readonly NodeAnswer[] | null> {
    const { to, all } = load
    const { clock, ownerOf } = this.#options
    const carrier = this.#carrier
    if (carrier === null || this.#isOver) return null
    const over = new AbortController()
    this.#underWay.add(over)
    const until = elapsedOf(clock) + ANSWER_MS
    const look = (): void => {
      load.isMoved = [...shards].some((shard) => ownerOf(shard)?.id !== to.id)
      if (load.isMoved || elapsedOf(clock) >= until) over.abort()
      else next = clock.after(LOOK_MS, look)
    }
    let next = clock.after(LOOK_MS, look)
    try {
      const asks = all.map(({ ask }) => ask)
      const answers = await carrier(to, asks, over.signal)
      return answers.length === asks.length ? answers : null
    } catch {
      return null
    } finally {
      next()
      this.#underWay.delete(over)
    }
  }

  /** What waits for a shard goes by its inbox. */
  #byInbox(shard: number): void {
    const line = this.#lines.get(shard)
    if (line === undefined) return
    const { waiting } = line
    line.waiting = []
    if (!line.isUnderWay && line.held === 0) this.#lines.delete(shard)
    for (const { answer } of waiting) answer(UNASKED)
  }
}
