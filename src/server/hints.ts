// Carries the hints of nodes to each other, as requests that are signed like those that are passed on. Nothing waits for one,
// and one that is lost costs a moment. Used by handler.ts.
import type { Clock } from '../core/clock.ts'
import { isBalletError } from '../core/errors.ts'
import { isRecord } from '../core/json.ts'
import { parseText } from '../core/json-text.ts'
import type { Hint, NodeAt } from '../define/node.ts'
import { systemClock } from '../engine/clock.ts'
import { REFUSED, type Forwarding } from './forward.ts'
import type { NodePosted } from './node-posts.ts'

/** Where a node takes hints; nothing that is not signed gets there. */
export const HINTS_PATH = '/api/hints'
/** The answer to one that was taken. */
export const TAKEN = 204
const NOTHING: Hint = { shards: [], expected: [], watch: [], ended: [], from: null }
/** How long is waited for the answer of a node that is asked whether it takes anything. */
const CHECK_MS = 2000
/** How long a node has to take a hint: one that is gone without a word would have none of those that follow, and keep this process. */
const TOLD_MS = 5000
export const HINTS_LIMIT_BYTES: number = 1024 * 1024
/** Between two hints to one node. */
const SPACING_MS = 4
/** Runs and shards that one hint names, at the most. */
const MOST = 2000

export class Hints {
  readonly #forwarding: Forwarding
  readonly #clock: Clock
  /** What is to be told to a node once it has answered: one hint at a time is on its way to each. */
  readonly #later = new Map<string, Hint | null>()

  /** The node that has taken something of this one, last: its secret is the same, for as long as it lives. */
  #takenBy: string | null = null

  constructor(forwarding: Forwarding, clock: Clock = systemClock) {
    this.#forwarding = forwarding
    this.#clock = clock
  }

  /** Whether this node has a secret to sign with. */
  get isPossible(): boolean {
    return this.#forwarding.isPossible
  }

  /**
   * Asks a node whether it takes what this one passes on, until it has: by a hint that says nothing. One that does not answer, as
   * while it is taking everything up, may well take it.
   * @throws OWNER_UNREACHABLE when it refuses
   */
  async check(to: NodeAt): Promise<void> {
    if (this.#takenBy === to.id) return
    try {
      const { status } = await this.#pass(to, NOTHING, CHECK_MS)
      if (status === TAKEN) this.#takenBy = to.id
    } catch (error) {
      if (isBalletError(error) && error.details['problem'] === REFUSED) throw error
    }
  }

  send(to: NodeAt, hint: Hint): void {
    if (!this.#forwarding.isPossible) return
    const later = this.#later.get(to.id)
    if (later !== undefined) return void this.#later.set(to.id, later === null ? hint : both(later, hint))
    this.#later.set(to.id, null)
    void this.#send(to, hint)
  }

  async #send(to: NodeAt, hint: Hint): Promise<void> {
    try {
      await this.#pass(to, hint, TOLD_MS)
    } catch {
      // It finds what there is when it looks.
    }
    // What comes in the next moment goes together.
    await new Promise<void>((resolve) => void this.#clock.after(SPACING_MS, resolve))
    const more = this.#later.get(to.id) ?? null
    this.#later.delete(to.id)
    if (more !== null) this.send(to, more)
  }

  async #pass(to: NodeAt, hint: Hint, mostMs: number): Promise<NodePosted> {
    const late = new AbortController()
    const cancel = this.#clock.after(mostMs, () => late.abort())
    try {
      return await this.#forwarding.post(to, { path: HINTS_PATH, text: JSON.stringify(hint) }, late.signal)
    } finally {
      cancel()
    }
  }
}

/** What was to be told is told together; what is too much for one hint is found when it is looked for. */
function both(one: Hint, other: Hint): Hint {
  const some = <T>(a: readonly T[], b: readonly T[]): readonly T[] => [...new Set([...a, ...b])].slice(0, MOST)
  return {
    shards: some(one.shards, other.shards),
    expected: some(one.expected, other.expected),
    watch: some(one.watch, other.watch),
    ended: some(one.ended, other.ended),
    from: other.from,
  }
}

/** The hint of a body; one that says nothing when it is none. */
export function hintOf(bytes: Uint8Array): Hint {
  const body: unknown = parseText(new TextDecoder().decode(bytes))
  const field = (name: string): readonly unknown[] => {
    const value: unknown = isRecord(body) ? body[name] : undefined
    return Array.isArray(value) ? value : []
  }
  const texts = (name: string): readonly string[] => field(name).filter((one) => typeof one === 'string')
  const from: unknown = isRecord(body) ? body['from'] : null
  const isNode = isRecord(from) && typeof from['id'] === 'string' && typeof from['address'] === 'string'
  const numbers = (name: string): readonly number[] =>
    field(name).filter((one) => Number.isSafeInteger(one)) as number[]
  return {
    shards: numbers('shards'),
    expected: numbers('expected'),
    watch: texts('watch'),
    ended: texts('ended'),
    from: isNode ? { id: String(from['id']), address: String(from['address']) } : null,
  }
}
