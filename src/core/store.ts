// The contract between the engine and the truth: one writer per shard, fenced by (epoch, head), everything that a batch holds in
// one transaction or not at all. Stores know rows and payloads, never workflows. A store passes the conformance suite of
// `ballet/testing`; the engine is its only writer. One sequence per shard numbers everything: every journal row, event and new run
// of a batch has a position of its own in (base, head], so that "earlier" is one comparison, over runs and events alike.
import type { Ahead, AheadKind, AheadPart } from './ahead.ts'
import type { Payload } from './codec.ts'
import type { Leases } from './lease.ts'
import type { EventQuery, FlowQuery, FlowStanding, RunKind, RunQuery, RunStatus } from './store-queries.ts'

/** The layout that this version writes. Stores keep it and migrate older files; a newer one is refused. */
export const SCHEMA_VERSION = 5

/** Number of slots of a new store: ids and keys hash to a slot, slots map to shards. Fixed when a store is made. */
export const SLOT_COUNT = 16_384

/** Identity of a store. `id` is random and never changes; `incarnation` is 1, and there for a day on which epochs have to begin anew. */
export interface StoreInfo {
  readonly id: string
  readonly incarnation: number
  readonly schema: number
  readonly slots: number
  readonly shards: number
}

/** The right to write a shard: whoever holds the highest epoch. `head` is the last position that is durable. */
export interface Tenure {
  readonly shard: number
  readonly epoch: number
  readonly head: number
  /**
   * How many times in a row the shard was taken over from an owner that had neither let it go nor been `steady`. Below 0: as many
   * before the last owner, which has let it go by `release`, with these.
   */
  readonly crashes: number
}

/** One execution of a workflow, an operation, a reaction or a conducted choreography. Written at start, park and end, not per turn. */
export interface RunRow {
  /** Position in the shard: names the run in every other table. */
  readonly num: number
  readonly ns: string
  readonly id: string
  readonly kind: RunKind
  /** Workflow or choreography name, `service.operation`, or `service:event.type` of a reaction. */
  readonly name: string
  /** What the run executes: the workflow or choreography itself, or the call that an operation run or a reaction makes. */
  readonly call: string
  readonly version: string
  /** `field:value`, or null. */
  readonly key: string | null
  readonly status: RunStatus
  readonly phase: string | null
  /** Why a run is stuck: `diverged`, `threw`, `call` ..., or null. */
  readonly reason: string | null
  /** `run:<id>` or `event:<source>:<id>`: where the causal graph began, and what directly brought this run about (as caller.ts keeps it). */
  readonly root: string
  readonly cause: string | null
  /** The run that waits for this one, and its operation there; null for a run that nobody waits for. */
  readonly parent: number | null
  readonly parentOp: string | null
  readonly generation: number
  readonly input: Payload
  readonly output: Payload | null
  readonly error: Payload | null
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly ended: number | null
  /** Seq of the journal row at which the present generation begins: a replay reads from there. */
  readonly since: number
  /** When it must have ended, and before when it must not begin: milliseconds since the epoch, or null. */
  readonly deadline: number | null
  readonly at: number | null
}

/** What may change of a run after its start. */
export interface RunChange {
  readonly num: number
  readonly status: RunStatus
  readonly phase: string | null
  readonly reason: string | null
  readonly output: Payload | null
  readonly error: Payload | null
  readonly ended: number | null
}

/** A run that goes on as a new generation, with another input and a journal that begins anew at `since`. */
export interface RunContinued {
  readonly num: number
  readonly generation: number
  readonly since: number
  readonly input: Payload
}

/** What a run was about to do when it is feared to end the process: written before, so that the next process can count. */
export interface SuspectRow {
  readonly run: number
  /** The delivery or the effect, in words of the engine's. */
  readonly what: string
  /** How many processes died while it alone was under way; below 0, how many others were beside it when one died. */
  readonly deaths: number
}

/** A row of the journal. `turn` is replayed; `note` (an attempt, a human's action) and `mail` (an input that the run cannot take yet) are not. */
export interface JournalRow {
  readonly pos: number
  readonly run: number
  readonly seq: number
  readonly kind: 'turn' | 'note' | 'mail'
  readonly at: number
  readonly data: Payload
}

/** The rows of a run's journal with a seq below `before`. */
export interface JournalBefore {
  readonly run: number
  readonly before: number
}

