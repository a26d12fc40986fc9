// Takes back what a run did: when its body fails or is cancelled, when it asks for it, and at its end for the calls that
// lost a race. Always the same order: what is still under way is given up, each call is waited for until it has settled
// (or is known to stay unknown) and then taken back, last one first. Nothing interrupts it, and nothing is skipped: an
// undo that cannot be made leaves the run to a person.
import { fault } from './errors.ts'
import { endsAsFailed, isCancellation, toFailure } from './failure.ts'
import { aborted, isTakenBack, issueCall } from './issue.ts'
import { never, type RunScope } from './run-scope.ts'
import type { Registered } from './undo.ts'

/** Runs a body; when it fails or is cancelled, takes back first; when it ends, settles the losers of its races. */
export async function drive(scope: RunScope, body: () => Promise<unknown>): Promise<unknown> {
  const { machine } = scope
  machine.takeBack = () => {
    scope.over = true
    return takeBack(scope)
  }
  try {
    // Cancelled before it began: what it was handed is taken back, and nothing else is done.
    if (machine.cancelled !== null) throw machine.cancellation
    const output = await body()
    if (machine.continues) return await never()
    scope.over = true
    const isLeft = machine.pending.size > 0 || scope.undoing !== null || machine.undos.has(false)
    if (isLeft) await undo(scope, false)
    // A cancellation that came before the last turn counts: nothing stays done.
    if (machine.cancelled !== null) await takeBack(scope)
    return output
  } catch (error) {
    if (machine.continues) return await never()
    scope.over = true
    if (endsAsFailed(error) || (machine.cancelled !== null && isCancellation(error))) await takeBack(scope)
    throw error
  }
}

/** Takes back everything that is registered. Asked for while it is being done, it is the same. */
export function takeBack(scope: RunScope): Promise<void> {
  return undo(scope, true)
}

/** Gives up what is under way, then takes back: what was given up, or everything once somebody asked for that. */
function undo(scope: RunScope, all: boolean): Promise<void> {
  const { machine } = scope
  machine.giveUp(isTakenBack, aborted)
  if (scope.undoing !== null) {
    scope.undoesAll ||= all
    return scope.undoing
  }
  if (!machine.undos.has(all)) return Promise.resolve()
  scope.undoesAll = all
  scope.undoing = undoEach(scope)
  return scope.undoing
}

async function undoEach(scope: RunScope): Promise<void> {
  const { machine } = scope
  const next = (): Registered | undefined => machine.undos.take(scope.undoesAll)
  machine.commands.push({ kind: 'phase', phase: 'undoing' })
  try {
    for (let entry = next(); entry !== undefined; entry = next()) await undoOne(scope, entry)
  } finally {
    scope.undoing = null
  }
  machine.commands.push({ kind: 'phase', phase: null })
}

async function undoOne(scope: RunScope, { op, name, undo: how, settled }: Registered): Promise<void> {
  const outcome = await settled
  let undoing = `the undo of ${name}`
  try {
    const call = typeof how === 'function' ? how(outcome) : how
    if (call === null) return
    undoing = call.name
    scope.machine.spec.contracts.checkUndo(name, call)
    await scope.door(() => issueCall(scope, call, {}, `undo:${op}`, { shielded: true, undoing: { undoes: op } }))
  } catch (error) {
    const failed = fault('UNDO_FAILED', { call: undoing, op, message: toFailure(error).message }, error)
    // A run is never half undone quietly, even where its code would: it stands where it is, for a person to look.
    scope.machine.blame(failed)
    throw failed
  }
}
