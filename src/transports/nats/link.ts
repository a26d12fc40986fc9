// The connection to NATS that a transport does everything over: made when it is needed, and again when it has ended. Whoever
// wrote the application makes it, with whatever client for whatever way there is to a server. Used by the other files here.
import type * as Package from '@nats-io/jetstream'
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import { asError, fault, isBalletError, type BalletError } from '../../core/errors.ts'

/** The package `@nats-io/jetstream`, which only those need who have such a transport: it is loaded when it is. */
type Jetstream = typeof Package

/** A connection of a client of NATS: what `connect(...)` of `@nats-io/transport-node` resolves to. */
export type NatsConnection = Parameters<Jetstream['jetstream']>[0]

/** A connection that is open, and what is done over it. */
export interface Linked {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
  readonly line: Line
}

/** What went wrong with a stream. */
export function failed(stream: string, problem: string, cause?: unknown): BalletError {
  return fault('NATS_FAILED', { stream, problem }, cause)
}

/** Whether a connection is cut: its client makes it again by itself, but what was asked before has no answer any more. */
export class Line {
  readonly #waiting = new Set<() => void>()
  isCut = false

  /** Calls `cut` when it is cut, unless the returned function was called before. */
  onCut(cut: () => void): () => void {
    this.#waiting.add(cut)
    return () => this.#waiting.delete(cut)
  }

  /** Follows a connection until it ends. */
  async follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') this.isCut = false
      if (type === 'disconnect') this.#cut()
    }
    this.#cut()
  }

  #cut(): void {
    this.isCut = true
    for (const cut of this.#waiting) cut()
  }
}

export class Link {
  readonly #connect: () => Promise<NatsConnection>
  readonly #stream: string
  #linked: Promise<Linked> | undefined
  #closes = 0

  constructor(stream: string, connect: () => Promise<NatsConnection>) {
    this.#stream = stream
    this.#connect = connect
  }

  /** The connection, made now if there is none. @throws PACKAGE_MISSING, NATS_FAILED */
  async open(): Promise<Linked> {
    const closes = this.#closes
    const linked = (this.#linked ??= this.#begin())
    const one = await linked.catch((error: unknown) => {
      this.#forget(linked)
      throw error
    })
    // Whoever has waited meanwhile must not make one that nobody ends.
    if (closes !== this.#closes) throw failed(this.#stream, 'the application is closing')
    if (one.connection.isClosed()) {
      this.#forget(linked)
      return this.open()
    }
    if (one.line.isCut) throw failed(this.#stream, 'the connection is cut, and is being made again')
    return one
  }

  /** Ends the connection, if there is one. Safe at any time. */
  async close(): Promise<void> {
    const linked = this.#linked
    this.#linked = undefined
    this.#closes += 1
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
      // One that has ended would be asked for again and again.
      if (connection.isClosed())
        throw failed(this.#stream, 'connect() gave a connection that has ended, where it must make one')
      try {
        // Whether the stream is there is asked when it is needed, with words of its own.
        const manager = await jetstreamManager(connection, { checkAPI: false })
        const line = new Line()
        void line.follow(connection)
        return { connection, client: jetstream(connection), manager, line }
      } catch (error) {
        await connection.close()
        throw error
      }
    } catch (error) {
      if (isBalletError(error) && error.code === 'NATS_FAILED') throw error
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