/** A typed fact. `published` ones reach reactions and `receive`; the others are seen by queries only. */
export interface EventRow {
  readonly pos: number
  readonly ns: string
  readonly type: string
  /** `field:value`. */
  readonly key: string
  readonly source: string
  readonly id: string
  readonly data: Payload
  readonly root: string
  readonly cause: string | null
  readonly published: boolean
  readonly at: number
}

/** A name that may be taken once. It outlives the run or event that took it, until `until` (null: for ever). */
export interface Claim {
  readonly ns: string
  readonly space: 'run' | 'event'
  readonly id: string
  /** The run's number or the event's position. */
  readonly num: number
  /** Of the canonical raw input: the same id with the same hash is the same thing, with another a conflict. */
  readonly hash: string
  readonly until: number | null
}

/** The name of a claim, and until when it is taken from now on. */
export interface ClaimUntil {
  readonly ns: string
  readonly space: Claim['space']
  readonly id: string
  readonly until: number
}

/** The name of a claim. */
export type ClaimName = Omit<ClaimUntil, 'until'>

/** Wakes operation `op` of run `run` when the clock has reached `due` (milliseconds since the epoch). */
export interface TimerRow {
  readonly due: number
  readonly run: number
  readonly op: string
}

/** The flow of one key, as its monitor has seen it: an account of the events, which could be made from them anew. */
export interface FlowRow {
  readonly ns: string
  /** Name of the choreography. */
  readonly name: string
  /** `field:value`; empty in the row that says up to which position the monitor has taken the events of the choreography. */
  readonly key: string
  readonly standing: FlowStanding
  /** The ending, when it is complete or may end. */
  readonly ending: string | null
  /** Of the compiled flow, as it saves itself; empty when there is none to go on from. */
  readonly state: string
  /** JSON: what is awaited, what broke it, what was late. */
  readonly detail: string
  /** Of the last event that it has taken. */
  readonly pos: number
  /** Of its first and its last event, milliseconds since the epoch. */
  readonly began: number
  readonly changed: number
  /** When the next deadline passes, or null. */
  readonly due: number | null
}

/** The name of a flow. */
export type FlowName = Pick<FlowRow, 'ns' | 'name' | 'key'>

/** A row of a flow as it was read: a newer one is another. */
export type FlowGone = Pick<FlowRow, 'ns' | 'name' | 'key' | 'pos'>

/** Something from outside the shard's owner, waiting to be moved into the journal. */
export interface InboxItem {
  readonly ns: string
  readonly slot: number
  /**
   * From outside: `start`, `signal`, `event`, `conduct`, `cancel`. From a run: `signal`, `cancel` of what it started, `fact` (an event of another
   * key), `begin` (a reaction's workflow) and `begun`, the answer to that. From a person at another node: `act`, and `acted`, the answer.
   */
  readonly kind: 'start' | 'signal' | 'event' | 'conduct' | 'cancel' | 'fact' | 'begin' | 'begun' | 'act' | 'acted'
  /** Run id, workflow name or event type. */
  readonly target: string
  readonly data: Payload
  readonly at: number
}

/** What waits in the inbox of a shard, with its number. */
export interface InboxRow extends InboxItem {
  readonly id: number
}

/** What one commit writes. All of it or nothing. */
export interface Batch {
  readonly shard: number
  readonly epoch: number
  /** The head that this batch follows; the commit fails with SHARD_FENCED unless epoch and head are still these. */
  readonly base: number
  /** The head after it. */
  readonly head: number
  readonly runs: readonly RunRow[]
  readonly changes: readonly RunChange[]
  /** Inserted if the name is free; a taken one is left as it is (the engine has looked before). */
  readonly claims: readonly Claim[]
  readonly journal: readonly JournalRow[]
  readonly events: readonly EventRow[]
  readonly timers: readonly TimerRow[]
  readonly timersGone: readonly TimerRow[]
  /** For the inboxes of other shards, or its own: each goes to the shard of its slot (`shardOfSlot`). */
  readonly posts: readonly InboxItem[]
  /** Inbox ids that this batch consumed; it fails with INBOX_GONE unless it deletes exactly these. */
  readonly drained: readonly number[]
  /** Each names a run that is there, or that the batch brings. */
  readonly continued: readonly RunContinued[]
  /** One a run: the newest replaces the one before. */
  readonly suspects: readonly SuspectRow[]
  /** Runs that are suspects no more, until `suspects` names them again. Whatever is to go and is not there does no harm. */
  readonly suspectsGone: readonly number[]
  /** Numbers of runs of which everything goes but their claims, last: row, journal, timers, payloads, being a suspect. */
  readonly forgotten: readonly number[]
  /** Parts of journals that nothing reads any more: generations that are over, and pieces of what will be forgotten. */
  readonly journalGone: readonly JournalBefore[]
  /** Positions. */
  readonly eventsGone: readonly number[]
  /** Ends of claims, those of this batch included. */
  readonly claimsUntil: readonly ClaimUntil[]
  /** Names that are free again, before `claims` takes any. */
  readonly claimsGone: readonly ClaimName[]
  /** Each replaces the row of its name and key. */
  readonly flows: readonly FlowRow[]
  /** Of flows that are taken for new: the batch fails with FLOW_THERE if one of them has a row, also by `flows` of this batch. */
  readonly flowsNew: readonly FlowRow[]
  /** Each goes if it tells of the same last event still: what came for the flow since it was read is not forgotten with it. */
  readonly flowsGone: readonly FlowGone[]
  /** Nothing in it is new from outside, so that it may use the space that a store keeps for when its disk is full. */
  readonly urgent: boolean
  /** What its store was given of it by `takeAhead`, and has. */
  readonly ahead?: Ahead | undefined
}

