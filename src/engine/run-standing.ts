// What a view says of a run's standing beside its rows: its phase, what a person can do about it when it is stuck, and
// whether it is suspected of having ended processes. Pure; queries.ts reads the rows.
import { SCHEDULE } from '../core/names.ts'
import type { RunRow } from '../core/store.ts'
import type { ChoiceView, RunView, WaitView } from '../core/views.ts'
import type { Present } from './fold.ts'
import { lateUndone } from './late-answers.ts'

/** Where a run stands. One whose code cannot go on may have been asked to stop all the same: that is kept for it. */
export function phaseOf({ phase, status }: RunRow, { isCancelled }: Present): Pick<RunView, 'phase'> {
  if (phase !== null) return { phase: phase as NonNullable<RunView['phase']> }
  return status === 'stuck' && isCancelled ? { phase: 'cancelling' } : {}
}

/** What a person can do about a stuck run. A schedule never ends: what would end it is refused. */
export function choicesOf(row: RunRow, present: Present): readonly ChoiceView[] {
  const choices = choicesOfAny(row, present)
  return row.call === SCHEDULE ? choices.filter(({ action, op }) => action === 'retry' || op !== undefined) : choices
}

function choicesOfAny(row: RunRow, { stuckOps, waits, isCancelled, isFailing }: Present): readonly ChoiceView[] {
  if (row.status !== 'stuck') return []
  if (row.reason === 'call') {
    const ofOps = [...stuckOps].flatMap((op) => choicesOfOp(op, waits))
    // All that a run does which takes back a late answer is an undo.
    if (lateUndone(row) !== null) return ofOps.filter(({ action }) => action !== 'fail')
    // One that has failed ends so when it has taken back what it did.
    return isCancelled || isFailing === true ? ofOps : [...ofOps, { action: 'cancel' }]
  }
  if (row.reason === 'unreadable')
    return [{ action: 'retry', after: 'restore the store, or the key of its codec,' }, { action: 'fail' }]
  // Nothing is wrong with its code, and a cancellation is not counted.
  if (row.reason === 'limit')
    return [{ action: 'retry', after: 'raise the limit' }, { action: 'cancel' }, { action: 'fail' }]
  // A run that threw can be brought back as far as its journal goes; one that does not get there can only wait.
  const after = 'mend the code'
  const cancel: ChoiceView = row.reason === 'threw' ? { action: 'cancel' } : { action: 'cancel', after }
  // What is asked for already is asked for; but a cancellation that was in a turn which threw can be forced.
  const again = isCancelled && row.reason !== 'threw' ? [] : [cancel]
  return [{ action: 'retry', after }, ...again, { action: 'fail' }]
}

function choicesOfOp(op: string, waits: readonly WaitView[]): readonly ChoiceView[] {
  const wait = waits.find((one) => one.op === op)
  const answer: ChoiceView = { action: 'answer', op }
  // What takes a call back can be done by hand, but never given up.
  return [{ action: 'retry', op }, answer, ...(wait?.undoes === undefined ? [{ action: 'fail', op } as const] : [])]
}
