// A store in memory, for tests, simulation and a first look: the semantics of the contract (fence, drain, claims, all
// or nothing) without I/O. It forgets everything with the process, and answers in the order in which it is asked.
// A second store over the same data stands for another process that takes the shard over.
import { fault } from '../../core/errors.ts'
import type {
  Aged,
  AgedEvent,
  Batch,
  Claim,
  EventRow,
  FlowRow,
  InboxItem,
  InboxRow,
  JournalRow,
  Kin,
  RunCount,
  RunName,
  RunRow,
  Store,
  StoreInfo,
  SuspectRow,
  Tenure,
  TimerRow,
} from '../../core/store.ts'
import type { EventQuery, FlowQuery, RunQuery, RunStatus } from '../../core/store-queries.ts'
import { claimKey, flowKey, MemoryData } from './memory-data.ts'

/**
 * A store that keeps nothing: for tests and examples.
 * @param data shared content, so that a test can reopen a store or let two stores compete for it.
 */
export function memory(data: MemoryData = new MemoryData()): Store {
  return new MemoryStore(data)
}

class MemoryStore implements Store {
  readonly kind = 'memory'
  readonly name = 'memory:'
  readonly #data: MemoryData
  #state: 'new' | 'open' | 'closed' = 'new'

  constructor(data: MemoryData) {
    this.#data = data
  }

