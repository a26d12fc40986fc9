// The contract of a store that several nodes share: who may own a shard, and for how long. A node is one process with an
// application open. It holds what it owns by a lease on the clock of the store, one row for each node however many shards
// it owns, and renews it in time; when the lease is over another node takes over. Safety does not rest on any of this: a
// commit is fenced by (epoch, head), as in every store. A lease only says when it is right to take over, and keeps a node
// that was away from starting effects that its successor starts as well.
/** A node, as it tells the others of itself. `id` is new for every process. */
export interface NodeInfo {
  readonly id: string
  /** Name and version of the application. */
  readonly app: string
  readonly version: string
  /** Version of Ballet. */
  readonly ballet: string
  /** Where the others reach it, `http://10.0.0.7:4400`; null when it serves nobody. */
  readonly address: string | null
}

/** A node as the store knows it. Times are milliseconds since the epoch, by the clock of the store. */
export interface NodeRow extends NodeInfo {
  readonly began: number
  /** When it was heard of last. */
  readonly beat: number
  /** Until when its lease runs; null when its shards were taken from it. */
  readonly until: number | null
  /** Whether its lease runs now. */
  readonly isAlive: boolean
}

/** Who owns a shard. */
export interface LeaseRow {
  readonly shard: number
  readonly epoch: number
  readonly head: number
  /** The id of the node; null when nobody owns it, or a process without a lease does. */
  readonly node: string | null
  readonly since: number | null
  /** Rows in its inbox, counted to 1,000. */
  readonly waiting: number
}

/** What a node that waits for a shard has to know. */
export interface LeaseLook {
  /** The node that owns it, also one whose lease is over; null when it was given back. */
  readonly owner: Pick<NodeInfo, 'id' | 'app' | 'address'> | null
  readonly since: number | null
  readonly until: number | null
  /** Whether it may be taken: it was given back, or the lease is over. */
  readonly isFree: boolean
}

/** All nodes and shards, as they are in one moment. */
export interface Survey {
  /** Nodes whose leases run. */
  readonly nodes: readonly NodeInfo[]
  readonly shards: readonly SurveyedShard[]
}

export interface SurveyedShard {
  readonly shard: number
  /** The node that owns it, also one whose lease is over; null when nobody does, or a process without a lease. */
  readonly node: string | null
  /** Whether it may be taken: it was given back, or the lease of its node is over. */
  readonly isFree: boolean
}

/** The right to write a shard that a node has by its lease. */
export interface Held {
  readonly shard: number
  readonly epoch: number
  /** The last position that is there. */
  readonly head: number
}

/** What `take` answers: a tenure of the store's contract. */
export interface Taken extends Held {
  readonly crashes: number
}

/**
 * The leases of a store. Every call is one attempt with a deadline of its own. Errors: STORE_UNREACHABLE, COMMIT_UNKNOWN,
 * STORE_FAILED. Whoever calls does so again at its next turn; each may be said twice.
 */
export interface Leases {
  /** How long a lease runs from when it was renewed, milliseconds. */
  readonly lengthMs: number
  /** Makes the node known, or says that it is still there, and of which version. What was taken from it is not given back. */
  join(node: NodeInfo): Promise<void>
  look(shard: number): Promise<LeaseLook>
  survey(): Promise<Survey>
  /** Takes a shard that is free, as `acquire` does, and begins the lease. Null while another node owns it. */
  take(shard: number, node: string, owner: string): Promise<Taken | null>
  /** As `take`, several at once. Those that were taken. */
  takeAll(shards: readonly number[], node: string, owner: string): Promise<readonly Taken[]>
  /** Renews the lease and answers what the node still owns. Nothing once a shard was taken from it. */
  renew(node: string): Promise<readonly Held[]>
  /** The node is gone: what it still owns is free at once. */
  leave(node: string): Promise<void>
  nodes(): Promise<readonly NodeRow[]>
  leases(): Promise<readonly LeaseRow[]>
}
