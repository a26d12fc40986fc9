// What operators see of one thing that lies aside (engine/aside.ts), and what comes of it when they try it again or drop it. Names
// only; made by engine/aside-answers.ts.
import type { Json } from './json.ts'
import type { AsideView } from './node-views.ts'

/** One thing that came, was acknowledged, and cannot be taken now. */
export interface AsideItemView extends Pick<AsideView, 'kind' | 'name' | 'version' | 'again'> {
  /**
   * By which it is meant, `<shard>-<digest>`: made of what it is, so that it has the same name wherever it lies, also after it was tried
   * again and set aside once more, or its shard has changed hands.
   */
  readonly item: string
  readonly shard: number
  /** Of the run or event that it would bring about, or what it is for, where it cannot be read here. */
  readonly id: string
  /** When it came. ISO 8601. */
  readonly since: string
  /**
   * Why it lies there: what the owner of its shard met, where that is the node that answers; else what this node would. Null where
   * neither is known: this node would take it, or nothing is open here that could say.
   */
  readonly cause: { readonly code: string; readonly message: string } | null
}

/** One with what it says, also one that was dropped, for a month at least. */
export interface AsideWholeView extends Omit<AsideItemView, 'again'> {
  /** `never` of one that was dropped. */
  readonly again: AsideItemView['again'] | 'never'
  /** As it was acknowledged: of a start `call` and `input`, of an event `type` and `data`, and so on. Absent where it cannot be read here. */
  readonly content?: Json
  /** Who dropped it, when and why: it will never be done. */
  readonly dropped?: { readonly by: string; readonly why: string; readonly at: string }
}

/** What is done to something that lies aside. */
export type AsideAction = 'retry' | 'drop'

/**
 * What came of that. `taken`: it is done what was asked for. `refused`: it can be read, is refused for good, and lies there no more. `aside`: it
 * lies aside again. `waits`: it lies in the inbox, since the store could not be asked. `dropped`: it will never be done.
 */
export type AsideOutcome = 'taken' | 'refused' | 'aside' | 'waits' | 'dropped'

/** What an action on one thing came to, once it is durable. */
export interface AsideActed {
  readonly item: string
  readonly action: AsideAction
  readonly outcome: AsideOutcome
  /** False when it had been dropped before: nothing new happened. */
  readonly changed: boolean
  /** Of `refused`, `aside` and `waits`. */
  readonly cause?: { readonly code: string; readonly message: string }
  /** Who dropped it, when and why. */
  readonly dropped?: { readonly by: string; readonly why: string; readonly at: string }
}
