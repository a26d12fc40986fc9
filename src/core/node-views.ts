// What operators see of the nodes that share a store, of who owns what of it, and of what waits there. Made by engine/nodes.ts.
import type { InboxItem } from './store.ts'

/** A node: one process with the application open. Times are ISO 8601, by the clock of the store. */
export interface NodeView {
  readonly id: string
  readonly app: string
  /** Of the application, and of Ballet. */
  readonly version: string
  readonly ballet: string
  readonly address: string | null
  /**
   * `owner`: it carries runs. `standby`: it is ready to take over, or of an older version. `leaving`: it is to end, and hands on
   * what it has. `gone`: it was not heard of for a whole lease.
   */
  readonly state: 'owner' | 'standby' | 'leaving' | 'gone'
  /** How many shards it owns. */
  readonly shards: number
  readonly began: string
  /** When it was heard of last, and until when its lease runs; null without leases, and for one whose lease was ended. */
  readonly heard: string | null
  readonly until: string | null
  /** The one that answers. */
  readonly self: boolean
}

/** Who owns a shard. */
export interface ShardView {
  readonly shard: number
  /** The id of a node of the list; null when nobody owns it, or a process that does not tell. */
  readonly owner: string | null
  readonly address: string | null
  readonly since: string | null
  readonly until: string | null
  readonly epoch: number
  /** The last position in its log. */
  readonly head: number
  /**
   * What lies in its inbox and has not been taken, counted to 1,000: more than a few for long means that its owner is behind, or
   * that something lies aside.
   */
  readonly waiting: number
}

/** What came, was acknowledged, and cannot be taken now: all of it that is alike. */
export interface AsideView {
  /** As the inbox has it: `start`, `event`, `fact` (an event of another key), `begin` (a reaction's workflow) ... */
  readonly kind: InboxItem['kind']
  /** The workflow, operation or type of event; null where what it says cannot be read here. */
  readonly name: string | null
  /** Of the application that said it, where it says so. */
  readonly version: string | null
  /**
   * `owned anew`: the version that has the shard refuses it, and it is looked at again when another process takes the shard up.
   * `by itself`: it could not be read, as without its key, or there is no telling why; it is looked at again every five minutes at the latest.
   */
  readonly again: 'owned anew' | 'by itself'
  /** Counted to 200 in a shard. */
  readonly rows: number
  /** When the first of them came. ISO 8601. */
  readonly since: string
  /** Of the first few: the id of the run or event, or what it is for. */
  readonly ids: readonly string[]
}

/** The nodes that share a store. */
export interface NodesView {
  /** How long a lease runs, in milliseconds; null where one process at a time can have the store. */
  readonly leaseMs: number | null
  readonly nodes: readonly NodeView[]
  readonly shards: readonly ShardView[]
  /** What lies aside, the oldest first; of the namespace of the application that answers. */
  readonly aside: readonly AsideView[]
}
