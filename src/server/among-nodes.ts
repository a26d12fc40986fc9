// A question that every node answers from its own memory: this one's answer, and those of the others that share the store, asked at once
// and signed like what is passed on. One that does not answer in time is left out, and whoever asked is told how much that leaves open.
// Used by routes; made by handler.ts.
import { parseText } from '../core/json-text.ts'
import type { Application } from '../define/application.ts'
import type { NodeAt } from '../define/node.ts'
import { systemClock } from '../engine/clock.ts'
import type { Forwarding } from './forward.ts'

/** How long the others may take. */
const ANSWER_MS = 2000
/** Nodes that are asked. */
const MOST = 100

export class AmongNodes {
  readonly #forwarding: Forwarding

  constructor(forwarding: Forwarding) {
    this.#forwarding = forwarding
  }

  /**
   * What the other nodes answer to a question, in any order.
   * @param path with a query by which they ask nobody else.
   * @param shape null for what is no answer to it.
   */
  async ask<T>(app: Application, request: Request, path: string, shape: (answer: unknown) => T | null): Promise<T[]> {
    if (!this.#forwarding.isPossible) return []
    const late = new AbortController()
    const cancel = systemClock.after(ANSWER_MS, () => late.abort())
    try {
      const asked = othersOf(app).map(async (owner) => {
        const question = new Request(new URL(path, request.url), { headers: request.headers })
        const options = { limitBytes: 0, signal: late.signal }
        const response = await this.#forwarding.pass(question, { owner, over: NEVER }, options)
        return response.ok ? shape(parseText(await response.text())) : null
      })
      const answers = await Promise.allSettled(asked)
      return answers.flatMap((one) => (one.status === 'fulfilled' && one.value !== null ? [one.value] : []))
    } finally {
      cancel()
    }
  }
}

const NEVER = new AbortController().signal

/** The other nodes that carry runs, as far as is known. */
function othersOf({ standing, fetching }: Application): readonly NodeAt[] {
  const { role, owner } = standing
  if (role === 'standby') return owner?.address == null ? [] : [{ id: owner.id, address: owner.address }]
  return fetching.others().slice(0, MOST)
}
