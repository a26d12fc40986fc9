// Names that are taken: ids of runs, identities of events. Looked up before anything is started, so that a batch never
// fails on a name; look-ups of one round of the event loop share one read. A negative answer is given only after an
// inbox read that began after the question, or an acknowledged start that still lies there would be denied.
import type { Claim, StoreReader } from '../core/store.ts'

export interface Taken {
  readonly num: number
  readonly hash: string
}

interface Question {
  readonly space: Claim['space']
  readonly id: string
  readonly answer: (taken: Taken | null) => void
  readonly fail: (error: unknown) => void
}

/** The claims of a shard. */
export class Claims {
  readonly #store: StoreReader
  readonly #shard: number
  readonly #ns: string
  readonly #readInbox: () => Promise<void>
  /** Claims whose rows are not durable yet. */
  readonly #fresh = new Map<string, Taken>()
  #questions: Question[] = []

  constructor(store: StoreReader, shard: number, ns: string, readInbox: () => Promise<void>) {
    this.#store = store
    this.#shard = shard
    this.#ns = ns
    this.#readInbox = readInbox
  }

  /** Who has taken a name; what this process took a moment ago counts. `fromInbox` is for the inbox's own questions. */
  async find(space: Claim['space'], id: string, fromInbox = false): Promise<Taken | null> {
    const fresh = this.#fresh.get(`${space} ${id}`)
    if (fresh !== undefined) return fresh
    const stored = fromInbox ? await this.#ask(space, id) : await this.#askBoth(space, id)
    return stored ?? this.#fresh.get(`${space} ${id}`) ?? null
  }

  /** Who has taken a name in this process and is not durable yet: to be asked again after `find`, without giving up control. */
  fresh(space: Claim['space'], id: string): Taken | null {
    return this.#fresh.get(`${space} ${id}`) ?? null
  }

  /** Takes a name: the caller has found it free since it last gave up control. */
  take(space: Claim['space'], id: string, taken: Taken): Claim {
    this.#fresh.set(`${space} ${id}`, taken)
    return { ns: this.#ns, space, id, num: taken.num, hash: taken.hash, until: null }
  }

  /** The row of a claim is durable: the store knows it from now on. */
  durable(space: Claim['space'], id: string): void {
    this.#fresh.delete(`${space} ${id}`)
  }

  async #askBoth(space: Claim['space'], id: string): Promise<Taken | null> {
    const [stored] = await Promise.all([this.#ask(space, id), this.#readInbox()])
    return stored
  }

  #ask(space: Claim['space'], id: string): Promise<Taken | null> {
    return new Promise((answer, fail) => {
      this.#questions.push({ space, id, answer, fail })
      if (this.#questions.length === 1) setImmediate(() => void this.#read())
    })
  }

  async #read(): Promise<void> {
    const questions = this.#questions
    this.#questions = []
    for (const space of ['run', 'event'] as const) {
      const asked = questions.filter((question) => question.space === space)
      if (asked.length === 0) continue
      try {
        const found = await this.#store.claims(this.#shard, this.#ns, space, asked.map((question) => question.id))
        for (const [index, question] of asked.entries()) question.answer(found[index] ?? null)
      } catch (error) {
        for (const question of asked) question.fail(error)
      }
    }
  }
}