/** A key, or a root. */
export type Kin = { readonly key: string } | { readonly root: string }

/** What names a run; no payload, and nothing that a store may have to read a payload for. */
export type RunName = Pick<RunRow, 'num' | 'id'>
/** What retention needs to know of a run; no payloads. */
export type Aged = RunName & Pick<RunRow, 'ns' | 'kind' | 'key' | 'status' | 'root' | 'generation' | 'ended' | 'since'>
/** And of an event. */
export type AgedEvent = Pick<EventRow, 'pos' | 'ns' | 'key' | 'source' | 'id' | 'at'>

/** How many runs stand alike. */
export type RunCount = Pick<RunRow, 'kind' | 'name' | 'phase' | 'reason'> & { readonly runs: number }

/** Reads of committed rows. Safe beside a writer; `shard` is 0 in an embedded store. */
export interface StoreReader {
  info(): Promise<StoreInfo>
  /** The claims of these ids, in their order, null where the name is free. */
  claims(shard: number, ns: string, space: Claim['space'], ids: readonly string[]): Promise<readonly (Claim | null)[]>
  run(shard: number, num: number): Promise<RunRow | null>
  runs(shard: number, query: RunQuery): Promise<readonly RunRow[]>
  /** The names of what `runs` answers, also where a row cannot be read. */
  runNames(shard: number, query: RunQuery): Promise<readonly RunName[]>
  /** How many of the newest `limit` runs of a status are of which kind and name, and stand how; in any order. No more are looked at. */
  runCounts(shard: number, ns: string, status: RunStatus, limit: number): Promise<readonly RunCount[]>
  /** Rows of a run with a seq above `after`, in order. Pass -1 for all. */
  journal(shard: number, run: number, after: number, limit: number): Promise<readonly JournalRow[]>
  events(shard: number, query: EventQuery): Promise<readonly EventRow[]>
  /** The shards in which there are runs or events of a key or a root, in order: most keys are in one of many. */
  shardsOf(ns: string, of: Kin): Promise<readonly number[]>
  /** Timers with from <= due < to, by due, run and op; given `after`, those behind it. */
  timers(shard: number, from: number, to: number, limit: number, after?: TimerRow): Promise<readonly TimerRow[]>
  /** Inbox rows that are present, lowest id first, those with an id above `after` when it is given. Consume by presence, never by `id > last`. */
  inbox(shard: number, ns: string, limit: number, after?: number): Promise<readonly InboxRow[]>
  /** The ids of what `inbox` answers, also where a row cannot be read; without a namespace, of all of them. */
  inboxIds(shard: number, ns: string | null, limit: number): Promise<readonly number[]>
  /** The flows of these keys, in their order, null where there is none. */
  flowsOf(shard: number, ns: string, name: string, keys: readonly string[]): Promise<readonly (FlowRow | null)[]>
  /** The names of all of which there are flows, or the row without a key. */
  choreographies(shard: number, ns: string): Promise<readonly string[]>
  /** Flows of a choreography by key; never the row without one. */
  flows(shard: number, query: FlowQuery): Promise<readonly FlowRow[]>
  /** All of them, by run. */
  suspects(shard: number): Promise<readonly SuspectRow[]>
  /** Runs with a number above `after`, whether they have ended or not, in order. */
  aged(shard: number, ns: string, after: number, limit: number): Promise<readonly Aged[]>
  /** Events with a position above `after`, in order. */
  agedEvents(shard: number, ns: string, after: number, limit: number): Promise<readonly AgedEvent[]>
  /** Claims with an end that has come (`until` <= now), the oldest end first. */
  agedClaims(shard: number, ns: string, now: number, limit: number): Promise<readonly Claim[]>
  close(): Promise<void>
}

