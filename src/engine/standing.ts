// How a node stands to the store, as it is told to others: its role, who owns the store, and an end of that as soon as it
// changes. Kept by RunningApplication.
import { fault, isBalletError, type BalletError } from '../core/errors.ts'
import type { Standing } from '../define/node.ts'
import { sureHold, type Hold } from './hold.ts'

type Role = Standing['role']
type Owner = Standing['owner']

export class StandingNow {
  readonly #node: string
  readonly #doubt: () => void
  /** Of this node, while it owns the store. */
  hold: Pick<Hold, 'isSure'> = sureHold
  #over = new AbortController()
  #now: Standing

  /** @param doubt looks whether the owner is still one. */
  constructor(node: string, doubt: () => void) {
    this.#node = node
    this.#doubt = doubt
    this.#now = this.#standing('recovering', null)
  }

  get now(): Standing {
    return this.#now
  }

  /** Tells whoever relied on the one before that it is over, unless nothing has changed. */
  become(role: Role, owner: Owner): void {
    const { role: was, owner: had } = this.#now
    if (was === role && had?.id === owner?.id && had?.address === owner?.address) return
    const before = this.#over
    this.#over = new AbortController()
    const known = owner === null ? null : { id: owner.id, address: owner.address }
    this.#now = this.#standing(role, known)
    before.abort()
  }

  #standing(role: Role, owner: Owner): Standing {
    const isSure = (): boolean => role === 'owner' && this.hold.isSure
    return {
      role,
      node: this.#node,
      owner,
      over: this.#over.signal,
      doubt: this.#doubt,
      get isSure() {
        return isSure()
      },
    }
  }

  /** What whoever asks for more than this node can do gets. */
  refusal(): BalletError {
    return this.#now.role === 'standby' ? standbyFault(this.#now.owner) : fault('NOT_READY')
  }
}

/** Whether another node has taken over. */
export const isFenced = (error: unknown): boolean => isBalletError(error) && error.code === 'SHARD_FENCED'

/** What whoever asks a node that stands by gets. */
export function standbyFault(owner: Owner): BalletError {
  return fault('NODE_STANDBY', { owner: ownerWords(owner), address: owner?.address ?? null, seconds: 1 })
}

export function ownerWords(owner: Owner): string {
  if (owner === null) return 'no node owns the store at the moment'
  return `the store is owned by the node ${owner.address ?? owner.id}`
}
