// What people ask for of what lies aside: which of it, and what is to be done to all of it that matches (application.ts).
import type { AsideActed, AsideAction, AsideItemView, AsideOutcome, AsideWholeView } from '../core/aside-views.ts'
import type { InboxItem } from '../core/store.ts'
import type { Reasoned } from './reasoned.ts'

/** Which of what lies aside is meant; without anything, all. */
export interface AsideFilter {
  /** As the inbox has it: `start`, `event`, `fact`, `begin` ... */
  readonly kind?: InboxItem['kind'] | undefined
  /** Of the workflow, the operation or the type of event. */
  readonly name?: string | undefined
  /** Of the application that said it. */
  readonly version?: string | undefined
  /** Only what cannot be read at the node that is asked, or only what can. */
  readonly unread?: boolean | undefined
}

/** Which of what lies aside is listed. */
export interface AsidesRequest extends AsideFilter {
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined
}

/** What lies aside: of the first 200 of each shard the oldest first. */
export interface AsidesPage {
  readonly items: readonly AsideItemView[]
  /** Whether more match, or may. */
  readonly more: boolean
}

/** One action for all that match. */
export interface ActAsidesRequest extends AsideFilter, Reasoned {
  readonly action: AsideAction
  /** 1 to 10,000; default 1,000. */
  readonly limit?: number | undefined
  /** Only says which match; nothing is done. */
  readonly rehearse?: boolean | undefined
}

/** What one action for many came to. */
export interface AsidesActed {
  readonly action: AsideAction
  /** How many matched, and to how many of them something happened. */
  readonly matched: number
  readonly changed: number
  /** How many came out how. One that was taken meanwhile is not counted. */
  readonly outcomes: Readonly<Partial<Record<AsideOutcome, number>>>
  /** Whether more match than `limit`. */
  readonly more: boolean
  /** The first hundred to which nothing could be done, since the owner of their shard did not take it, with the code and words of why. */
  readonly refused: readonly { readonly item: string; readonly code: string; readonly message: string }[]
  /** Of a rehearsal alone: the first hundred that match. */
  readonly rehearsed?: readonly string[]
}

/** What an application answers about what lies aside. */
export interface AsideDoors {
  /** What came, was acknowledged, and lies aside, since it cannot be taken now. Read from the store. Errors: QUERY_INVALID. */
  asides(request?: AsidesRequest): Promise<AsidesPage>
  /**
   * One of them with all that it says, by its name; one that was dropped has `dropped`, for a month at least. Errors: ASIDE_UNKNOWN,
   * ASIDE_DROPPED for one of which nobody knows what it said.
   */
  aside(item: string): Promise<AsideWholeView>
  /** Has one looked at once more by the owner of its shard, now; answers when it was. Errors: as `aside`, OWNER_SILENT. */
  retryAside(item: string, request?: Reasoned): Promise<AsideActed>
  /**
   * Drops one for good: what was acknowledged will never be done. A reaction that waits for it is stuck; nobody else is told. Durable when it
   * resolves; whoever asks again is told who has dropped it. Errors: ASIDE_UNKNOWN, OWNER_SILENT.
   */
  dropAside(item: string, request?: Reasoned): Promise<AsideActed>
  /** One action for all that match. Errors: QUERY_INVALID. */
  actOnAsides(request: ActAsidesRequest): Promise<AsidesActed>
}