/** The truth of an application. */
export interface Store extends StoreReader {
  /** `memory`, `sqlite`, `postgres` ... */
  readonly kind: string
  /** What a person calls it: the file's path, for example, or a URL without its password. */
  readonly name: string
  /** Who owns it among several nodes. Absent where one process at a time can open it. */
  readonly leases?: Leases | undefined
  /** Makes or migrates the layout and takes what must be exclusive. Errors: STORE_LOCKED, STORE_FOREIGN, STORE_NEWER, STORE_FULL, STORE_FAILED, STORE_UNREACHABLE. */
  open(): Promise<StoreInfo>
  /** Whose a namespace is: the application's that asks first, durably, or its that had the name `before`. */
  belongsTo(ns: string, app: string, before: string | null): Promise<string>
  /** Those that belong to an application, in order, up to `limit`. */
  namespaces(limit: number): Promise<readonly string[]>
  /**
   * Takes a shard over: raises its epoch durably, so that whoever held it before is fenced. Counts a crash when that owner had not released it. A durable store
   * raises it to the time in milliseconds or by one, whichever is more: so it is above all that services have seen, also when the store was put back from a backup.
   */
  acquire(shard: number, owner: string): Promise<Tenure>
  /** Lets a shard go at a good end, with the crashes that count on (`Tenure.crashes`). Does nothing when the epoch is another one by now. */
  release(shard: number, epoch: number, crashes?: number): Promise<void>
  /** The owner has lived long enough: crashes are counted anew. Does nothing when the epoch is another one by now. */
  steady(shard: number, epoch: number): Promise<void>
  /** Epoch and head as they can be read now. */
  tenure(shard: number): Promise<Tenure>
  /**
   * Epoch and head as they are durable now: settles a commit whose outcome is unknown. Absent where whatever can be read is durable: `tenure` settles it
   * there. Errors as those of `commit`: COMMIT_UNKNOWN and STORE_FULL say that it is not known yet.
   */
  settle?(shard: number): Promise<Tenure>
  /** Resolves when all that could be read of a shard is durable. Absent where whatever can be read is. Errors: COMMIT_UNKNOWN (not yet), STORE_UNREACHABLE. */
  stands?(shard: number): Promise<void>
  /**
   * Durable when it resolves. May be called again before that, with a batch that continues the one before: where that one
   * is not written, this one is not either, and answers with SHARD_FENCED. Errors: SHARD_FENCED, INBOX_GONE, STORE_FULL
   * (nothing was written; the same batch may be sent again when there is space), COMMIT_UNKNOWN (`settle` it),
   * STORE_FAILED (the store is done for), STORE_UNREACHABLE (as that; nothing was sent).
   */
  commit(batch: Batch): Promise<void>
  /**
   * Takes rows of a batch that is still being filled, so that its commit, which names them, has less to do. Nothing is promised, or thrown: what becomes of
   * them the commit tells, and without one they never were. Absent where that would gain nothing.
   */
  takeAhead?(shard: number, of: AheadPart, rows: Pick<Batch, AheadKind>): void
  /** Puts items into the inbox, from any process that can write the store. Durable when it resolves. Signals are urgent. */
  post(shard: number, items: readonly InboxItem[]): Promise<void>
  /**
   * Puts an item into the inbox by a transaction of the application's own, on the database that this store is in: durable when that commits. False, and
   * nothing is put there, where the same transaction has said something else of that name. Absent where the store is in no database that an application
   * could be in. Errors: TX_INVALID (it is no transaction that is known here), TX_FOREIGN (it is on another database), and what the transaction throws.
   */
  postIn?(tx: object, shard: number, item: InboxItem, said: readonly [name: string, hash: string]): Promise<boolean>
  /** Whether there is room for more than what is urgent. False after a STORE_FULL until there is space again. */
  hasRoom(): Promise<boolean>
  /** It is about to be closed: where it waits for a database that is away, it does so no longer than a call may take. */
  ending?(): void
}
