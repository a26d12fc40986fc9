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
  #pids: ReadonlySet<Value> = new Set()
  #turn: Promise<void> = Promise.resolve()

  /** @param pid of the server's process, where it is known: behind a pooler it is not, and nothing is counted. */
  add(pid: number | null): void {
    if (pid !== null) this.#pids = new Set([...this.#pids, pid])
  }

  /**
   * Who comes first goes on first: what is posted has an order.
   * @throws STORE_UNREACHABLE while too many wait, and what asking for them throws
   */
  async check(store: string, ask: (step: Step) => Promise<readonly Value[]>): Promise<void> {
    const turn = this.#turn.then(async () => this.#look(store, ask))
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  async #look(store: string, ask: (step: Step) => Promise<readonly Value[]>): Promise<void> {
    if (this.#pids.size < MOST) return
    const text = `SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::int[]) AND wait_event = 'SyncRep'`
    this.#pids = new Set(await ask({ text, parameters: [`{${[...this.#pids].join()}}`] }))
    if (this.#pids.size >= MOST)
      throw unreachable(store, `${this.#pids.size} commits wait for a synchronous standby, which is away`)
  }
}
