import { expect, it } from 'vitest'
import { catalogue, fault, type ErrorCode } from '../core/errors.ts'
import { EXIT, exitCodeOf, exitCodeOfRun } from './exit-code.ts'

const codes = Object.keys(catalogue) as ErrorCode[]

it.each(codes)('%s has an exit code that is documented and not 0', (code) => {
  const exit = exitCodeOf(code, fault(code).status)
  expect(Object.values(EXIT)).toContain(exit)
  expect(exit).not.toBe(EXIT.ok)
})

it.each([
  ['USAGE', EXIT.usage],
  ['INPUT_INVALID', EXIT.usage],
  ['APP_INVALID', EXIT.usage],
  ['RUN_UNKNOWN', EXIT.missing],
  ['KEY_UNKNOWN', EXIT.missing],
  ['STORE_MISSING', EXIT.missing],
  ['RUN_CONFLICT', EXIT.conflict],
  ['RUN_ENDED', EXIT.conflict],
  ['STORE_LOCKED', EXIT.conflict],
  ['PROCESS_MISSING', EXIT.unavailable],
  ['PROCESS_UNREACHABLE', EXIT.unavailable],
  ['NOT_READY', EXIT.unavailable],
  ['RUN_FAILED', EXIT.failed],
  ['RUN_DIVERGED', EXIT.stuck],
  ['INVARIANT', EXIT.bug],
] as const)('%s ends with %i', (code, exit) => {
  expect(exitCodeOf(code, 0)).toBe(exit)
})

it.each([
  [404, EXIT.missing],
  [409, EXIT.conflict],
  [422, EXIT.usage],
  [429, EXIT.unavailable],
  [503, EXIT.unavailable],
  [500, EXIT.failed],
])('an unknown code of a newer application goes by its status %i', (status, exit) => {
  expect(exitCodeOf('SOMETHING_NEW', status)).toBe(exit)
})

it('tells how a run that was waited for stands', () => {
  expect(exitCodeOfRun('completed')).toBe(0)
  expect(exitCodeOfRun('failed')).toBe(1)
  expect(exitCodeOfRun('cancelled')).toBe(1)
  expect(exitCodeOfRun('running')).toBe(5)
  expect(exitCodeOfRun('stuck')).toBe(6)
})
