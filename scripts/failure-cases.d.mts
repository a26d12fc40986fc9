// Types of failure-cases.mjs, for the test that compares the page of failures with them.
export interface FailureCase {
  readonly code: string
  readonly cause: string
  readonly expected: string
  readonly file: string
  readonly title: string
}
export const KINDS: Readonly<Record<string, string>>
export function failureCases(root: string): readonly FailureCase[]
export function rowOf(one: FailureCase): string
