// What a store in memory holds, and the rules under which a batch changes it: the same as those of a SQL store, with
// every check before the first change, so that a batch that fails has written nothing. Rows are kept as they are
// given. Nothing here waits; MemoryStore calls it.
import { fault, invariant } from '../../core/errors.ts'
import {
  SCHEMA_VERSION,
  SLOT_COUNT,
  type Batch,
  type Claim,
  type ClaimName,
  type ClaimUntil,
  type EventRow,
  type FlowName,
  type FlowRow,
  type InboxItem,
  type InboxRow,
  type JournalRow,
  type RunRow,
  type StoreInfo,
  type SuspectRow,
  type Tenure,
  type TimerRow,
} from '../../core/store.ts'
import { checkBatch } from '../check-batch.ts'

/** The one shard of a store in memory. */
const SHARD = 0

/** The content of a store in memory. Several stores over the same data see, and fence, each other. */
export class MemoryData {
  readonly info: StoreInfo
  readonly runs: Map<number, RunRow> = new Map()
  /** Numbers of all runs, ascending. */
  readonly runOrder: number[] = []
  /** Of every run, by seq. */
  readonly journal: Map<number, JournalRow[]> = new Map()
  /** By position. */
  readonly events: EventRow[] = []
  /** By run. */
  readonly suspects: Map<number, SuspectRow> = new Map()
  readonly claims: Map<string, Claim> = new Map()
  readonly flows: Map<string, FlowRow> = new Map()
  readonly timers: Map<string, TimerRow> = new Map()
  /** By id, and so in the order of arrival. */
  readonly inbox: Map<number, InboxRow> = new Map()
  epoch = 0
  head = 0
  owner: string | null = null
  crashes = 0
  /** The application of each namespace. */
  readonly #owners = new Map<string, string>()
  #lastInboxId = 0

  readonly #now: () => number

  /**
   * @param id identity of the store; random when it is not given.
   * @param now where an epoch is a time, as in a store that may be put back from a backup: milliseconds since the epoch.
   */
  constructor(id: string = globalThis.crypto.randomUUID(), now: () => number = () => 0) {
    this.#now = now
    this.info = { id, incarnation: 1, schema: SCHEMA_VERSION, slots: SLOT_COUNT, shards: 1 }
  }

  /** A backup: all of it as it is now. */
  copy(): MemoryData {
    const { runs, runOrder, journal, events, suspects, claims, flows, timers, inbox } = this
    const copy = new MemoryData(this.info.id, this.#now)
    Object.assign(copy, {
      runs: new Map(runs),
      runOrder: [...runOrder],
      journal: new Map([...journal].map(([run, rows]) => [run, [...rows]])),
      events: [...events],
      suspects: new Map(suspects),
      claims: new Map(claims),
      flows: new Map(flows),
      timers: new Map(timers),
      inbox: new Map(inbox),
      epoch: this.epoch,
      head: this.head,
      owner: this.owner,
      crashes: this.crashes,
    })
    for (const [ns, app] of this.#owners) copy.#owners.set(ns, app)
    copy.#lastInboxId = this.#lastInboxId
    return copy
  }

  tenure(shard: number): Tenure {
    invariant(shard === SHARD, `there is no shard ${shard}`)
    return { shard, epoch: this.epoch, head: this.head, crashes: this.crashes }
  }

  belongsTo(ns: string, app: string, before: string | null): string {
    const owner = this.#owners.get(ns) ?? app
    const now = owner === before ? app : owner
    this.#owners.set(ns, now)
    return now
  }

  get namespaces(): readonly string[] {
    return [...this.#owners.keys()].sort()
  }

  acquire(shard: number, owner: string): Tenure {
    invariant(shard === SHARD, `there is no shard ${shard}`)
    this.epoch = Math.max(this.epoch + 1, this.#now())
    if (this.owner !== null) this.crashes = Math.abs(this.crashes) + 1
    this.owner = owner
    return this.tenure(shard)
  }

  release(shard: number, epoch: number, crashes = 0): void {
    if (shard !== SHARD || epoch !== this.epoch) return
    this.owner = null
    this.crashes = 0 - crashes
  }

  steady(shard: number, epoch: number): void {
    if (shard === SHARD && epoch === this.epoch) this.crashes = 0
  }

  /** The events above a position, oldest first. */
  *eventsAfter(pos: number): Generator<EventRow> {
    let low = 0
    let high = this.events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const event = this.events[middle]
      if (event !== undefined && event.pos <= pos) low = middle + 1
      else high = middle
    }
    for (let index = low; index < this.events.length; index++) {
      const event = this.events[index]
      if (event !== undefined) yield event
    }
  }

  commit(batch: Batch): void {
    checkBatch(batch)
    const { shard, epoch, base } = batch
    if (shard !== SHARD || epoch !== this.epoch || base !== this.head) throw fault('SHARD_FENCED', { shard })
    this.#checkInbox(batch.drained)
    this.#checkRows(batch)
    this.#checkFlows(batch)

    this.head = batch.head
    for (const id of batch.drained) this.inbox.delete(id)
    for (const run of batch.suspectsGone) this.suspects.delete(run)
    for (const claim of batch.claimsGone) this.claims.delete(claimKey(claim))
    for (const run of batch.runs) this.#addRun(run)
    for (const changes of [batch.changes, batch.continued])
      for (const change of changes) {
        const run = this.runs.get(change.num)
        if (run !== undefined) this.runs.set(change.num, { ...run, ...change })
      }
    for (const claim of batch.claims) this.#addClaim(claim)
    for (const claim of batch.claimsUntil) this.#endClaim(claim)
    for (const row of batch.journal) insertSorted(this.#journalOf(row.run), row, bySeq)
    for (const event of batch.events) insertSorted(this.events, event, byPos)
    for (const timer of batch.timers) this.timers.set(timerKey(timer), timer)
    for (const timer of batch.timersGone) this.timers.delete(timerKey(timer))
    this.post(shard, batch.posts)
    for (const suspect of batch.suspects) this.suspects.set(suspect.run, suspect)
    for (const flows of [batch.flows, batch.flowsNew]) for (const flow of flows) this.flows.set(flowKey(flow), flow)
    for (const flow of batch.flowsGone)
      if (this.flows.get(flowKey(flow))?.pos === flow.pos) this.flows.delete(flowKey(flow))
    this.#forget(batch.forgotten)
    for (const { run, before } of batch.journalGone) this.#shorten(run, before)
    removeFrom(this.events, (event) => event.pos, batch.eventsGone)
  }

  post(shard: number, items: readonly InboxItem[]): void {
    invariant(shard === SHARD, `there is no shard ${shard}`)
    for (const item of items) {
      const id = ++this.#lastInboxId
      this.inbox.set(id, { id, ...item })
    }
  }

  #checkInbox(drained: readonly number[]): void {
    if (drained.length === 0) return
    const distinct = new Set(drained)
    if (distinct.size !== drained.length) throw fault('INBOX_GONE')
    for (const id of distinct) if (!this.inbox.has(id)) throw fault('INBOX_GONE')
  }

  #checkFlows({ flows, flowsNew }: Batch): void {
    if (flowsNew.length === 0) return
    const written = new Set(flows.map(flowKey))
    for (const key of flowsNew.map(flowKey)) {
      if (this.flows.has(key) || written.has(key)) throw fault('FLOW_THERE')
      written.add(key)
    }
  }

  /** Positions are new because they lie above the head; within the batch they must differ. */
  #checkRows(batch: Batch): void {
    differ(batch.runs, (run) => run.num, 'the number of a run')
    differ(batch.journal, (row) => row.pos, 'a position of the journal')
    differ(batch.events, (event) => event.pos, 'the position of an event')
    differ(batch.journal, (row) => `${row.run} ${row.seq}`, 'a seq of the journal')
    for (const { run, seq } of batch.journal) {
      const rows = this.journal.get(run) ?? []
      const last = rows.at(-1)?.seq ?? -1
      if (seq > last) continue
      invariant(!rows.some((row) => row.seq === seq), `run ${run} has a row ${seq} already`)
    }
    const started = new Set(batch.runs.length === 0 ? [] : batch.runs.map((run) => run.num))
    for (const changes of [batch.changes, batch.continued])
      for (const { num } of changes)
        invariant(this.runs.has(num) || started.has(num), 'a change names a run that the store does not have')
  }

  #forget(forgotten: readonly number[]): void {
    if (forgotten.length === 0) return
    const runs = new Set(forgotten)
    for (const run of runs) {
      this.suspects.delete(run)
      this.journal.delete(run)
      this.runs.delete(run)
    }
    removeFrom(this.runOrder, (num) => num, forgotten)
    for (const [key, timer] of this.timers) if (runs.has(timer.run)) this.timers.delete(key)
  }

