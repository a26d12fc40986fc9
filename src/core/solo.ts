// A run of one call: an operation that was started on its own, or a reaction. Its row in the store says which call and
// with which input, so it has no start turn; the answer is its only turn. A reaction whose call is a workflow ends as
// soon as that workflow has started.
//
// The input of its row is one line of JSON. Where a reaction gives a workflow what is no JSON before its schema (a Date), a
// second one has what the schema made of it: the workflow's run is known by the first, and begins with the second.
import { endingFailure, CallError } from './failure.ts'
import { childId, operationId, type RunIdentity } from './ids.ts'
import type { JsonText } from './json.ts'
import type { Cancelled, Command, Delivered } from './journal.ts'

/** What a run of one call does, from its row. */
export interface Solo {
  readonly identity: RunIdentity
  readonly call: string
  readonly target: 'operation' | 'workflow'
  readonly input: JsonText
  /** What the schema of a workflow made of it, where JSON of the input would not give the same. */
  readonly made?: JsonText
}

/** The input of the row of a run of one call. */
export function soloText(input: JsonText, made?: JsonText): string {
  return made === undefined ? input : `${input}\n${made}`
}

/** What `soloText` put together: no JSON of ours has a line of its own. */
export function soloInput(text: string): Pick<Solo, 'input' | 'made'> {
  const end = text.indexOf('\n')
  return end < 0 ? { input: text } : { input: text.slice(0, end), made: text.slice(end + 1) }
}

/** The command with which such a run begins. A workflow gets `child`, the id under which it starts. */
export function soloCommand(solo: Solo, child?: string): Command & { readonly op: string } {
  const op = operationId(solo.call, 0, undefined)
  if (solo.target === 'operation') return { kind: 'call', op, call: solo.call, input: solo.input, publish: true }
  return {
    kind: 'child',
    op,
    run: child ?? childId(solo.identity, op),
    call: solo.call,
    input: solo.input,
    wait: false,
  }
}

/**
 * What the run does about the answer to its call.
 * @param cancelled who asked it to stop, if anybody has: an answer that comes all the same counts.
 */
export function soloEnd(
  solo: Solo,
  delivered: Extract<Delivered, { kind: 'done' | 'failed' }>,
  cancelled: Cancelled | null = null,
): Command {
  if (delivered.kind === 'done') return { kind: 'end', output: delivered.payload }
  if (cancelled !== null) return { kind: 'end', output: undefined, cancelled }
  return { kind: 'fail', error: endingFailure(new CallError('CALL_FAILED', solo.call, delivered.error)) }
}
