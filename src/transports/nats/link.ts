// The connection to NATS that a transport does everything over: made when it is needed, and again when it has ended. Whoever
// wrote the application makes it, with whatever client for whatever way there is to a server. Used by the other files here.
import type * as Package from '@nats-io/jetstream'
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import { asError, fault, type BalletError } from '../../core/errors.ts'

/** The package `@nats-io/jetstream`, which only those need who have such a transport: it is loaded when it is. */
type Jetstream = typeof Package

/** A connection of a client of NATS: what `connect(...)` of `@nats-io/transport-node` resolves to. */
export type NatsConnection = Parameters<Jetstream['jetstream']>[0]

/** A connection that is open, and what is done over it. */
export interface Linked {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
}

/** What went wrong with a stream. */
export function failed(stream: string, problem: string, cause?: unknown): BalletError {
  return fault('NATS_FAILED', { stream, problem }, cause)
}

export class Link {
  readonly #connect: () => Promise<NatsConnection>
  readonly #stream: string
  #linked: Promise<Linked> | undefined

  constructor(stream: string, connect: () => Promise<NatsConnection>) {
    this.#stream = stream
    this.#connect = connect
  }

  /** The connection, made now if there is none. @throws PACKAGE_MISSING, NATS_FAILED */
  async open(): Promise<Linked> {
    const linked = (this.#linked ??= this.#begin())
    try {
      const one = await linked
      if (!one.connection.isClosed()) return one
    } catch (error) {
      this.#forget(linked)
      throw error
    }
    this.#forget(linked)
    return this.open()
  }

  /** Ends the connection, if there is one. Safe at any time. */
  async close(): Promise<void> {
    const linked = this.#linked
    this.#linked = undefined
    try {
      await (await linked)?.connection.close()
    } catch {
      // What was never open, or has ended by itself, needs no end.
    }
  }

  #forget(linked: Promise<Linked>): void {
    if (this.#linked === linked) this.#linked = undefined
  }

  async #begin(): Promise<Linked> {
    const { jetstream, jetstreamManager } = await load()
    try {
      const connection = await this.#connect()
      try {
        // Whether the stream is there is asked when it is needed, with words of its own.
        const manager = await jetstreamManager(connection, { checkAPI: false })
        return { connection, client: jetstream(connection), manager }
      } catch (error) {
        await connection.close()
        throw error
      }
    } catch (error) {
      throw failed(this.#stream, asError(error).message, error)
    }
  }
}

async function load(): Promise<Jetstream> {
  try {
    return await import('@nats-io/jetstream')
  } catch (error) {
    throw fault('PACKAGE_MISSING', { name: '@nats-io/jetstream', why: 'a transport over NATS' }, error)
  }
}
