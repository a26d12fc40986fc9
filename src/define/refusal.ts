// Refuses a wrong definition where it is written, at import: the checks that one definition can be judged by alone.
// What only shows when the parts are together is found by fit.ts. Each check throws DEFINITION_INVALID with the place
// in words, for example `operation payment.charge`.
import { fault } from '../core/errors.ts'
import { isField, isName, isType } from '../core/names.ts'
import { unknownOption } from '../core/options.ts'

/** Throws DEFINITION_INVALID. @param what the place, for example `workflow "checkout"`. */
export function refuse(what: string, problem: string): never {
  throw fault('DEFINITION_INVALID', { what, problem })
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : typeof value

/** Checks the type of an event or a signal and gives the place in words. */
export function refuseType(kind: 'event' | 'signal', type: unknown): string {
  const what = `${kind} ${shown(type)}`
  if (typeof type !== 'string' || !isType(type)) {
    refuse(
      what,
      'its type must begin with a letter and be up to 128 letters, digits, _ and -, with single dots between words',
    )
  }
  return what
}

/** Checks the name of a service, an operation, a workflow or a reaction and gives the place in words. */
export function refuseName(kind: string, name: unknown): string {
  const what = `${kind} ${shown(name)}`
  if (typeof name !== 'string' || !isName(name)) {
    refuse(what, 'its name must begin with a letter and be up to 64 letters, digits, _ and -')
  }
  return what
}

export function refuseField(field: unknown, what: string): void {
  if (typeof field !== 'string' || !isField(field)) {
    refuse(
      what,
      `key ${shown(field)} cannot name a field: it must begin with a letter or _ and be up to 64 letters, digits and _`,
    )
  }
}

/** Refuses what is no schema of the Standard Schema interface, version 1. */
export function refuseSchema(schema: unknown, what: string, option: string): void {
  const standard: unknown =
    (typeof schema === 'object' || typeof schema === 'function') && schema !== null && '~standard' in schema
      ? schema['~standard']
      : undefined
  if (
    typeof standard !== 'object' ||
    standard === null ||
    !('validate' in standard) ||
    typeof standard.validate !== 'function'
  ) {
    refuse(what, `${option} is no schema; give one of a library with Standard Schema, for example zod 4`)
  }
}

/** Refuses options that do not exist: a typo would silently do nothing. */
export function refuseUnknownOptions(options: unknown, known: readonly string[], what: string): void {
  if (typeof options !== 'object' || options === null)
    refuse(what, `its options must be an object with ${known.join(', ')}`)
  const unknown = unknownOption(options, known)
  if (unknown !== null) refuse(what, unknown.problem)
}

export function refuseNotFunction(value: unknown, what: string, option: string): void {
  if (typeof value !== 'function')
    refuse(what, `${option} must be a function, not ${value === null ? 'null' : typeof value}`)
}
