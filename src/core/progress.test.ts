// What is said of how far an attempt is: taken as it is in that moment, and refused where it is said.
import { expect, it } from 'vitest'
import { progressOf, progressText, PROGRESS_LIMIT_BYTES, undeclaredHeartbeat } from './progress.ts'

it.each([[7], [0], [-1.5], ['row 7'], [null], [true], [{ row: 7 }], [[1, [2]]]])('keeps %j', (value) => {
  expect(JSON.parse(progressText(progressOf(value, 'x')))).toEqual(value)
})

it('is what it was when it was said', () => {
  const state = { row: 7 }
  const said = progressOf(state, 'x')
  state.row = 8
  expect(progressText(said)).toBe('{"row":7}')
  expect(progressText(progressOf(undefined, 'x'))).toBe('null')
})

it.each([[Number.NaN], [Infinity], [5n], [() => 1], [new Map([[1, 2]])], [{ a: [Number.NaN] }]])(
  'refuses what JSON would lose: %s',
  (value) => {
    expect(() => progressOf(value, 'the progress of a.b')).toThrow('the progress of a.b')
  },
)

it('counts the bytes of what may be too large', () => {
  const most = 'x'.repeat(PROGRESS_LIMIT_BYTES - 2)
  expect(progressText(progressOf(most, 'x'))).toBe(`"${most}"`)
  expect(() => progressOf(`${most}x`, 'x')).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }) as Error)
  const wide = 'ü'.repeat(PROGRESS_LIMIT_BYTES / 2)
  expect(() => progressOf(wide, 'x')).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }) as Error)
})

it('is refused where nobody listens', () => {
  expect(undeclaredHeartbeat).toThrow(expect.objectContaining({ code: 'HEARTBEAT_UNDECLARED' }) as Error)
})
