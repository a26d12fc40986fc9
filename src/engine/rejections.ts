// Rejections that nobody handles. One that is raised while a run is in its turn is that run's fault, not the process's:
// Node raises it between the delivery and the close. Any other is the application's, and ends the process as it would
// without Ballet.
import { fault, isBalletError } from '../core/errors.ts'
import { endsAsFailed, isCancellation, toFailure } from '../core/failure.ts'
import type { Pump } from './pump.ts'

/** Who may be at fault. Returns false when no run is in a turn. */
export type Suspect = (reason: unknown) => boolean

const suspects = new Set<Suspect>()
/** Rejections that a run has answered for: that a branch looks at one later is no news. */
const claimed = new WeakSet<Promise<unknown>>()

/** Attributes unhandled rejections to runs while it is registered. Returns how to stop. */
export function watchRejections(suspect: Suspect): () => void {
  if (suspects.size === 0) {
    process.on('unhandledRejection', onRejection)
    process.on('rejectionHandled', onHandled)
  }
  suspects.add(suspect)
  return () => {
    suspects.delete(suspect)
    if (suspects.size > 0) return
    process.off('unhandledRejection', onRejection)
    process.off('rejectionHandled', onHandled)
  }
}

function onRejection(reason: unknown, promise: Promise<unknown>): void {
  // A branch of a run that went on outside a turn: that run has been parked for it already.
  const isForeign = isBalletError(reason) && reason.code === 'FOREIGN_AWAIT'
  if (isForeign || [...suspects].some((suspect) => suspect(reason))) {
    claimed.add(promise)
    return
  }
  // Others listen: it is theirs to decide. Alone, keep Node's own rule: the process ends.
  if (process.listenerCount('unhandledRejection') === 1) throw reason
}

/** Node warns of a rejection that is handled late only when nobody listens: for what is not a run's, keep that. */
function onHandled(promise: Promise<unknown>): void {
  if (claimed.has(promise) || process.listenerCount('rejectionHandled') > 1) return
  process.emitWarning('A promise rejection was handled asynchronously', 'PromiseRejectionHandledWarning')
}

/** An unhandled rejection between the delivery and the close of a turn is that run's fault. Returns whether it is one. */
export function claimRejection({ current }: Pump, reason: unknown): boolean {
  if (current === null) return false
  // The failure of a call that a branch has not looked at yet is no fault.
  if (!endsAsFailed(reason) && !isCancellation(reason))
    current.machine?.blame(
      reason instanceof Error ? reason : fault('ATTEMPT_FAILED', { message: toFailure(reason).message }),
    )
  return true
}
