// Asks the node that owns a shard, as rows of its inbox would, and says what it answers: one request of those that asking.ts has
// under way. Used by elsewhere.ts.
import type { Codec } from '../core/codec.ts'
import { fault, type Details, type ErrorCode } from '../core/errors.ts'
import type { NodeAsk } from '../define/node.ts'
import type { AskedBody } from './asked-bodies.ts'
import type { Asking } from './asking.ts'
import { sentOf } from './sent-payload.ts'

export interface DirectOptions {
  readonly ns: string
  readonly codec: Codec
  readonly asking: Asking
}

/** What is asked of the owner of a shard, but for the request itself. */
export type Owned = Pick<NodeAsk, 'shard' | 'kind' | 'target'>

/** What the owner of the shard has done; or that it goes by the inbox, and whether it may have been done all the same. */
export type OfOwner<T> = { readonly done: T } | { readonly isUnknown: boolean }

/** @throws what it is refused with */
export async function askOwner<T>(
  { ns, codec, asking }: DirectOptions,
  { shard, kind, target }: Owned,
  body: AskedBody,
): Promise<OfOwner<T>> {
  if (!asking.reaches(shard)) return { isUnknown: false }
  const data = sentOf(codec.encode(JSON.stringify(body), { namespace: ns, row: 'turn', id: target }))
  const answer = await asking.ask({ ns, shard, kind, target, data })
  if ('refused' in answer) throw fault(answer.refused.code as ErrorCode, answer.refused.details as Details)
  return 'done' in answer ? { done: answer.done as T } : { isUnknown: 'unknown' in answer }
}
