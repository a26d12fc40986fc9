// Asks the node that owns a shard for what would else go by way of its inbox: several at once, over whoever carries them (the
// server). It answers when what is asked for is durable, so that nothing is written for it here, looked for, or taken away again.
// Whatever has no answer goes by the inbox as ever: what is asked for has an id, by which it is done once however often it comes.
// Of one shard one request is under way at a time, so that what is asked in some order comes in that order. Kept by RunningApplication.
//
//   asked --its owner is known, and reached--> waiting --a place is free--> under way --answered--> done, or refused
//     '------------------- neither, or no answer: by the inbox ------------------'
import { elapsedOf, type Clock } from '../core/clock.ts'
import type { NodeInfo } from '../core/lease.ts'
import type { AskCarrier, NodeAnswer, NodeAsk, NodeAsks, NodeAt } from '../define/node.ts'

/** Of data, in one request to a node, characters. */
const MOST_CHARS = 256 * 1024
/** Without an answer, of all nodes: what is beyond that waits in an inbox, where it takes no memory. */
const MOST = 8192
/** Requests under way to one node: what comes meanwhile goes together. One for each shard took twice the processor time. */
const AT_ONCE = 2
/** How long is waited for an answer, and how often it is looked whether the node that was asked owns the shards still. */
const ANSWER_MS = 5000
const LOOK_MS = 250
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
  readonly answer: (answer: Came) => void
}

/** What came of it: an answer, nothing of it is known, or it was not asked. */
export type Came = NodeAnswer | { readonly unasked: true }

const UNKNOWN: Came = { unknown: true }
const UNASKED: Came = { unasked: true }

/** What waits for one shard, and whether something of it is under way, or is about to be. */
interface Line {
  waiting: Waiting[]
  isUnderWay: boolean
}

/** What goes to a node in one request. */
interface Load {
  readonly to: NodeAt
  readonly all: Waiting[]
  chars: number
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

  /** Whether something is asked of the owner of a shard at all. */
  reaches(shard: number): boolean {
    return this.#count < MOST && this.#reach(shard) !== null
  }

  /** What the owner of its shard answers. */
  ask(ask: NodeAsk): Promise<Came> {
    const { shard, data } = ask
    if (data.length > MOST_CHARS || !this.reaches(shard)) return Promise.resolve(UNASKED)
    this.#count += 1
    return new Promise<Came>((answer) => {
      const line = this.#lines.get(shard) ?? { waiting: [], isUnderWay: false }
      this.#lines.set(shard, line)
      line.waiting.push({ ask, answer })
      if (!line.isUnderWay) this.#load(shard, line)
    }).finally(() => (this.#count -= 1))
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
    const to = this.#reach(shard)
    if (to === null) return this.#byInbox(shard)
    line.isUnderWay = true
    const load = this.#loads.get(to.id) ?? { to, all: [], chars: 0 }
    this.#loads.set(to.id, load)
    let count = 0
    for (const { ask } of line.waiting) {
      if (load.all.length + count > 0 && load.chars + ask.data.length > MOST_CHARS) break
      load.chars += ask.data.length
      count += 1
    }
    load.all.push(...line.waiting.splice(0, count))
    // Nothing of it is in that load: it has a place in the next one.
    if (count === 0) line.isUnderWay = false
    this.#later()
  }

  /** What is asked in one round of the event loop goes together. */
  #later(): void {
    setImmediate(() => {
      for (const [id, load] of this.#loads) {
        if ((this.#busy.get(id) ?? 0) >= AT_ONCE) continue
        this.#loads.delete(id)
        void this.#carried(load)
      }
    })
  }

  async #carried(load: Load): Promise<void> {
    const { to, all } = load
    const shards = new Set(all.map(({ ask }) => ask.shard))
    this.#busy.set(to.id, (this.#busy.get(to.id) ?? 0) + 1)
    const answers = await this.#answers(load, shards)
    const busy = (this.#busy.get(to.id) ?? 1) - 1
    if (busy === 0) this.#busy.delete(to.id)
    else this.#busy.set(to.id, busy)
    if (answers === null) this.#resting.set(to.id, elapsedOf(this.#options.clock) + REST_MS)
    for (const [index, { answer }] of all.entries()) answer(answers?.[index] ?? UNKNOWN)
    for (const shard of shards) {
      const line = this.#lines.get(shard)
      if (line !== undefined) line.isUnderWay = false
    }
    this.#goOn()
  }

  /** What waits, and of which nothing is under way, goes next. */
  #goOn(): void {
    for (const [shard, line] of this.#lines) {
      if (line.isUnderWay) continue
      if (line.waiting.length === 0) this.#lines.delete(shard)
      else this.#load(shard, line)
    }
    this.#later()
  }

  /** An answer for each; null when there is none. */
  async #answers({ to, all }: Load, shards: ReadonlySet<number>): Promise<readonly NodeAnswer[] | null> {
    const { clock, ownerOf } = this.#options
    const carrier = this.#carrier
    if (carrier === null || this.#isOver) return null
    const over = new AbortController()
    this.#underWay.add(over)
    const until = elapsedOf(clock) + ANSWER_MS
    const look = (): void => {
      const isOwner = [...shards].every((shard) => ownerOf(shard)?.id === to.id)
      if (!isOwner || elapsedOf(clock) >= until) over.abort()
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
    if (!line.isUnderWay) this.#lines.delete(shard)
    for (const { answer } of waiting) answer(UNASKED)
  }
}
