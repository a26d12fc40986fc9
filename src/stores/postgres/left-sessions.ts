// Sessions that were cut off in the middle of a transaction. One that has committed, and waits for a synchronous standby which is
// away, stays at the server for as long as that is: each attempt to post the same again would leave another, until nobody gets
// a connection there any more. So behind a few of them nothing is posted. Batches wait for each other at the row of their shard.
// Used by PostgresStore.
import type { Value } from '../sql/tables.ts'
import { unreachable } from './failure.ts'
import type { Step } from './texts.ts'

/** As many as this. */
const MOST = 4

export class LeftSessions {
  readonly #store: string
  readonly #ask: (step: Step) => Promise<readonly Value[]>
  #pids: ReadonlySet<Value> = new Set()
  #turn: Promise<void> = Promise.resolve()

  /** @param store its name, for errors */
  constructor(store: string, ask: (step: Step) => Promise<readonly Value[]>) {
    this.#store = store
    this.#ask = ask
  }

  /** @param pid of the server's process, where it is known: behind a pooler it is not, and nothing is counted. */
  add(pid: number | null): void {
    if (pid !== null) this.#pids = new Set([...this.#pids, pid])
  }

  /**
   * Who comes first goes on first: what is posted has an order.
   * @throws STORE_UNREACHABLE while too many wait, and what asking for them throws
   */
  async check(): Promise<void> {
    const turn = this.#turn.then(async () => this.#look())
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  async #look(): Promise<void> {
    if (this.#pids.size < MOST) return
    const asked = this.#pids
    const text = `SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::int[]) AND wait_event = 'SyncRep'`
    const waiting = new Set(await this.#ask({ text, parameters: [`{${[...asked].join()}}`] }))
    // Others may have been cut off meanwhile.
    this.#pids = new Set([...this.#pids].filter((pid) => waiting.has(pid) || !asked.has(pid)))
    if (this.#pids.size >= MOST)
      throw unreachable(this.#store, `${this.#pids.size} commits wait for a synchronous standby, which is away`)
  }
}