  #shorten(run: number, before: number): void {
    const rows = this.journal.get(run) ?? []
    const kept = rows.findIndex((row) => row.seq >= before)
    rows.splice(0, kept < 0 ? rows.length : kept)
  }

  #addRun(run: RunRow): void {
    this.runs.set(run.num, run)
    insertSorted(this.runOrder, run.num, (a, b) => a - b)
  }

  #addClaim(claim: Claim): void {
    const key = claimKey(claim)
    if (!this.claims.has(key)) this.claims.set(key, claim)
  }

  #endClaim({ until, ...name }: ClaimUntil): void {
    const key = claimKey(name)
    const claim = this.claims.get(key)
    if (claim !== undefined) this.claims.set(key, { ...claim, until })
  }

  #journalOf(run: number): JournalRow[] {
    const known = this.journal.get(run)
    if (known !== undefined) return known
    const rows: JournalRow[] = []
    this.journal.set(run, rows)
    return rows
  }
}

// Ids and namespaces hold no spaces that could shift a border, but the key must not rest on that.
export const flowKey = ({ ns, name, key }: FlowName): string => JSON.stringify([ns, name, key])

export const claimKey = ({ ns, space, id }: ClaimName): string => JSON.stringify([ns, space, id])

const timerKey = ({ due, run, op }: TimerRow): string => `${due} ${run} ${op}`
const bySeq = (a: JournalRow, b: JournalRow): number => a.seq - b.seq
const byPos = (a: EventRow, b: EventRow): number => a.pos - b.pos

/** Almost always at the end. */
function insertSorted<T>(rows: T[], row: T, compare: (a: T, b: T) => number): void {
  let at = rows.length
  for (let last = rows[at - 1]; last !== undefined && compare(last, row) > 0; last = rows[at - 1]) at -= 1
  if (at === rows.length) rows.push(row)
  else rows.splice(at, 0, row)
}

function removeFrom<T>(rows: T[], key: (row: T) => number, gone: readonly number[]): void {
  if (gone.length === 0) return
  const all = new Set(gone)
  const kept = rows.filter((row) => !all.has(key(row)))
  rows.length = 0
  for (const row of kept) rows.push(row)
}

function differ<T>(rows: readonly T[], key: (row: T) => unknown, what: string): void {
  invariant(rows.length < 2 || new Set(rows.map(key)).size === rows.length, `${what} is used twice`)
}
