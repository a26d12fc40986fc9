// Rejections that nobody handles. One that is raised while a run is in its turn is that run's fault, not the process's:
// Node raises it between the delivery and the close. Any other is the application's, and ends the process as it would
// without Ballet.
import { isBalletError } from '../core/errors.ts'
import { endsAsFailed } from '../core/failure.ts'

/** Who may be at fault. Returns false when no run is in a turn. */
export type Suspect = (reason: unknown) => boolean

const suspects = new Set<Suspect>()

/** Attributes unhandled rejections to runs while it is registered. Returns how to stop. */
export function watchRejections(suspect: Suspect): () => void {
  if (suspects.size === 0) process.on('unhandledRejection', onRejection)
  suspects.add(suspect)
  return () => {
    suspects.delete(suspect)
    if (suspects.size === 0) process.off('unhandledRejection', onRejection)
  }
}

function onRejection(reason: unknown): void {
  // A branch of a run that went on outside a turn: that run has been parked for it already.
  if (isBalletError(reason) && reason.code === 'FOREIGN_AWAIT') return
  for (const suspect of suspects) if (suspect(reason)) return
  // Others listen: it is theirs to decide. Alone, keep Node's own rule: the process ends.
  if (process.listenerCount('unhandledRejection') === 1) throw reason
}

/** Whether a rejection is only the failure of a call that a branch has not looked at yet. */
export function isUnread(reason: unknown): boolean {
  return endsAsFailed(reason)
}
