// Asks the node that owns a shard, as rows of its inbox would, and says what it answers: one request of those that asking.ts has
// under way. Used by elsewhere.ts.
import type { Codec } from '../core/codec.ts'
import { fault, type Details, type ErrorCode } from '../core/errors.ts'
import type { Claim } from '../core/store.ts'
import type { NodeAsk } from '../define/node.ts'
import type { AskedBody } from './asked-bodies.ts'
import type { Asking } from './asking.ts'
import { sentOf } from './sent-payload.ts'

export interface DirectOptions {
  readonly ns: string
  readonly codec: Codec
  readonly asking: Pick<Asking, 'reaches' | 'ask' | 'hold'>
}

/** What is asked of the owner of a shard, but for the request itself. */
export type Owned = Pick<NodeAsk, 'shard' | 'kind' | 'target'>

/** That the owner of the shard has done it, and whether it is new; or that it goes by the inbox, and whether it may have been done all the same. */
export type OfOwner = { readonly created: boolean } | { readonly isUnknown: boolean }

/** @throws what it is refused with */
export async function askOwner(
  { ns, codec, asking }: DirectOptions,
  { shard, kind, target }: Owned,
  body: AskedBody,
): Promise<OfOwner> {
  if (!asking.reaches(shard)) return { isUnknown: false }
  const data = sentOf(codec.encode(JSON.stringify(body), { namespace: ns, row: 'turn', id: target }))
  const answer = await asking.ask({ ns, shard, kind, target, data })
  if ('refused' in answer) throw fault(answer.refused.code as ErrorCode, answer.refused.details as Details)
  const created = 'done' in answer ? answer.done['created'] : null
  return typeof created === 'boolean' ? { created } : { isUnknown: !('unasked' in answer) }
}

/** What the owner says to have done, where it is in the store of this node too, and nobody else has taken its name there; else null. */
export async function seenHere(
  came: OfOwner,
  hash: string,
  look: () => Promise<Claim | null>,
): Promise<{ readonly created: boolean; readonly num: number } | null> {
  if (!('created' in came)) return null
  const claim = await look()
  return claim?.hash === hash ? { created: came.created, num: claim.num } : null
}