  async open(): Promise<StoreInfo> {
    if (this.#state === 'closed') throw fault('STORE_FAILED', { problem: 'it is closed' })
    this.#state = 'open'
    return this.#data.info
  }

  async close(): Promise<void> {
    this.#state = 'closed'
  }

  async info(): Promise<StoreInfo> {
    return this.#opened().info
  }

  async belongsTo(ns: string, app: string, before: string | null): Promise<string> {
    return this.#opened().belongsTo(ns, app, before)
  }

  async namespaces(limit: number): Promise<readonly string[]> {
    return this.#opened().namespaces.slice(0, limit)
  }

  async acquire(shard: number, owner: string): Promise<Tenure> {
    return this.#opened().acquire(shard, owner)
  }

  async release(shard: number, epoch: number, crashes?: number): Promise<void> {
    this.#opened().release(shard, epoch, crashes)
  }

  async steady(shard: number, epoch: number): Promise<void> {
    this.#opened().steady(shard, epoch)
  }

  async tenure(shard: number): Promise<Tenure> {
    return this.#opened().tenure(shard)
  }

  async commit(batch: Batch): Promise<void> {
    this.#opened().commit(batch)
  }

  async post(shard: number, items: readonly InboxItem[]): Promise<void> {
    this.#opened().post(shard, items)
  }

  async hasRoom(): Promise<boolean> {
    this.#opened()
    return true
  }

  async claims(
    _shard: number,
    ns: string,
    space: Claim['space'],
    ids: readonly string[],
  ): Promise<readonly (Claim | null)[]> {
    const { claims } = this.#opened()
    return ids.map((id) => claims.get(claimKey({ ns, space, id })) ?? null)
  }

  async run(_shard: number, num: number): Promise<RunRow | null> {
    return this.#opened().runs.get(num) ?? null
  }

  async runs(_shard: number, query: RunQuery): Promise<readonly RunRow[]> {
    const { runs, runOrder } = this.#opened()
    const { before = Infinity, after = -Infinity } = query
    const oldestFirst = query.after !== undefined && query.before === undefined
    const found: RunRow[] = []
    for (let index = 0; index < runOrder.length && found.length < query.limit; index++) {
      const num = runOrder.at(oldestFirst ? index : -1 - index)
      const run = num === undefined ? undefined : runs.get(num)
      if (run !== undefined && run.num < before && run.num > after && runMatches(run, query)) found.push(run)
    }
    return found
  }

  async runNames(shard: number, query: RunQuery): Promise<readonly RunName[]> {
    return (await this.runs(shard, query)).map(({ num, id }) => ({ num, id }))
  }

  async runCounts(shard: number, ns: string, status: RunStatus, limit: number): Promise<readonly RunCount[]> {
    const found = new Map<string, RunCount>()
    for (const { kind, name, phase, reason } of await this.runs(shard, { ns, status: [status], limit })) {
      const alike = JSON.stringify([kind, name, phase, reason])
      found.set(alike, { kind, name, phase, reason, runs: (found.get(alike)?.runs ?? 0) + 1 })
    }
    return [...found.values()]
  }

  async journal(_shard: number, run: number, after: number, limit: number): Promise<readonly JournalRow[]> {
    const rows = this.#opened().journal.get(run) ?? []
    return rows.filter((row) => row.seq > after).slice(0, limit)
  }

  async shardsOf(ns: string, of: Kin): Promise<readonly number[]> {
    const query = { ns, ...of, limit: 1 }
    const [run] = await this.runs(0, query)
    const [event] = await this.events(0, query)
    return run === undefined && event === undefined ? [] : [0]
  }

  async events(_shard: number, query: EventQuery): Promise<readonly EventRow[]> {
    const found: EventRow[] = []
    for (const event of this.#opened().eventsAfter(query.after ?? -1)) {
      if (found.length >= query.limit) break
      if (eventMatches(event, query)) found.push(event)
    }
    return found
  }

  async timers(
    _shard: number,
    from: number,
    to: number,
    limit: number,
    after?: TimerRow,
  ): Promise<readonly TimerRow[]> {
    const isWanted = (timer: TimerRow): boolean =>
      timer.due >= from && timer.due < to && (after === undefined || orderOfTimers(timer, after) > 0)
    return [...this.#opened().timers.values()].filter(isWanted).sort(orderOfTimers).slice(0, limit)
  }

  async inbox(_shard: number, ns: string, limit: number, after = 0): Promise<readonly InboxRow[]> {
    return this.#inbox(ns, limit, after)
  }

  async inboxIds(_shard: number, ns: string | null, limit: number): Promise<readonly number[]> {
    return this.#inbox(ns, limit, 0).map(({ id }) => id)
  }

  #inbox(ns: string | null, limit: number, after: number): readonly InboxRow[] {
    const rows: InboxRow[] = []
    for (const row of this.#opened().inbox.values()) {
      if (rows.length >= limit) break
      if ((ns === null || row.ns === ns) && row.id > after) rows.push(row)
    }
    return rows
  }

  async flowsOf(
    _shard: number,
    ns: string,
    name: string,
    keys: readonly string[],
  ): Promise<readonly (FlowRow | null)[]> {
    const { flows } = this.#opened()
    return keys.map((key) => flows.get(flowKey({ ns, name, key })) ?? null)
  }

  async choreographies(_shard: number, ns: string): Promise<readonly string[]> {
    const names = [...this.#opened().flows.values()].flatMap((flow) => (flow.ns === ns ? [flow.name] : []))
    return [...new Set(names)].sort()
  }

  async flows(_shard: number, { ns, name, standing, after = '', limit }: FlowQuery): Promise<readonly FlowRow[]> {
    return [...this.#opened().flows.values()]
      .filter((flow) => flow.ns === ns && flow.name === name && flow.key > after)
      .filter((flow) => standing === undefined || flow.standing === standing)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, limit)
  }

  async suspects(_shard: number): Promise<readonly SuspectRow[]> {
    return [...this.#opened().suspects.values()].sort((a, b) => a.run - b.run)
  }

  async aged(shard: number, ns: string, after: number, limit: number): Promise<readonly Aged[]> {
    const runs = await this.runs(shard, { ns, after, limit })
    return runs.map(({ num, id, kind, key, status, root, generation, ended, since }) => {
      return { num, ns, id, kind, key, status, root, generation, ended, since }
    })
  }

  async agedEvents(shard: number, ns: string, after: number, limit: number): Promise<readonly AgedEvent[]> {
    const events = await this.events(shard, { ns, after, limit })
    return events.map(({ pos, key, source, id, at }) => ({ pos, ns, key, source, id, at }))
  }

  async agedClaims(_shard: number, ns: string, now: number, limit: number): Promise<readonly Claim[]> {
    const over = (until: number | null): boolean => until !== null && until <= now
    const found = [...this.#opened().claims.values()].filter((claim) => claim.ns === ns && over(claim.until))
    return found.sort(byUntil).slice(0, limit)
  }

  #opened(): MemoryData {
    if (this.#state === 'open') return this.#data
    throw fault('STORE_FAILED', { problem: this.#state === 'closed' ? 'it is closed' : 'it is not open' })
  }
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

function byUntil(a: Claim, b: Claim): number {
  return (a.until ?? 0) - (b.until ?? 0) || compare(a.space, b.space) || compare(a.id, b.id)
}

function runMatches(run: RunRow, query: RunQuery): boolean {
  return (
    run.ns === query.ns &&
    (query.name === undefined || run.name === query.name) &&
    (query.status === undefined || query.status.includes(run.status)) &&
    (query.reason === undefined || run.reason === query.reason) &&
    (query.kind === undefined || run.kind === query.kind) &&
    (query.key === undefined || run.key === query.key) &&
    (query.root === undefined || run.root === query.root) &&
    (query.parent === undefined || run.parent === query.parent)
  )
}

function eventMatches(event: EventRow, query: EventQuery): boolean {
  return (
    event.ns === query.ns &&
    (query.key === undefined || event.key === query.key) &&
    (query.types === undefined || query.types.includes(event.type)) &&
    (query.root === undefined || event.root === query.root) &&
    (query.published === undefined || event.published === query.published)
  )
}

function orderOfTimers(a: TimerRow, b: TimerRow): number {
  return a.due - b.due || a.run - b.run || (a.op < b.op ? -1 : a.op > b.op ? 1 : 0)
}
