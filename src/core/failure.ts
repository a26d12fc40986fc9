// Errors as they are kept in the journal: a code, words, and the values in them. Whatever was thrown (also something
// that is no error, or one whose fields throw when read) becomes a failure; nothing here can fail in turn.
import { BalletError, fault, isBalletError, isTerminal, type ErrorCode } from './errors.ts'

/** A stored error. `code` is a code of the catalogue, or the name of the class that was thrown. */
export interface Failure {
  readonly code: string
  readonly message: string
  /** What there is to say beside the words: who cancelled a run, where its code threw, that nothing was taken back. */
  readonly details?: Readonly<Record<string, string | boolean | readonly string[]>> | undefined
}

const MESSAGE_LIMIT = 4000

/** What is kept of something that was thrown. Messages are cut at 4,000 characters. */
export function toFailure(thrown: unknown): Failure {
  try {
    // Every field is read for what it gives now, which may be anything, and another thing the next time.
    if (isBalletError(thrown)) return { code: cut(thrown.code), message: cut(thrown.message) }
    if (isTerminal(thrown)) return { code: 'TERMINAL', message: cut(wordsOf(thrown as Error)) }
    if (thrown instanceof Error) return { code: cut(thrown.name), message: cut(wordsOf(thrown)) }
    return {
      code: 'THROWN',
      message: cut(typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown))),
    }
  } catch {
    return { code: 'THROWN', message: 'something that cannot be read' }
  }
}

/** Causes of causes that are told; they may go round in a circle. */
const CAUSES = 3

/** Errors in one error that are told; of more it is said how many there are. */
const SEVERAL = 3

/** Its message, and behind it what it came of: `fetch failed` by itself says the same of every network. */
function wordsOf(error: Error, depth = 0): string {
  const { message } = error
  if (depth === CAUSES) return message
  const why = whyOf(error, depth)
  if (message === '' || why === '') return message || why
  return message.includes(why) ? message : `${message}: ${why}`
}

/** Where that cannot be read, the error's own words can. */
function whyOf(error: Error, depth: number): string {
  try {
    const { cause } = error
    const several = error instanceof AggregateError ? severalWords(error.errors, depth) : ''
    return several === '' && cause instanceof Error ? causeWords(cause, depth) : several
  } catch {
    return ''
  }
}

function causeWords(cause: Error, depth: number): string {
  return wordsOf(cause, depth + 1) || ('code' in cause ? String(cause.code) : cause.name)
}

/** What `Promise.any` and several addresses of one name have failed with: their error says of none of them why. */
function severalWords(errors: unknown, depth: number): string {
  if (!Array.isArray(errors)) return ''
  const told = errors
    .slice(0, SEVERAL)
    .map((one: unknown) => (one instanceof Error ? causeWords(one, depth) : toFailure(one).message))
  const more = errors.length - told.length
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/** What a cancelled run rejects with. Whoever cancelled it need not have said why. */
export function cancelledFault(id: string, { by, why }: { readonly by: string; readonly why: string }): BalletError {
  return fault('RUN_CANCELLED', { id, by, why: why === '' ? 'no reason was given' : why })
}

/**
 * The rejection that a workflow sees when a call, a step or a child has failed for good, or was given up. Only these,
 * and `TerminalError`, end a workflow as failed; `failure` is what was stored.
 */
export class CallError extends BalletError {
  override readonly name: string = 'CallError'
  readonly failure: Failure

  constructor(
    code: Extract<ErrorCode, 'CALL_FAILED' | 'CHILD_FAILED' | 'CALL_ABORTED'>,
    call: string,
    failure: Failure,
  ) {
    super(code, { call, id: call, status: failure.code, message: failure.message })
    this.failure = failure
  }
}

/** Whether a rejection that a workflow let pass means that it failed; anything else is a bug in its code. */
export function endsAsFailed(thrown: unknown): boolean {
  try {
    if (thrown instanceof AggregateError) return thrown.errors.length > 0 && thrown.errors.every(endsAsFailed)
    return thrown instanceof CallError || isTerminal(thrown)
  } catch {
    return false
  }
}

/** Whether a rejection says that its run was cancelled: alone, or among failures that came of it. */
export function isCancellation(thrown: unknown): boolean {
  try {
    if (thrown instanceof AggregateError)
      return (
        thrown.errors.some(isCancellation) && thrown.errors.every((one) => isCancellation(one) || endsAsFailed(one))
      )
    return isBalletError(thrown) && thrown.code === 'RUN_CANCELLED'
  } catch {
    return false
  }
}

/** What is kept of the rejection that ended a workflow. */
export function endingFailure(thrown: unknown): Failure {
  try {
    if (thrown instanceof CallError && thrown.failure.code === 'TERMINAL') {
      return { code: 'TERMINAL', message: cut(thrown.failure.message) }
    }
    if (thrown instanceof AggregateError) return endingFailure(thrown.errors[0])
  } catch {
    // What cannot be read is kept like everything else of this kind.
  }
  return toFailure(thrown)
}

/** Faults that say what is wrong by themselves. */
const OWN_FAULTS: ReadonlySet<string> = new Set(['FOREIGN_AWAIT', 'RUN_DIVERGED', 'EVENTS_ELSEWHERE'])

/** The error for a fault in the code of a run: it parks the run, it never ends it. */
export function threw(run: string, thrown: unknown): BalletError {
  const { code, message } = toFailure(thrown)
  if (OWN_FAULTS.has(code) && isBalletError(thrown)) return thrown
  return fault('RUN_THREW', { run, name: code, message }, thrown)
}

function cut(words: unknown): string {
  const text = String(words)
  if (text.length <= MESSAGE_LIMIT) return text
  // A character of two units is not cut in half.
  const isHalf = (text.codePointAt(MESSAGE_LIMIT - 1) as number) > 0xffff
  return `${text.slice(0, isHalf ? MESSAGE_LIMIT - 1 : MESSAGE_LIMIT)}…`
}
