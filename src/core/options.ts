// The options of the methods of a run, and what is wrong with those that a program without types gives: one that does not
// exist would say nothing, and an undo that is not there gives no money back. The compiler holds each list against its
// type, so that none is forgotten. Used by run-scope.ts; what has options elsewhere asks for the unknown one alone.
import type { CallSettings, EmitSettings, ReceiveSettings, StartSettings, StepSettings } from './contracts.ts'
import { isRecord } from './json.ts'
import { nearest } from './names.ts'

/** What an option may be, in words, and whether a value is that; null where it is judged by whoever uses it. */
type Judge = { readonly words: string; readonly fits: (value: unknown) => boolean } | null
export type Options<Settings> = { readonly [Name in keyof Required<Settings>]: Judge }

const oneOf = (...values: readonly unknown[]): Judge => ({
  words: values.map((value) => JSON.stringify(value)).join(' or '),
  fits: (value) => values.includes(value),
})
const UNDO: Judge = {
  words: 'a call, or a function that gives one',
  fits: (undo) => typeof undo === 'function' || undo === null || (isRecord(undo) && undo['kind'] === 'call'),
}
const TEXT: Judge = { words: 'a text', fits: (value) => typeof value === 'string' }
const ABORT: Judge = {
  words: 'an AbortSignal',
  fits: (abort) => abort instanceof AbortSignal,
}

export const STEP_OPTIONS: Options<StepSettings> = { id: null, undo: UNDO, abort: ABORT, retry: null, timeout: null }
export const CALL_OPTIONS: Options<CallSettings> = {
  ...STEP_OPTIONS,
  onCancel: oneOf('cancel', 'leave', 'wait'),
  publish: oneOf(true, false),
}
export const START_OPTIONS: Options<StartSettings> = { id: null, onCancel: oneOf('cancel', 'leave') }
export const EMIT_OPTIONS: Options<EmitSettings> = { id: TEXT, source: TEXT }
export const RECEIVE_OPTIONS: Options<ReceiveSettings> = { within: null }

/** What is wrong with options, in words, or null. */
export function optionsProblem(options: unknown, known: Readonly<Record<string, Judge>>): string | null {
  const names = Object.keys(known)
  if (typeof options !== 'object' || options === null) return `its options must be an object with ${names.join(', ')}`
  const unknown = unknownOption(options, names)
  if (unknown !== null) return unknown.problem
  for (const [name, value] of Object.entries(options)) {
    const judge = known[name] ?? null
    if (value !== undefined && judge !== null && !judge.fits(value)) return `${name} must be ${judge.words}`
  }
  return null
}

/** The first option that does not exist, with what there is in its place; null when all do. */
export function unknownOption(
  options: object,
  known: readonly string[],
): { readonly name: string; readonly problem: string } | null {
  const name = Object.keys(options).find((option) => !known.includes(option))
  if (name === undefined) return null
  return { name, problem: `there is no option "${name}".${nearest(name, known)} The options are ${known.join(', ')}` }
}
