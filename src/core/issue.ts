// Issues the calls and steps of a run: what is registered before a call is made (its undo, or that a child must settle),
// how a call is given up by the signal that it was made with, and what a call of a workflow is beside one of an
// operation. Used by the surface for the body's calls and by undoing.ts for those that take back.
import type { CallSettings } from './contracts.ts'
import { fault } from './errors.ts'
import { CallError } from './failure.ts'
import { childId } from './ids.ts'
import type { Command } from './journal.ts'
import type { Issuing, Pending } from './pending.ts'
import type { RunScope } from './run-scope.ts'
import type { CallValue } from './values.ts'

/** A step's body and how it is tried: kept in memory until the engine runs it. */
export interface StepWork {
  readonly body: (context: never) => unknown
  readonly settings: CallSettings
}

/** The operation that a call takes back. */
export interface Undoing {
  readonly undoes: string
}

/** A call that is made as its operation says. */
export const NO_SETTINGS: CallSettings = Object.freeze({})

/** Issues a call. @throws INPUT_INVALID, CALL_UNKNOWN, DEFINITION_INVALID, CHILD_ID_TOO_LONG */
export function issueCall(
  scope: RunScope,
  call: CallValue,
  settings: CallSettings,
  op: string,
  how: { readonly shielded: boolean; readonly undoing?: Undoing },
): Promise<unknown> {
  const { machine } = scope
  const { contracts, identity } = machine.spec
  refuseAborted(settings, call.target === 'operation' ? call.name : childId(identity, op))
  contracts.checkPolicy(settings, call.name)
  const given = scope.payload(op, call.input, () => contracts.checkInput(call), `the input of ${call.name}`)
  const { shielded, undoing = {} } = how
  if (call.target === 'operation') {
    const publish = settings.publish === true ? { publish: true } : {}
    // Most calls are plain: they are made without further ado.
    if (settings === NO_SETTINGS && how.undoing === undefined)
      return machine.issue({ kind: 'call', op, call: call.name, ...given }, { work: settings, shielded })
    const command = { kind: 'call', op, call: call.name, ...given, ...publish } as const
    const issue = (mark: Mark, settles: Settles): Promise<unknown> =>
      machine.issue({ ...command, ...mark, ...undoing }, { work: settings, shielded, ...settles })
    return abortable(scope, op, settings, withUndo(scope, op, call.name, settings, issue))
  }
  const { onCancel = 'cancel' } = settings
  const run = scope.child(op, how.undoing !== undefined)
  const command = { kind: 'child', op, run, call: call.name, ...given, wait: true } as const
  const how2: Issuing = { shielded: shielded || onCancel === 'wait', stops: onCancel === 'cancel' }
  const issue = (mark: Mark, settles: Settles): Promise<unknown> =>
    machine.issue({ ...command, ...mark, ...undoing }, { ...how2, ...settles })
  // What was done before a child is taken back after it: it has to have ended then.
  const isAwaited = how.undoing === undefined && onCancel !== 'leave'
  return abortable(scope, op, settings, withUndo(scope, op, call.name, settings, issue, isAwaited))
}

/** Issues a step. @throws DEFINITION_INVALID */
export function issueStep(
  scope: RunScope,
  op: string,
  name: string,
  work: StepWork,
  shielded: boolean,
): Promise<unknown> {
  const { machine } = scope
  const { settings } = work
  refuseAborted(settings, op)
  machine.spec.contracts.checkPolicy(settings, name)
  const issue = (mark: Mark, settles: Settles): Promise<unknown> =>
    machine.issue({ kind: 'step', op, ...mark }, { work, shielded, ...settles })
  return abortable(scope, op, settings, withUndo(scope, op, name, settings, issue))
}

type Mark = { readonly undo?: true }
type Settles = Pick<Issuing, 'settles'>

function withUndo(
  scope: RunScope,
  op: string,
  name: string,
  { undo }: CallSettings,
  issue: (mark: Mark, settles: Settles) => Promise<unknown>,
  isAwaited = false,
): Promise<unknown> {
  if (undo === undefined && !isAwaited) return issue({}, {})
  const settles = scope.machine.undos.register(op, name, undo ?? null)
  return issue(undo === undefined ? {} : { undo: true }, { settles })
}

/** Gives a call up when the signal that it was made with is aborted. */
function abortable(scope: RunScope, op: string, { abort }: CallSettings, promise: Promise<unknown>): Promise<unknown> {
  if (abort === undefined) return promise
  const { machine } = scope
  const giveUp = (): void => {
    if (machine.active) machine.giveUp((pending) => pending.op === op, aborted)
    else machine.blame(fault('FOREIGN_AWAIT', { run: machine.name, work: '' }))
  }
  abort.addEventListener('abort', giveUp, { once: true })
  const forget = (): void => abort.removeEventListener('abort', giveUp)
  promise.then(forget, forget)
  return promise
}

/** What a call that was given up rejects with. */
export function aborted({ op, command }: Pick<Pending, 'op' | 'command'>): CallError {
  return abortedError(nameOf(op, command))
}

function abortedError(call: string): CallError {
  return new CallError('CALL_ABORTED', call, { code: 'CALL_ABORTED', message: `${call} was given up` })
}

/** A call whose signal is aborted already is not made at all: there is nothing to take back. @throws CALL_ABORTED */
function refuseAborted({ abort }: CallSettings, call: string): void {
  if (abort?.aborted === true) throw abortedError(call)
}

/** Whether something is given up when its run takes everything back: not what does that. */
export function isTakenBack(pending: Pending): boolean {
  return pending.settles !== undefined
}

function nameOf(op: string, command: Command): string {
  if (command.kind === 'call') return command.call
  return command.kind === 'child' ? command.run : op
}
