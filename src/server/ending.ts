// How a server ends without cutting off an answer:
//
//   listening  --drain-->  takes no more connections, and serves those that it has, each to the end of its next answer
//   --close-->  refuses new requests, finishes those under way (grace)  -->  answers waits with what is known
//   -->  ends what is left  -->  closed
import type { Server } from 'node:http'
import { Server as Listener, type Socket } from 'node:net'
import type { Cancel, Clock } from '../core/clock.ts'
import { systemClock } from '../engine/clock.ts'
import { Tally } from './tally.ts'
import type { Traffic } from './traffic.ts'
import type { Unanswered } from './unanswered.ts'

/** A proxy that knows no better sends something on connections that it keeps: most of them have had something by then. */
const DRAIN_MS = 100
const GRACE_MS = 5000
/** What is left after the grace: to write out the answers of waits that were cut short. */
const LAST_ANSWERS_MS = 500

interface EndingOptions {
  readonly drainMs?: number | undefined
  readonly graceMs?: number | undefined
  readonly clock?: Clock | undefined
}

interface Parts {
  readonly traffic: Traffic
  readonly unanswered: Unanswered
}

export class Ending {
  readonly #server: Server
  readonly #traffic: Traffic
  readonly #options: EndingOptions
  readonly #clock: Clock
  readonly #connections = new Tally()
  readonly #sockets = new Set<Socket>()
  readonly #unanswered: Unanswered
  readonly #ended: Promise<void>
  #drained: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(server: Server, { traffic, unanswered }: Parts, options: EndingOptions) {
    this.#server = server
    this.#traffic = traffic
    this.#unanswered = unanswered
    this.#options = options
    this.#clock = options.clock ?? systemClock
    server.on('connection', (socket) => this.#enter(socket))
    this.#ended = new Promise((resolve) => server.once('close', resolve))
  }

  /** Resolves when no connection is left, or the time for that is up. */
  drain(): Promise<void> {
    return (this.#drained ??= this.#drain())
  }

  /** Resolves once the port is free and nothing is under way. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  #enter(socket: Socket): void {
    const leave = this.#connections.enter()
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      leave()
    })
  }

  async #drain(): Promise<void> {
    this.#traffic.drain()
    // The server of node:http would cut off every answer that is made and not yet read in whole; the listener below it only
    // stops listening.
    Listener.prototype.close.call(this.#server)
    await this.#within(this.#options.drainMs ?? DRAIN_MS, this.#connections.none())
    // That of node:http takes one whose answer is made and not yet read in whole for idle.
    for (const socket of this.#sockets) if (this.#unanswered.isIdle(socket)) socket.destroy()
  }

  async #close(): Promise<void> {
    await this.drain()
    this.#traffic.close()
    await this.#within(this.#options.graceMs ?? GRACE_MS, this.#traffic.onlyWaits())
    this.#traffic.cut()
    // A connection that is kept alive after its answer would keep the server open.
    await this.#within(LAST_ANSWERS_MS, this.#traffic.none())
    // This also ends the watch over slow clients.
    this.#server.close()
    this.#server.closeAllConnections()
    await this.#ended
  }

  /** Resolves with `work`, or when the time is up. */
  async #within(limitMs: number, work: Promise<void>): Promise<void> {
    let cancel: Cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(limitMs, resolve)
    })
    await Promise.race([work, late])
    cancel()
  }
}
