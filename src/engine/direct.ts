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

/** How the name of it stands in the store of this node. */
export interface Name {
  readonly hash: string
  readonly look: () => Promise<Claim | null>
}

/** It goes by the inbox, and may have been done all the same, or not. */
export interface NotByOwner {
  readonly isUnknown: boolean
}

/** The owner of the shard has done it, under which number, and whether it is new; or not. */
export type OfOwner = { readonly created: boolean; readonly num: number } | NotByOwner

/**
 * What the owner says of a name counts when it is so in the store of this node too: that it is taken by what was asked for, or by
 * something else.
 * @throws what it is refused with
 */
export async function askOwner(
  { ns, codec, asking }: DirectOptions,
  { shard, kind, target }: Owned,
  body: AskedBody,
  { hash, look }: Name,
): Promise<OfOwner> {
  if (!asking.reaches(shard)) return { isUnknown: false }
  const data = sentOf(codec.encode(JSON.stringify(body), { namespace: ns, row: 'turn', id: target }))
  const answer = await asking.ask({ ns, shard, kind, target, data })
  if ('refused' in answer) {
    const { code, details } = answer.refused
    if (code !== CONFLICTS[kind] || ((await look())?.hash ?? hash) !== hash)
      throw fault(code as ErrorCode, details as Details)
    return { isUnknown: true }
  }
  const created = 'done' in answer ? answer.done['created'] : null
  if (typeof created !== 'boolean') return { isUnknown: !('unasked' in answer) }
  const claim = await look()
  return claim?.hash === hash ? { created, num: claim.num } : { isUnknown: true }
}

/** What says that a name is taken by something else; a flow has two names. */
const CONFLICTS: Readonly<Record<NodeAsk['kind'], ErrorCode | null>> = {
  start: 'RUN_CONFLICT',
  event: 'EVENT_CONFLICT',
  conduct: null,
}
