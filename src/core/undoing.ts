// Takes back what a run did: when its body fails or is cancelled, when it asks for it, and at its end for the calls that
// lost a race. Always the same order: what is still under way is given up, each call is waited for until it has settled
// (or is known to stay unknown) and then taken back, last one first. Nothing interrupts it, and nothing is skipped: an
// undo that cannot be made leaves the run to a person.
import { fault } from './errors.ts'
import { endsAsFailed, isCancellation, toFailure } from './failure.ts'
import { aborted, isTakenBack, issueCall } from './issue.ts'
import type { RunScope } from './run-scope.ts'
import type { Registered } from './undo.ts'

/** Runs a body; when it fails or is cancelled, takes back first; when it ends, settles the losers of its races. */
export async function drive(scope: RunScope, body: () => Promise<unknown>): Promise<unknown> {
  const { machine } = scope
  machine.takeBack = () => {
    scope.over = true
    return takeBack(scope)
  }
  try {
    const output = await body()
    scope.over = true
    await scope.undoing
    await settleLosers(scope)
    // A cancellation that came before the last turn counts: nothing stays done.
    if (machine.cancelled !== null) await takeBack(scope)
    return output
  } catch (error) {
    scope.over = true
    if (endsAsFailed(error) || (machine.cancelled !== null && isCancellation(error))) await takeBack(scope)
    throw error
  }
}

/** Takes back everything that is registered. Asked for while it is being done, it is the same. */
export function takeBack(scope: RunScope): Promise<void> {
  scope.undoing ??= undoAll(scope).finally(() => (scope.undoing = null))
  return scope.undoing
}

async function undoAll(scope: RunScope): Promise<void> {
  const { machine } = scope
  machine.giveUp(isTakenBack, aborted)
  if (machine.undos.isEmpty) return
  machine.commands.push({ kind: 'phase', phase: 'undoing' })
  for (let entry = machine.undos.takeLast(); entry !== undefined; entry = machine.undos.takeLast()) {
    await undoOne(scope, entry)
  }
  machine.commands.push({ kind: 'phase', phase: null })
}

async function settleLosers(scope: RunScope): Promise<void> {
  const { machine } = scope
  machine.giveUp(isTakenBack, aborted)
  const losers = machine.undos.takeOpen()
  if (losers.length === 0) return
  machine.commands.push({ kind: 'phase', phase: 'undoing' })
  for (const entry of losers) await undoOne(scope, entry)
}

async function undoOne(scope: RunScope, entry: Registered): Promise<void> {
  const outcome = await entry.settled
  const call = typeof entry.undo === 'function' ? entry.undo(outcome) : entry.undo
  if (call === null) return
  scope.machine.spec.contracts.checkUndo(entry.name, call)
  const how = { shielded: true, undoing: { undoes: entry.op } }
  try {
    await scope.door(() => issueCall(scope, call, {}, `undo:${entry.op}`, how))
  } catch (error) {
    // A run is never half undone quietly: it stands where it is, for a person to look.
    throw fault('UNDO_FAILED', { call: call.name, op: entry.op, message: toFailure(error).message }, error)
  }
}
