// Names that are taken: ids of runs, identities of events. Looked up before anything is started, so that a batch never
// fails on a name; look-ups of one round of the event loop share one read. A negative answer is given only after an
// inbox read that began after the question, or an acknowledged start that still lies there would be denied.
import { LooseMap } from '../core/loose-map.ts'
import type { Claim, StoreReader } from '../core/store.ts'
import { isOutOfReach } from './store-faults.ts'

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
  readonly #fresh = new LooseMap<string, Taken>()
  /** Claims that are durable, and the number of the last question asked before they were. */
  readonly #stored: { readonly name: string; readonly asked: number }[] = []
  /** Questions, oldest first; those that are decided leave with those before them. */
  readonly #asking: { readonly number: number; isDecided: boolean }[] = []
  #asked = 0
  #questions: Question[] = []

  constructor(store: StoreReader, shard: number, ns: string, readInbox: () => Promise<void>) {
    this.#store = store
    this.#shard = shard
    this.#ns = ns
    this.#readInbox = readInbox
  }

  /**
   * Looks up who has taken a name and decides at once: nobody else can take it between the answer and `decide`.
   * @param fromInbox for the inbox's own questions, which cannot wait for the inbox.
   */
  async settle<T>(
    space: Claim['space'],
    id: string,
    decide: (taken: Taken | null) => T,
    fromInbox = false,
  ): Promise<Awaited<T>> {
    return this.settleAll([{ space, id }], ([taken = null]) => decide(taken), fromInbox)
  }

  /** As `settle`, for several names that are taken together. */
  async settleAll<T>(
    names: readonly Pick<Question, 'space' | 'id'>[],
    decide: (taken: readonly (Taken | null)[]) => T,
    fromInbox = false,
  ): Promise<Awaited<T>> {
    const question = { number: ++this.#asked, isDecided: false }
    this.#asking.push(question)
    let decided: T
    try {
      const fresh = ({ space, id }: Pick<Question, 'space' | 'id'>): Taken | null =>
        this.#fresh.get(`${space} ${id}`) ?? null
      const known = names.map(fresh)
      const stored = await Promise.all(
        names.map(
          async ({ space, id }, at) => known[at] ?? (fromInbox ? this.#ask(space, id) : this.#askBoth(space, id)),
        ),
      )
      decided = decide(names.map((name, at) => stored[at] ?? fresh(name)))
    } finally {
      question.isDecided = true
      this.#forget()
    }
    return await decided
  }

  /** Takes a name: within `settle`, or one that nobody else can want. */
  take(space: Claim['space'], id: string, taken: Taken): Claim {
    this.#fresh.set(`${space} ${id}`, taken)
    return { ns: this.#ns, space, id, num: taken.num, hash: taken.hash, until: null }
  }

  /** The row of a claim is durable: the store knows it, but a question that was asked before may still miss it there. */
  durable(space: Claim['space'], id: string): void {
    this.#stored.push({ name: `${space} ${id}`, asked: this.#asked })
    this.#forget()
  }

  #forget(): void {
    while (this.#asking[0]?.isDecided === true) this.#asking.shift()
    const oldest = this.#asking[0]?.number ?? Number.POSITIVE_INFINITY
    let count = 0
    for (const { name, asked } of this.#stored) {
      if (asked >= oldest) break
      this.#fresh.delete(name)
      count += 1
    }
    if (count > 0) this.#stored.splice(0, count)
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
      if (asked.length > 0) await this.#answer(space, asked)
    }
  }

  /** A name that cannot be looked up fails the read: then each is looked up alone. A store that is out of reach fails all of them alike. */
  async #answer(space: Claim['space'], asked: readonly Question[]): Promise<void> {
    const ids = asked.map(({ id }) => id)
    try {
      const found = await this.#store.claims(this.#shard, this.#ns, space, ids)
      for (const [index, question] of asked.entries()) question.answer(found[index] ?? null)
    } catch (error) {
      if (asked.length === 1 || isOutOfReach(error)) for (const { fail } of asked) fail(error)
      else await this.#answerEach(space, asked)
    }
  }

  /**
   * Answers in the order of the questions, when all are known: what fails and passes puts no name behind another. So what has failed
   * is asked once more behind the others.
   */
  async #answerEach(space: Claim['space'], asked: readonly Question[]): Promise<void> {
    const found = new Map<Question, Taken | null>()
    const failed = new Map<Question, unknown>()
    const look = async (question: Question): Promise<void> => {
      try {
        const [taken = null] = await this.#store.claims(this.#shard, this.#ns, space, [question.id])
        found.set(question, taken)
      } catch (error) {
        failed.set(question, error)
      }
    }
    for (const question of asked) await look(question)
    for (const question of failed.keys()) await look(question)
    const outOfReach = [...failed.values()].find(isOutOfReach)
    for (const question of asked) {
      const taken = found.get(question)
      if (outOfReach !== undefined) question.fail(outOfReach)
      else if (taken === undefined) question.fail(failed.get(question))
      else question.answer(taken)
    }
  }
}
