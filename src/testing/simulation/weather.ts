// How much goes wrong in a story. Some stories are calm, so that what needs a long time without a fault is seen too; some
// have one kind of fault and no other; the rest has a little of everything.
import type { Chance } from './chance.ts'

/** What a commit can come to, and how likely each is against the others. */
export interface CommitWeather {
  readonly fine: number
  /** Nothing is written, and the store says so: the disk is full for a while, or the store is done for. */
  readonly full: number
  readonly failed: number
  /** The store does not say: it never got there, it was written and the reply was lost, or it is written later. */
  readonly requestLost: number
  readonly replyLost: number
  readonly late: number
  /** No answer at all; it is written now, later or never. */
  readonly hung: number
}

/** Probabilities of what may go wrong, from 0 to 1. */
export interface Weather {
  readonly commit: CommitWeather
  /** A read that the store refuses, and one that it never answers. */
  readonly readFailed: number
  readonly readHung: number
  /** Requests between processes and services. */
  readonly requestLost: number
  readonly requestTwice: number
  readonly requestLate: number
  readonly replyLost: number
  /** That a process dies, and of how many crossings of its border it may be. */
  readonly death: number
  readonly crossings: number
  /** That another process takes over while this one lives. */
  readonly takeOver: number
  /** Whether the clocks of the processes differ. */
  readonly isSkewed: boolean
}

const FINE: CommitWeather = { fine: 1, full: 0, failed: 0, requestLost: 0, replyLost: 0, late: 0, hung: 0 }

/** The weather of a story. */
export function weatherOf(chance: Chance): Weather {
  const kind = chance.weighted([
    [2, 'calm'],
    [3, 'commits'],
    [3, 'crashes'],
    [2, 'network'],
    [6, 'mixed'],
  ] as const)
  const of = (own: typeof kind, value: number): number => (kind === own ? 2 * value : kind === 'mixed' ? value : 0)
  const some = (value: number): number => of('commits', value)
  return {
    commit: {
      ...FINE,
      full: some(0.015),
      failed: some(0.01),
      requestLost: some(0.03),
      replyLost: some(0.04),
      late: some(0.04),
      hung: some(0.012),
    },
    readFailed: some(0.001),
    readHung: some(0.001),
    requestLost: of('network', 0.05),
    requestTwice: of('network', 0.06),
    requestLate: of('network', 0.04),
    replyLost: of('network', 0.05),
    death: of('crashes', 0.4),
    crossings: chance.pick([20, 60, 150]),
    takeOver: of('crashes', 0.15),
    isSkewed: kind === 'mixed' && chance.is(0.3),
  }
}
