// A TCP proxy between a store and its server, for what a network does: cut a connection, at any time or around a COMMIT,
// lose what the server answers, or carry nothing any more while both ends believe that they are connected.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** The end of the message that ends every batch; and of the server's answer to any commit. */
const COMMIT = Buffer.from('COMMIT\0')
/** A simple query begins with its sign and its length. */
const HEADER_BYTES = 5

const TICK_MS = 20

/**
 * What happens to the next COMMIT that passes.
 * - `lose-reply`: the server carries it out, and the connection is cut before its answer arrives.
 * - `cut-before`: it does not arrive, and both ends see the connection closed.
 * - `hold`: it does not arrive; the server waits for it, in the middle of the transaction.
 */
export type Mishap = 'lose-reply' | 'cut-before' | 'hold'

interface Pair {
  readonly client: Socket
  readonly server: Socket
  losing: boolean
  /** Nothing more arrives at the server: no network leaves out a piece and carries what comes behind it. */
  held: boolean
}

export class Proxy {
  readonly port: number
  readonly #host: string
  readonly #door: Server
  readonly #pairs = new Set<Pair>()
  #mishap: { readonly kind: Mishap; readonly done: () => void } | null = null
  #isDeaf = false
  #bytesPerTick: number | null = null
  /** Connections that were asked for so far. */
  asked = 0

  private constructor(door: Server, host: string) {
    this.#door = door
    this.#host = host
    this.port = (door.address() as AddressInfo).port
  }

  /** Before the server of a URL; others find it at `host`. */
  static async before(url: string, host = '127.0.0.1'): Promise<Proxy> {
    const { hostname, port } = new URL(url)
    const door = createServer().listen(0, host)
    await new Promise((resolve) => door.once('listening', resolve))
    const proxy = new Proxy(door, host)
    door.on('connection', (client) => proxy.#join(client, connect(Number(port || 5432), hostname)))
    return proxy
  }

  /** The same URL, by way of the proxy. */
  url(url: string): string {
    return url.replace(/@[^/?]+/, `@${this.#host}:${this.port}`)
  }

  /** Resolves when it has happened to a COMMIT. */
  next(kind: Mishap): Promise<void> {
    return new Promise((resolve) => {
      this.#mishap = { kind, done: resolve }
    })
  }

  /** Nothing happens to the next COMMIT, if none has passed meanwhile. */
  forgo(): void {
    this.#mishap = null
  }

  /** Cuts every connection. Returns how many there were. */
  cut(): number {
    const cut = this.#pairs.size
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
    return cut
  }

  /** Carries nothing any more, or again. Whoever was connected before stays deaf. */
  deafen(isDeaf: boolean): void {
    this.#isDeaf = isDeaf
    if (!isDeaf) return
    for (const { client, server } of this.#pairs) {
      client.removeAllListeners('data').pause()
      server.removeAllListeners('data').pause()
    }
  }

  /** Lets so many bytes of what the server answers through in a tick of 20 ms. */
  slowDown(bytesPerTick: number): void {
    this.#bytesPerTick = bytesPerTick
  }

  async close(): Promise<void> {
    this.#door.close()
    this.cut()
  }

  #join(client: Socket, server: Socket): void {
    this.asked += 1
    const pair: Pair = { client, server, losing: false, held: false }
    this.#pairs.add(pair)
    for (const socket of [client, server]) socket.on('error', () => undefined)
    client.on('close', () => {
      if (!pair.losing) server.end()
    })
    server.on('close', () => {
      client.destroy()
      this.#pairs.delete(pair)
    })
    if (this.#isDeaf) return
    client.on('data', (bytes: Buffer) => this.#forth(pair, bytes))
    server.on('data', (bytes: Buffer) => {
      // Who has prepared it sends no word of a commit: the answer alone tells of it.
      if (!pair.losing && this.#mishap?.kind !== 'lose-reply') return this.#back(pair, bytes)
      if (!bytes.includes(COMMIT)) return pair.losing ? undefined : this.#back(pair, bytes)
      client.resetAndDestroy()
      server.resetAndDestroy()
      this.#done()
    })
  }

  #forth(pair: Pair, bytes: Buffer): void {
    const { client, server } = pair
    if (pair.held) return
    const at = this.#mishap === null ? -1 : bytes.indexOf(COMMIT)
    if (at === -1) return void server.write(bytes)
    switch (this.#mishap?.kind) {
      case 'lose-reply':
        pair.losing = true
        server.write(bytes)
        return
      case 'cut-before':
        client.resetAndDestroy()
        server.resetAndDestroy()
        return this.#done()
      case 'hold':
        pair.losing = true
        pair.held = true
        server.write(bytes.subarray(0, at - HEADER_BYTES))
        return this.#done()
      case undefined:
    }
  }

  #back({ client, server }: Pair, bytes: Buffer): void {
    const most = this.#bytesPerTick
    client.write(most === null ? bytes : bytes.subarray(0, most))
    if (most === null || bytes.length <= most) return
    server.pause()
    server.unshift(bytes.subarray(most))
    setTimeout(() => server.resume(), TICK_MS)
  }

  #done(): void {
    this.#mishap?.done()
    this.#mishap = null
  }
}
