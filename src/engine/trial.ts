// What is put on trial: a run that may have ended a process, and what is done for it under a mark (trials.ts).
import type { Writer } from './writer.ts'

/**
 * What a mark says: in what a run was under way, and how many processes died while it alone was; below 0, how many others
 * were under way beside it when one died. In the store, that of a run that is not under way stands in brackets: so the next
 * process knows whether there was anybody to die of.
 */
export interface Mark {
  readonly what: string
  readonly deaths: number
}

/** A shard of which runs are on trial. */
export interface Party {
  readonly writer: Writer
  /** Its runs of which nothing was found at the take-over: as many of the process as there are decide on the groups. */
  unmarked: number
  /** The process did not die young. Nothing waits or is under way. */
  readonly steady: () => void
  /** Nothing of it is put on trial any more. */
  isOver: boolean
  /** Its runs are there, and what waited for them has been taken up. */
  isBack: boolean
}

/** A run that may have ended a process. */
export interface Accused {
  readonly run: number
  readonly party: Party
  /** The mark that was found of it; it stands until the same has passed. */
  found: Mark | null
  /** With how many runs, itself included, it may be under way. Null: nothing was found of it. */
  readonly width: number | null
  /** Nobody of its shard was under way when the last process died: what was found counts if somebody of another shard was. */
  readonly isDoubtful: boolean
}

/** What was brought back need not wait for an effect. */
export const KINDS = ['replay', 'turn', 'effect'] as const

/** Something that is done for a run under a mark. */
export interface Trial {
  readonly accused: Accused
  readonly kind: (typeof KINDS)[number]
  /** In words, for the mark. */
  readonly what: string
  /** Each is begun when the mark is durable, and tells when it has passed. */
  readonly works: ((passed: () => void) => void)[]
  /** Nothing else was to be tried for so long: whoever kills from outside strikes in it. */
  readonly quietMs: number
  /** All of it has passed. Returns whether nothing of what was found stands any longer. */
  readonly over: () => boolean
  /** It will not be begun: the shard has failed. */
  readonly failed: (error: Error) => void
}
