// A store in memory that remembers every change in its order, so that the data can be built again as it was after any
// of them: that is what a crash leaves. Two of them over the same content stand for two processes. It answers after a random number of rounds of the event loop, and now and then
// loses the reply of a commit, before or after it was written.
import { fault } from '../../src/core/errors.ts'
import type { Batch, Claim, InboxItem, Kin, Store, StoreInfo, Tenure } from '../../src/core/store.ts'
import type { EventQuery, FlowQuery, RunQuery, RunStatus } from '../../src/core/store-queries.ts'
import { MemoryData } from '../../src/stores/memory/memory-data.ts'
import { memory } from '../../src/stores/memory/memory-store.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'

/** A change of the store, and the time of the clock at it. */
export type Change = { readonly at: number } & (
  | { readonly kind: 'acquired'; readonly owner: string }
  | { readonly kind: 'released'; readonly epoch: number; readonly crashes: number | undefined }
  | { readonly kind: 'steady'; readonly epoch: number }
  | { readonly kind: 'committed'; readonly batch: Batch }
  | { readonly kind: 'posted'; readonly items: readonly InboxItem[] }
)

/** What a store holds, and all that it has seen. */
export interface Content {
  readonly data: MemoryData
  readonly changes: Change[]
}

/** The content of a store that had seen these changes. */
export function contentAfter(id: string, changes: readonly Change[]): Content {
  const data = new MemoryData(id)
  for (const change of changes) {
    if (change.kind === 'acquired') data.acquire(0, change.owner)
    else if (change.kind === 'released') data.release(0, change.epoch, change.crashes)
    else if (change.kind === 'steady') data.steady(0, change.epoch)
    else if (change.kind === 'committed') data.commit(change.batch)
    else data.post(0, change.items)
  }
  return { data, changes: [...changes] }
}

/** Puts items into the inbox, as any process can. */
export function post({ data, changes }: Content, at: number, items: readonly InboxItem[]): void {
  data.post(0, items)
  changes.push({ at, kind: 'posted', items })
}

/** Rounds of the event loop that something takes. */
async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}

export class RecordingStore implements Store {
  readonly kind = 'memory'
  readonly name = 'recording'
  readonly #content: Content
  readonly #inner: Store
  readonly #chance: Chance
  readonly #now: () => number

  constructor(content: Content, chance: Chance, now: () => number) {
    this.#content = content
    this.#inner = memory(content.data)
    this.#chance = chance
    this.#now = now
  }

  open(): Promise<StoreInfo> {
    return this.#inner.open()
  }
  close(): Promise<void> {
    return this.#inner.close()
  }

  async belongsTo(ns: string, app: string, before: string | null): Promise<string> {
    return this.#content.data.belongsTo(ns, app, before)
  }

  async namespaces(limit: number): Promise<readonly string[]> {
    return this.#content.data.namespaces.slice(0, limit)
  }

  async acquire(shard: number, owner: string): Promise<Tenure> {
    const { data, changes } = this.#content
    changes.push({ at: this.#now(), kind: 'acquired', owner })
    return data.acquire(shard, owner)
  }

  async release(shard: number, epoch: number, crashes?: number): Promise<void> {
    const { data, changes } = this.#content
    changes.push({ at: this.#now(), kind: 'released', epoch, crashes })
    data.release(shard, epoch, crashes)
  }

  async steady(shard: number, epoch: number): Promise<void> {
    const { data, changes } = this.#content
    changes.push({ at: this.#now(), kind: 'steady', epoch })
    data.steady(shard, epoch)
  }

  async commit(batch: Batch): Promise<void> {
    const { data, changes } = this.#content
    const lost = this.#chance.is(0.03) ? this.#chance.pick(['request', 'reply'] as const) : null
    await rounds(this.#chance.between(0, 3))
    if (lost === 'request') throw fault('COMMIT_UNKNOWN')
    data.commit(batch)
    changes.push({ at: this.#now(), kind: 'committed', batch })
    await rounds(this.#chance.between(0, 2))
    if (lost === 'reply') throw fault('COMMIT_UNKNOWN')
  }

  async post(_shard: number, items: readonly InboxItem[]): Promise<void> {
    post(this.#content, this.#now(), items)
  }

  hasRoom() {
    return this.#inner.hasRoom()
  }
  info() {
    return this.#read(() => this.#inner.info())
  }
  tenure(shard: number) {
    return this.#read(() => this.#inner.tenure(shard))
  }
  claims(shard: number, ns: string, space: Claim['space'], ids: readonly string[]) {
    return this.#read(() => this.#inner.claims(shard, ns, space, ids))
  }
  run(shard: number, num: number) {
    return this.#read(() => this.#inner.run(shard, num))
  }
  runs(shard: number, query: RunQuery) {
    return this.#read(() => this.#inner.runs(shard, query))
  }
  runNames(shard: number, query: RunQuery) {
    return this.#read(() => this.#inner.runNames(shard, query))
  }
  runCounts(shard: number, ns: string, status: RunStatus, limit: number) {
    return this.#read(() => this.#inner.runCounts(shard, ns, status, limit))
  }
  journal(shard: number, run: number, after: number, limit: number) {
    return this.#read(() => this.#inner.journal(shard, run, after, limit))
  }
  events(shard: number, query: EventQuery) {
    return this.#read(() => this.#inner.events(shard, query))
  }
  timers(shard: number, from: number, to: number, limit: number) {
    return this.#read(() => this.#inner.timers(shard, from, to, limit))
  }
  inbox(shard: number, ns: string, limit: number, after?: number) {
    return this.#read(() => this.#inner.inbox(shard, ns, limit, after))
  }
  inboxIds(shard: number, ns: string | null, limit: number) {
    return this.#read(() => this.#inner.inboxIds(shard, ns, limit))
  }
  choreographies(shard: number, ns: string) {
    return this.#read(() => this.#inner.choreographies(shard, ns))
  }
  flowsOf(shard: number, ns: string, name: string, keys: readonly string[]) {
    return this.#read(() => this.#inner.flowsOf(shard, ns, name, keys))
  }
  flows(shard: number, query: FlowQuery) {
    return this.#read(() => this.#inner.flows(shard, query))
  }
  suspects(shard: number) {
    return this.#read(() => this.#inner.suspects(shard))
  }
  aged(shard: number, ns: string, after: number, limit: number) {
    return this.#read(() => this.#inner.aged(shard, ns, after, limit))
  }
  agedEvents(shard: number, ns: string, after: number, limit: number) {
    return this.#read(() => this.#inner.agedEvents(shard, ns, after, limit))
  }
  shardsOf(ns: string, of: Kin) {
    return this.#read(() => this.#inner.shardsOf(ns, of))
  }
  agedClaims(shard: number, ns: string, now: number, limit: number) {
    return this.#read(() => this.#inner.agedClaims(shard, ns, now, limit))
  }

  /** An answer is as old as the moment in which the store gave it. */
  async #read<T>(read: () => Promise<T>): Promise<T> {
    await rounds(this.#chance.between(0, 2))
    const answer = await read()
    await rounds(this.#chance.between(0, 2))
    return answer
  }
}
