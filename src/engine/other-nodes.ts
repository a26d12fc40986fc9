// Nodes of another application at a store that nodes share: they could do nothing for the runs of this one, and must not get its
// requests. Asked by whoever opens a store, and whoever joins its nodes.
import { elapsedOf, type Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Leases, NodeInfo } from '../core/lease.ts'
import type { Log } from '../define/definition.ts'

type Other = Pick<NodeInfo, 'id' | 'app' | 'address'>

/** Before it is asked again whether a node that is to leave has left, milliseconds. */
const PAUSE_MS = 100

/** @throws STORE_LOCKED while one of these nodes is of another application than `node`. */
export function refuseBeside(nodes: readonly Other[], node: Pick<NodeInfo, 'app'>, store: string): void {
  const other = strangerAmong(nodes, node)
  if (other !== undefined)
    throw fault('STORE_LOCKED', {
      path: store,
      owner: `: the application "${other.app}" at ${other.address ?? other.id}`,
    })
}

interface Joined {
  readonly leases: Pick<Leases, 'nodes' | 'survey' | 'leave' | 'lengthMs'>
  /** Its name, for errors. */
  readonly store: string
  readonly node: NodeInfo
  readonly clock: Clock
}

/**
 * Two applications that begin at once may each have looked before the other was there: one would own everything, and the other
 * stand by for good. So whoever has joined looks once more, before it takes anything. The application of the node that came first stays, and any other leaves.
 * Who stays waits until that has left: by the time at which it came it is the later one, but it may have looked before this one could be
 * seen, and then it does not leave, and takes something.
 * @param isOver whether nobody wants to know any more.
 * @throws STORE_LOCKED when this node has left, what the store does
 */
export async function standAlone({ leases, store, node, clock }: Joined, isOver: () => boolean): Promise<void> {
  // Not for as long as its own lease runs: it has to be seen meanwhile.
  const until = elapsedOf(clock) + leases.lengthMs / 2
  while (!isOver()) {
    const alive = (await leases.nodes()).filter(({ isAlive }) => isAlive)
    if (strangerAmong(alive, node) === undefined) return
    const nodes = alive.toSorted((a, b) => a.began - b.began || (a.id < b.id ? -1 : 1))
    const [first] = nodes
    const isRefused = first?.app !== node.app || elapsedOf(clock) >= until
    if (isRefused || (await hasTaken(leases, nodes, node))) {
      // When it cannot be said, its lease runs out.
      await leases.leave(node.id).catch(() => {})
      refuseBeside(nodes, node, store)
    }
    await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve))
  }
}

/** Whether a node of another application owns anything: it is not going to leave. */
async function hasTaken(
  leases: Pick<Leases, 'survey'>,
  nodes: readonly Other[],
  { app }: Pick<NodeInfo, 'app'>,
): Promise<boolean> {
  const others = new Set(nodes.filter((other) => other.app !== app).map(({ id }) => id))
  const { shards } = await leases.survey()
  return shards.some(({ node }) => node !== null && others.has(node))
}

/** Tells of nodes of another application that are there all the same, once until there are none. */
export class Strangers {
  readonly #node: NodeInfo
  readonly #log: Log
  #seen = 0

  constructor({ node, log }: { readonly node: NodeInfo; readonly log: Log }) {
    this.#node = node
    this.#log = log
  }

  /** What a look has shown. One that is refused is there for a moment, too: it is told of when it is seen again. */
  saw(nodes: readonly Other[]): void {
    const other = strangerAmong(nodes, this.#node)
    this.#seen = other === undefined ? 0 : this.#seen + 1
    if (other === undefined || this.#seen !== 2) return
    const { app, address, id } = other
    this.#log.error(
      `The application "${app}" at ${address ?? id} is at this store as well: what one of the two owns the other cannot carry. End one of them, and give it a store of its own.`,
    )
  }
}

const strangerAmong = (nodes: readonly Other[], { app }: Pick<NodeInfo, 'app'>): Other | undefined =>
  nodes.find((other) => other.app !== app)
