// The nodes that share a store, as everybody outside the engine sees them: how this one stands, where another one is reached, and
// what they tell each other. The engine knows and tells (engine/standing.ts, engine/hinting.ts); the server carries it.
import type { WorkDoor } from '../core/transport.ts'

/** What a node is to the store: it carries the runs, is taking them up, or stands by for the node that does. */
export interface Standing {
  readonly role: 'owner' | 'recovering' | 'standby'
  /** The id of this node. */
  readonly node: string
  /** The node that owns the store, as it was seen last; null while nobody does. */
  readonly owner: { readonly id: string; readonly address: string | null } | null
  /** Of an owner: whether its lease is sure to run. It is not after a halt, or while the store cannot be reached, until it was renewed. */
  readonly isSure: boolean
  /** Aborted when this is no longer how it stands. */
  readonly over: AbortSignal
  /** Whoever finds the owner silent says so: this node looks at once whether it still is the owner. */
  readonly doubt: () => void
}

/** Another node, and where it is reached. */
export interface NodeAt {
  readonly id: string
  readonly address: string
}

/** What one node tells another. */
export interface Hint {
  /** Shards in which something waits, or that may be taken. */
  readonly shards: readonly number[]
  /** Shards in which something will wait in a moment, if a transaction commits that has put it there. */
  readonly expected: readonly number[]
  /** Runs whose end is waited for. */
  readonly watch: readonly string[]
  /** Runs that have ended, for which somebody waits there. */
  readonly ended: readonly string[]
  /** Who says so; null when it cannot be answered. */
  readonly from: NodeAt | null
}

/** What a server needs for services that fetch their calls; `ballet/server` serves it. */
export interface FetchingDoors {
  /** The services that do. */
  readonly services: readonly string[]
  /** The door of a service that does; null for any other. */
  door(service: string): WorkDoor | null
  /** The other nodes that are reached, in which calls may wait as well. */
  others(): readonly NodeAt[]
  /**
   * A node of this id, as the store knows it: one that has come since the others were looked at. Null for one that is not there; its
   * address is null where it has said none.
   */
  find(node: string): Promise<Standing['owner']>
}

/** What the nodes that share a store tell each other beside it; nothing depends on it but how soon. `ballet/server` carries it. */
export interface NodeHints {
  /** Calls back when there is something to tell a node, until the returned function is called. */
  listen(listener: (to: NodeAt, hint: Hint) => void): () => void
  /** Another node says so. */
  take(hint: Hint): void
}

/** What is asked of a shard that another node owns: as it would lie in the inbox of that. */
export interface NodeAsk {
  readonly kind: 'start' | 'event' | 'conduct'
  readonly ns: string
  readonly shard: number
  readonly target: string
  /** The request, encoded as for the store. */
  readonly data: string
}

/** What came of it: it is done and durable, it was refused, or nothing is known of it; then it goes by way of the inbox. */
export type NodeAnswer =
  | { readonly done: Readonly<Record<string, unknown>> }
  | { readonly refused: { readonly code: string; readonly details: Readonly<Record<string, unknown>> } }
  | { readonly unknown: true }

/** Carries asks to a node, until the signal is aborted; an answer for each, in their order. Rejects when there is none. */
export type AskCarrier = (to: NodeAt, asks: readonly NodeAsk[], over: AbortSignal) => Promise<readonly NodeAnswer[]>

/** What nodes ask of each other without an inbox: nothing depends on it but how soon it is done, and at what cost. `ballet/server` carries it. */
export interface NodeAsks {
  /** Has this carry them, until the returned function is called. */
  carry(carrier: AskCarrier): () => void
  /** Another node asks. Never rejects. */
  take(asks: readonly NodeAsk[]): Promise<readonly NodeAnswer[]>
}
