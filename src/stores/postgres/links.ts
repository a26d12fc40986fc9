// A few connections for many callers: whoever comes when all are in use waits in line, and what must stay in order goes
// out on one connection, each behind the one before without waiting for its answer. A connection that was lost is thrown
// away by whoever notices first; opening another is the next caller's work. Owned by PostgresStore.
import type { Link } from './link.ts'

/** Work of one key under way on a connection. */
interface Chain {
  readonly link: Promise<Link>
  readonly end: () => void
  readonly ended: Promise<void>
  /** Whether it has the connection. */
  isLent: boolean
  users: number
}

export class Links {
  readonly #limit: number
  readonly #open: () => Promise<Link>
  readonly #idle: Link[] = []
  readonly #all = new Set<Link>()
  readonly #line: (() => void)[] = []
  readonly #chains = new Map<number, Chain>()
  #busy = 0

  constructor(limit: number, open: () => Promise<Link>) {
    this.#limit = limit
    this.#open = open
  }

  /** Lends a connection while the work lasts. @throws what opening one throws, and what the work does */
  async use<T>(work: (link: Link) => Promise<T>): Promise<T> {
    if (this.#busy < this.#limit) this.#busy++
    // Whoever leaves hands its place on.
    else await new Promise<void>((resolve) => this.#line.push(resolve))
    try {
      const link = this.#known() ?? (await this.#made())
      try {
        return await work(link)
      } finally {
        if (link.isOpen) this.#idle.push(link)
        else this.#all.delete(link)
      }
    } finally {
      const next = this.#line.shift()
      if (next === undefined) this.#busy--
      else next()
    }
  }

  /**
   * Lends the connection on which work of this key is under way, or any: what is asked first is sent first. A key of which there is
   * always more work keeps its connection for as long as nobody waits for one: what comes then goes behind whoever does.
   */
  async inOrder<T>(key: number, work: (link: Link) => Promise<T>): Promise<T> {
    const known = this.#chains.get(key)
    const isToLeave = known?.isLent === true && this.#line.length > 0
    const chain = known === undefined || isToLeave ? this.#chained(key, known) : known
    chain.users++
    try {
      return await work(await chain.link)
    } finally {
      if (--chain.users === 0) {
        if (this.#chains.get(key) === chain) this.#chains.delete(key)
        chain.end()
      }
    }
  }

  /** @param before of the same key, which may be under way on another connection. */
  #chained(key: number, before: Chain | undefined): Chain {
    const link = Promise.withResolvers<Link>()
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const chain: Chain = { link: link.promise, end, ended, isLent: false, users: 0 }
    this.use(async (lent) => {
      await before?.ended
      chain.isLent = true
      link.resolve(lent)
      return ended
    }).catch(link.reject)
    this.#chains.set(key, chain)
    return chain
  }

  /** Closes what is open; the caller has seen to it that nothing is in use. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map((link) => link.close()))
    this.#all.clear()
    this.#idle.length = 0
  }

  #known(): Link | undefined {
    for (;;) {
      const link = this.#idle.pop()
      if (link === undefined || link.isOpen) return link
      this.#all.delete(link)
    }
  }

  async #made(): Promise<Link> {
    const link = await this.#open()
    this.#all.add(link)
    return link
  }
}
