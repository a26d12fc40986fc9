// A command of a run that will be answered, as it stands in memory: how it was issued, how to answer it, and whether the
// run still looks at it. Made by the machine, read by whatever gives up, takes back or carries out.
import { CallError, type Failure } from './failure.ts'
import type { Command } from './journal.ts'
import type { Settle } from './undo.ts'

/** How a command is issued. */
export interface Issuing {
  /** The body of a step, or the settings of a call: what the engine needs to carry it out. */
  readonly work?: unknown
  /** A cancellation does not reach it. */
  readonly shielded?: boolean | undefined
  /** Tells the undo log how it came out; absent for what is never taken back. */
  readonly settles?: Settle | undefined
  /** It is a child that is to stop when it is given up. */
  readonly stops?: boolean | undefined
}

/** A command that will be answered, and how to answer it. */
export interface Pending extends Issuing {
  readonly op: string
  command: Command
  readonly at: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  /** Its promise has rejected: what is still to come of it concerns the undo log alone. */
  givenUp: boolean
}

/** Whether it takes something back. */
export function isUndo({ command }: Pending): boolean {
  return 'undoes' in command
}

/** What a call, a step or a child that failed rejects with. */
export function failureOf({ op, command }: Pending, failure: Failure): CallError {
  const isChild = command.kind === 'child' || command.kind === 'join'
  const call = isChild ? command.run : command.kind === 'call' ? command.call : op
  return new CallError(isChild ? 'CHILD_FAILED' : 'CALL_FAILED', call, failure)
}
