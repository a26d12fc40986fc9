// Carries the hints of nodes to each other, as requests that are signed like those that are passed on. Nothing waits for one,
// and one that is lost costs a moment. Used by handler.ts.
import { isRecord } from '../core/json.ts'
import { parseText } from '../core/json-text.ts'
import type { NodeAt } from '../define/application.ts'
import { readBytes } from './body.ts'
import type { Forwarding } from './forward.ts'

/** Where a node takes hints; nothing that is not signed gets there. */
export const HINTS_PATH = '/api/hints'
const LIMIT_BYTES = 64 * 1024

export class Hints {
  readonly #forwarding: Forwarding
  /** What is to be told to a node once it has answered: one hint at a time is on its way to each. */
  readonly #later = new Map<string, Set<number>>()

  constructor(forwarding: Forwarding) {
    this.#forwarding = forwarding
  }

  send(to: NodeAt, shards: readonly number[]): void {
    if (!this.#forwarding.isPossible) return
    const later = this.#later.get(to.id)
    if (later !== undefined) {
      for (const shard of shards) later.add(shard)
      return
    }
    this.#later.set(to.id, new Set())
    void this.#send(to, shards)
  }

  async #send(to: NodeAt, shards: readonly number[]): Promise<void> {
    const request = new Request(to.address + HINTS_PATH, { method: 'POST', body: JSON.stringify({ shards }) })
    const { signal } = request
    try {
      const answer = await this.#forwarding.pass(
        request,
        { owner: to, over: signal },
        { limitBytes: LIMIT_BYTES, signal },
      )
      await answer.body?.cancel()
    } catch {
      // It finds what there is when it looks.
    }
    const more = [...(this.#later.get(to.id) ?? [])]
    this.#later.delete(to.id)
    if (more.length > 0) this.send(to, more)
  }
}

/** The shards that a hint names; none when it is not one. */
export async function shardsOf(request: Request): Promise<readonly number[]> {
  const body: unknown = parseText(new TextDecoder().decode(await readBytes(request, LIMIT_BYTES)))
  const shards: unknown = isRecord(body) ? body['shards'] : undefined
  return Array.isArray(shards) ? shards.filter((shard): shard is number => Number.isSafeInteger(shard)) : []
}
