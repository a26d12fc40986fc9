// A call: an operation or a workflow applied to its input. It is a plain value (CallValue) and nothing has happened yet;
// what is known of it beyond that is known to the compiler alone: what it answers, what it is called, what it takes
// back. Made by service.ts and workflow.ts; given to run.call, run.start, app.start, or returned by a reaction.
import type { CallValue } from '../core/values.ts'

/** A call of which no more is known than what it answers. */
export interface Answering<Result> extends CallValue {
  /** Known to the compiler alone. */
  readonly '~result'?: (() => Result) | undefined
}

/**
 * A call that answers `Result`. `Name` is `service.operation` or the workflow's name; `Undoes` names the operation that
 * it takes back, or is `'nothing'`.
 */
export interface Call<
  Result = unknown,
  Name extends string = string,
  Undoes extends string = string,
> extends Answering<Result> {
  readonly name: Name
  /** Known to the compiler alone. */
  readonly '~undoes'?: Undoes | undefined
  /** Known to the compiler alone: makes `await payment.charge(...)`, a call that nobody makes, a compile error. */
  then(this: 'a call is a value: nothing happens until it is given to run.call or app.start'): never
}

/** What a call answers: `ResultOf<typeof call>`. */
export type ResultOf<C> = C extends { readonly '~result'?: (() => infer Result) | undefined } ? Result : never
