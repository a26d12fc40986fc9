// Which node is to own which shard: each shard goes to the node that scores highest for it (rendezvous hashing, Thaler and
// Ravishankar 1998), so that whoever looks at the same nodes comes to the same answer without a leader, and a node that
// comes or goes moves only what it gets or had. Only nodes of the newest version own shards: what an older one has it hands
// on. Pure; used by Shares of the engine.
import type { NodeInfo } from './lease.ts'
import { hashOf } from './ids.ts'

/** A node that is to end has no version any more, and gets no shard. */
export const LEAVING = ''

/** Of nodes whose leases run: those that may own shards, which are all that have the newest version. */
export function candidatesOf<Node extends Pick<NodeInfo, 'version'>>(nodes: readonly Node[]): readonly Node[] {
  const staying = nodes.filter(({ version }) => version !== LEAVING)
  return staying.filter(({ version }) => staying.every((other) => compareVersions(version, other.version) >= 0))
}

/** The node that a shard goes to; undefined when there is none. */
export function ownerOf<Node extends Pick<NodeInfo, 'id'>>(shard: number, nodes: readonly Node[]): Node | undefined {
  let best: Node | undefined
  let most = -1
  for (const node of nodes) {
    const score = scoreOf(shard, node.id)
    // Between two that score alike their names decide.
    if (score < most || (best !== undefined && score === most && node.id < best.id)) continue
    best = node
    most = score
  }
  return best
}

/** FNV-1a of names that differ in a sign or two lie close to each other: the bits are mixed once more (MurmurHash3). */
function scoreOf(shard: number, node: string): number {
  let hash = hashOf(`${shard} ${node}`)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const PARTS = /\d+|[^\d.+-]+/g
const NUMBER = /^\d/

/**
 * Above 0 when the first version is the newer one. Numbers in it are compared as numbers, anything else as text, part by
 * part: 1.10 is newer than 1.9, and 2026-11 than 2026-10. A text is older than the end of a version wherever it stands, and the
 * end than any number, as 1.0-rc.1 is before 1.0 and that before 1.0.1: so it is one order of all versions. Where three of them
 * could each be newer than the next, nobody would be the newest, and nobody own a shard.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0
  const [left, right] = [a.match(PARTS) ?? [], b.match(PARTS) ?? []]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [one, other] = [left[at], right[at]]
    // One of them goes on here: where they are of one rank both do.
    const difference = rankOf(one) - rankOf(other) || comparePart(one as string, other as string)
    if (difference !== 0) return difference
  }
  return 0
}

/** Of what stands at one place of a version: a text, the end of it, or a number. */
const rankOf = (part: string | undefined): number => (part === undefined ? 1 : NUMBER.test(part) ? 2 : 0)

/** Two of one rank. */
function comparePart(one: string, other: string): number {
  // A date with its time is too long to be exact as a number.
  if (NUMBER.test(one)) return Number(BigInt(one) - BigInt(other))
  return one === other ? 0 : one < other ? -1 : 1
}
