// Nodes of another application at a store that nodes share: they could do nothing for the runs of this one, and must not get its
// requests. Asked by whoever opens a store, and whoever joins its nodes.
import { fault } from '../core/errors.ts'
import type { NodeInfo } from '../core/lease.ts'

type Other = Pick<NodeInfo, 'id' | 'app' | 'address'>

/** @throws STORE_LOCKED while one of these nodes is of another application than `node`. */
export function refuseBeside(nodes: readonly Other[], node: Pick<NodeInfo, 'app'>, store: string): void {
  const other = nodes.find(({ app }) => app !== node.app)
  if (other === undefined) return
  const owner = `: the application "${other.app}" at ${other.address ?? other.id}`
  throw fault('STORE_LOCKED', { path: store, owner })
}
