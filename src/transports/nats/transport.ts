// What a transport over NATS does, by the names of its operations: `send` an event to the stream, `take` those that come there,
// `takeOne` that was refused, and `note` where it began or ended. It is a transport of calls like any other, so attempts, retries, order and what is stuck are the
// engine's. What comes is taken into the application whose run made the call: there may be several of one definition in a process.
import type { Asked, Heard, Transport } from '../../core/transport.ts'
import { asError } from '../../core/errors.ts'
import { storeOfKey } from '../../core/ids.ts'
import type { Here } from './here.ts'
import type { From, Inlet, Refused } from './inlet.ts'
import { take, takeOne } from './intake.ts'
import type { Link } from './link.ts'
import { send, type Outlet } from './send.ts'
import { Standing } from './standing.ts'

export class NatsTransport implements Transport {
  readonly origin: string
  readonly hears = true
  readonly endless: readonly string[]
  readonly #link: Link
  readonly #outlet: Outlet
  readonly #inlet: Inlet
  /** By the ids of their stores, which the keys of calls begin with: several nodes of one store may be in a process. */
  readonly #here = new Map<string, Set<Here>>()
  /** How what comes is taken, by the same. */
  readonly #standings = new Map<string, Standing>()
  /** Attempts that have begun before their application was open. */
  readonly #early = new Set<() => void>()

  constructor(name: string, link: Link, outlet: Outlet, inlet: Inlet) {
    this.#link = link
    this.#outlet = outlet
    this.#inlet = inlet
    this.origin = `nats:${outlet.stream}`
    this.endless = [`${name}.take`]
  }

  /** An application on a store can be taken into, until the returned function is called. The last one ends the connection. */
  opened(store: string, here: Here): () => Promise<void> {
    const all = this.#here.get(store) ?? new Set()
    this.#here.set(store, all.add(here))
    for (const look of this.#early) look()
    return async () => {
      all.delete(here)
      if (all.size === 0) this.#here.delete(store)
      if (this.#here.size === 0) await this.#link.close()
    }
  }

  async ask(asked: Asked, signal: AbortSignal, heard: Heard = () => {}): Promise<unknown> {
    const { operation, input, idempotencyKey, run, progress } = asked
    const here = await this.#hereOf(idempotencyKey, signal)
    switch (operation.slice(operation.indexOf('.') + 1)) {
      case 'send':
        return send(this.#outlet, here, asked, signal)
      case 'take':
        return take(this.#inlet, here, (input as { readonly from: From }).from, {
          run,
          progress,
          signal,
          heard,
          standing: this.standing(storeOfKey(idempotencyKey)),
        })
      case 'note':
        // Its run is there: that is all.
        return undefined
      default:
        return takeOne(this.#inlet, here, input as Refused)
    }
  }

  /** How what comes is taken into the application on a store, in this process. */
  standing(store: string): Standing {
    const known = this.#standings.get(store) ?? new Standing(this.#inlet.clock)
    this.#standings.set(store, known)
    return known
  }

  /** An attempt may begin before all is open: to fail then would only have it made later. */
  #hereOf(idempotencyKey: string, signal: AbortSignal): Promise<Here> {
    const store = storeOfKey(idempotencyKey)
    const { promise, resolve, reject } = Promise.withResolvers<Here>()
    const look = (): void => {
      const [here] = this.#here.get(store) ?? []
      if (here !== undefined) resolve(here)
    }
    const given = (): void => reject(asError(signal.reason))
    this.#early.add(look)
    signal.addEventListener('abort', given)
    if (signal.aborted) given()
    look()
    return promise.finally(() => {
      this.#early.delete(look)
      signal.removeEventListener('abort', given)
    })
  }
}
