// Standard Schema (version 1, standardschema.dev): any library that implements it serves (zod, valibot, arktype).
// Ballet validates synchronously and exactly once, where a value enters.
import { fault } from './errors.ts'

/** So many further places are named by an error. */
const TOLD = 5

export interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
/** What a schema says of a value: what it makes of it, or what is wrong. */
export type Result<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] }

/** The part of Standard Schema that Ballet uses. `Input` is what is sent, `Output` what the schema makes of it. */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Result<Output> | Promise<Result<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What is given to a schema: `SchemaInput<typeof Order>`. */
export type SchemaInput<S> = S extends Schema<infer Input, infer _Output> ? Input : never
/** What a schema makes of it: `SchemaOutput<typeof Order>`. */
export type SchemaOutput<S> = S extends Schema<infer _Input, infer Output> ? Output : never

/**
 * The value that a schema makes of `value`.
 * @param what names it in the error: `the input of payment.charge`.
 * @throws INPUT_INVALID with the path of the first field that is wrong, SCHEMA_ASYNC.
 */
export function validate<Output>(schema: Schema<unknown, Output>, value: unknown, what: string): Output {
  const result = schema['~standard'].validate(value)
  if ('then' in result) {
    Promise.resolve(result).catch(() => {})
    throw fault('SCHEMA_ASYNC', { what })
  }
  if (result.issues === undefined) return result.value
  const [first, ...others] = result.issues
  const path = pathOf(first)
  const more = others.length === 0 ? '' : ` (and ${alsoWrong(path, others)})`
  throw fault('INPUT_INVALID', { what, path, problem: `${first?.message ?? 'it does not match its schema'}${more}` })
}

function pathOf(issue: Issue | undefined): string {
  const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))
  return path.length === 0 ? 'the top' : path.join('.')
}

/** Where else it is wrong: who mends the first field alone would come back for each of the others. */
function alsoWrong(first: string, others: readonly Issue[]): string {
  const paths = [...new Set(others.map(pathOf))].filter((path) => path !== first)
  if (paths.length === 0) return `${others.length} more there`
  const told = paths.slice(0, TOLD).map((path) => path.slice(0, 80))
  return `at ${told.join(', ')}${paths.length > TOLD ? ` and ${paths.length - TOLD} more` : ''}`
}
