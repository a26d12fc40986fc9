// Takes back what a run did: when its body fails or is cancelled, when it asks for it, and at its end for the calls that
// lost a race. Always the same order: what is still under way is given up, each call is waited for until it has settled
// (or is known to stay unknown) and then taken back, last one first. Nothing interrupts it, and nothing is skipped: an
// undo that cannot be made leaves the run to a person.
import { fault } from './errors.ts'
import { endsAsFailed, isCancellation, toFailure } from './failure.ts'
import { aborted, isTakenBack, issueCall } from './issue.ts'
import type { Command } from './journal.ts'
import type { Machine } from './machine.ts'
import { never, type RunScope } from './run-scope.ts'
import type { Registered } from './undo.ts'
import { isGiven } from './values.ts'

/** Runs a body; when it fails or is cancelled, takes back first; when it ends, settles the losers of its races. */
export async function drive(scope: RunScope, body: () => Promise<unknown>): Promise<unknown> {
  const { machine } = scope
  const taken = (): Promise<void> => {
    scope.over = true
    return takeBack(scope)
  }
  // Through a name: a function that is written into a field is made in V8's old generation, and keeps all of its run there (ADR 49).
  machine.takeBack = taken
  try {
    // Cancelled before it began: what it was handed is taken back, and nothing else is done.
    if (machine.cancelled !== null) throw machine.cancellation
    const output = await body()
    if (machine.continues) return await never()
    scope.over = true
    const isLeft = machine.pending.size > 0 || scope.undoing !== null || machine.undos.last(false) !== undefined
    if (isLeft) await undo(scope, false)
    // A cancellation that came before the last turn counts: nothing stays done.
    if (machine.cancelled !== null) await takeBack(scope)
    return output
  } catch (error) {
    if (machine.continues) return await never()
    scope.over = true
    machine.failing = machine.cancelled === null && endsAsFailed(error)
    // Its body had asked for that itself, and went on.
    if (machine.failing && scope.undoing !== null) machine.commands.push(phaseOf(machine))
    if (endsAsFailed(error) || (machine.cancelled !== null && isCancellation(error))) await takeBack(scope)
    throw error
  }
}

/** Takes back everything that is registered. Asked for while it is being done, it is the same. */
export function takeBack(scope: RunScope): Promise<void> {
  return undo(scope, true)
}

/** Gives up what is under way, then takes back: everything, or what was given up. */
function undo(scope: RunScope, all: boolean): Promise<void> {
  const { machine } = scope
  machine.giveUp(isTakenBack, aborted)
  if (scope.undoing === null && machine.undos.last(all) !== undefined) scope.undoing = undoEach(scope, all)
  return scope.undoing ?? Promise.resolve()
}

function phaseOf({ failing }: Machine): Command {
  return { kind: 'phase', phase: 'undoing', ...(failing ? { failed: true } : {}) }
}

async function undoEach(scope: RunScope, all: boolean): Promise<void> {
  const { machine } = scope
  // A cancellation that comes while the losers of a race are settled is for everything.
  const next = (): Registered | undefined => machine.undos.last(all || machine.cancelled !== null)
  machine.commands.push(phaseOf(machine))
  try {
    for (let entry = next(); entry !== undefined; entry = next()) {
      const outcome = await entry.settled
      // Whatever came to stand behind it meanwhile is taken back before it.
      if (entry !== next()) continue
      machine.undos.take(entry)
      await undoOne(scope, entry, outcome)
    }
  } finally {
    scope.undoing = null
  }
  machine.commands.push({ kind: 'phase', phase: null })
}

async function undoOne(scope: RunScope, entry: Registered, outcome: unknown): Promise<void> {
  const { op, name, undo: how } = entry
  let undoing = `the undo of ${name}`
  try {
    const call = typeof how === 'function' ? how(outcome) : how
    if (call === null) return scope.machine.undos.nothing(entry)
    // Not of a journal that is repeated: it goes through what was done when nobody looked yet.
    if (scope.machine.recorded === null && !isGiven(call, 'call'))
      throw fault('DEFINITION_INVALID', {
        what: undoing,
        problem: 'it must be a call, or a function that returns one or null',
      })
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
