// Rows for the conformance suite of stores: each maker gives a whole row and takes what a case wants otherwise. Also
// the few steps that nearly every case begins with: take the shard, commit parts of a batch.
import type {
  Batch,
  Claim,
  EventRow,
  FlowRow,
  InboxItem,
  JournalRow,
  RunChange,
  RunRow,
  Store,
  StoreInfo,
  Tenure,
  TimerRow,
} from '../core/store.ts'

/** An open store and the way to come back to its data. */
export interface OpenSubject {
  readonly store: Store
  readonly info: StoreInfo
  /** Closes the store and opens another one over the same data. */
  readonly reopen: () => Promise<Store>
}

export interface StoreCase {
  readonly name: string
  run(subject: OpenSubject): Promise<void>
}

export const SHARD = 0
export const NS = 'default'
/** A moment, so that no case reads the clock. */
export const NOON = 1_767_960_000_000

export function aRun(num: number, part: Partial<RunRow> = {}): RunRow {
  return {
    num,
    ns: NS,
    id: `run-${num}`,
    kind: 'workflow',
    name: 'checkout',
    call: 'checkout',
    version: '1',
    key: null,
    status: 'running',
    phase: null,
    reason: null,
    root: `run:run-${num}`,
    cause: null,
    parent: null,
    parentOp: null,
    generation: 0,
    input: '{}',
    output: null,
    error: null,
    created: NOON,
    ended: null,
    since: 0,
    deadline: null,
    at: null,
    ...part,
  }
}

export function aChange(num: number, part: Partial<RunChange> = {}): RunChange {
  const ended = { status: 'completed', phase: null, reason: null, output: '1', error: null, ended: NOON + 1 } as const
  return { num, ...ended, ...part }
}

export function aTurn(pos: number, run: number, seq: number, part: Partial<JournalRow> = {}): JournalRow {
  return { pos, run, seq, kind: 'turn', at: NOON, data: `{"seq":${seq}}`, ...part }
}

export function anEvent(pos: number, part: Partial<EventRow> = {}): EventRow {
  return {
    pos,
    ns: NS,
    type: 'OrderPlaced',
    key: 'orderId:A1',
    source: 'shop',
    id: `event-${pos}`,
    data: '{}',
    root: `event:shop:event-${pos}`,
    cause: null,
    published: true,
    at: NOON,
    ...part,
  }
}

export function aClaim(id: string, num: number, part: Partial<Claim> = {}): Claim {
  return { ns: NS, space: 'run', id, num, hash: `hash-${num}`, until: null, ...part }
}

export function aFlow(key: string, part: Partial<FlowRow> = {}): FlowRow {
  const named = { ns: NS, name: 'fulfilment', key, standing: 'on track', ending: null } as const
  return { ...named, state: 'a state', detail: '{}', pos: 1, began: NOON, changed: NOON, due: null, ...part }
}

export function aTimer(due: number, run: number, op: string): TimerRow {
  return { due, run, op }
}

export function anItem(target: string, part: Partial<InboxItem> = {}): InboxItem {
  return { ns: NS, slot: 7, kind: 'signal', target, data: '{}', at: NOON, ...part }
}

/** A batch that follows a tenure and ends at the highest position in it, or at `head`. */
export function batchAfter(tenure: Tenure, part: Partial<Batch>): Batch {
  const { runs = [], journal = [], events = [] } = part
  const positions = [
    ...runs.map((run) => run.num),
    ...journal.map((row) => row.pos),
    ...events.map((event) => event.pos),
  ]
  return {
    shard: tenure.shard,
    epoch: tenure.epoch,
    base: tenure.head,
    head: Math.max(tenure.head, ...positions),
    runs,
    changes: [],
    claims: [],
    journal,
    events,
    timers: [],
    timersGone: [],
    posts: [],
    drained: [],
    continued: [],
    suspects: [],
    suspectsGone: [],
    forgotten: [],
    journalGone: [],
    eventsGone: [],
    claimsUntil: [],
    claimsGone: [],
    flows: [],
    flowsNew: [],
    flowsGone: [],
    urgent: false,
    ...part,
  }
}

/** Commits and resolves with the tenure after it. */
export async function commitAfter(store: Store, tenure: Tenure, part: Partial<Batch>): Promise<Tenure> {
  const batch = batchAfter(tenure, part)
  await store.commit(batch)
  return { ...tenure, head: batch.head }
}

/** Takes the shard and commits one batch. */
export async function commitFirst(store: Store, part: Partial<Batch>): Promise<Tenure> {
  return commitAfter(store, await store.acquire(SHARD, 'conformance'), part)
}
