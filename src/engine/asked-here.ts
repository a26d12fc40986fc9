// What another node asks of shards that are here (asking.ts is its other end): it is done as if it were asked for here, and answered
// when it is durable. Used by RunningApplication.
import type { Clock } from '../core/clock.ts'
import { isBalletError } from '../core/errors.ts'
import type { NodeAnswer, NodeAsk } from '../define/node.ts'
import type { Shards } from './shards.ts'
import { isFenced } from './standing.ts'
import { isOfStore } from './store-faults.ts'

/** What takes longer is not waited for: it goes by the inbox as well, and is known by its id there. */
const ANSWER_MS = 2000
const UNKNOWN: NodeAnswer = { unknown: true }

export interface AskedHere {
  readonly ns: string
  readonly clock: Clock
  readonly shards: () => Shards
}

/** An answer for each, in their order. Never rejects. */
export async function answerAsks(here: AskedHere, asks: readonly NodeAsk[]): Promise<readonly NodeAnswer[]> {
  const late = Promise.withResolvers<NodeAnswer>()
  const cancel = here.clock.after(ANSWER_MS, () => late.resolve(UNKNOWN))
  try {
    return await Promise.all(asks.map((ask) => Promise.race([answerOf(here, ask), late.promise])))
  } finally {
    cancel()
  }
}

async function answerOf({ ns, shards }: AskedHere, ask: NodeAsk): Promise<NodeAnswer> {
  const own = ask.ns === ns ? shards().ready(ask.shard) : undefined
  if (own === undefined) return UNKNOWN
  try {
    return { done: { ...(await own.requests.fromNode(ask)) } }
  } catch (error) {
    // What nobody has thought of, or comes of where the shard is, says nothing of what was asked: an inbox waits for that to pass.
    // A shard that has stopped tells everybody why, and not what became of what was under way.
    if (own.shard.isStopped || !isBalletError(error) || isOfStore(error) || isFenced(error) || OF_NODE.has(error.code))
      return UNKNOWN
    return { refused: { code: error.code, details: error.details } }
  }
}

/** What a node says of itself. */
const OF_NODE: ReadonlySet<string> = new Set(['APP_CLOSED', 'NOT_READY', 'NODE_STANDBY', 'COMMIT_UNKNOWN', 'INVARIANT'])
