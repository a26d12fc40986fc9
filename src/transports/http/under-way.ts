// The attempts that a service is making, by their keys: each is told to stop when whoever asked for it has gone, does not
// wait any more, or says that nobody wants it. Whether it then stops, and where, is up to it. Used by host.ts.
import type { Clock } from '../../core/clock.ts'
import { fault } from '../../core/errors.ts'
import { LooseMap } from '../../core/loose-map.ts'
import type { Asked } from '../../core/transport.ts'

export class UnderWay {
  readonly #clock: Clock
  /** Two attempts of one key may be under way: the first was given up by a process that has died. */
  readonly #stops = new LooseMap<string, Set<() => void>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Makes an attempt.
   * @param client aborted when whoever asked has gone.
   * @param work is given what tells it to stop, and the way to have it told so.
   */
  async make<Answer>(
    { operation, idempotencyKey, timeoutMs }: Asked,
    client: AbortSignal,
    work: (signal: AbortSignal, stop: () => void) => Promise<Answer>,
  ): Promise<Answer> {
    const controller = new AbortController()
    const stop = (): void => controller.abort(fault('CALL_ABORTED', { call: operation }))
    const cancel = this.#clock.after(timeoutMs, () =>
      controller.abort(fault('ATTEMPT_TIMEOUT', { call: operation, limit: `${timeoutMs}ms` })),
    )
    if (client.aborted) stop()
    client.addEventListener('abort', stop)
    const stops = this.#stops.get(idempotencyKey) ?? new Set()
    this.#stops.set(idempotencyKey, stops.add(stop))
    try {
      return await work(controller.signal, stop)
    } finally {
      cancel()
      client.removeEventListener('abort', stop)
      stops.delete(stop)
      if (stops.size === 0) this.#stops.delete(idempotencyKey)
    }
  }

  /** Tells all attempts of a key to stop. */
  stop(idempotencyKey: string): void {
    for (const stop of this.#stops.get(idempotencyKey) ?? []) stop()
  }
}
