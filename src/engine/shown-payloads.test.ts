// A node that lacks a key has said of a run that it cannot read it, with the key that it has. What a node that can read it tells of that.
import { expect, test } from 'vitest'
import { fault } from '../core/errors.ts'
import type { Payload } from '../core/codec.ts'
import { payloadsOf, payloadsOfMany } from './shown-payloads.ts'

const row = { id: 'w', reason: 'unreadable', input: 'right "in"', output: null, error: 'wrong {}' }
const decode = (payload: Payload): string => {
  const text = String(payload)
  if (!text.startsWith('right ')) throw fault('RUN_UNREADABLE', { run: 'the run "w"', problem: 'wrong is not here' })
  return text.slice('right '.length)
}

test('it is not told that it lacks the key with which the other says so', () => {
  for (const of of [payloadsOf, payloadsOfMany]) {
    const { input, error } = of(row, decode)
    expect([input, error?.code]).toEqual(['in', 'RUN_UNREADABLE'])
    expect(error?.message).toContain('the node that has its shard lacks the key')
  }
})

test('of one that is not stuck for that the error is what cannot be read, alone and in a list', () => {
  const failed = { ...row, reason: null }
  expect(() => payloadsOf(failed, decode)).toThrow('wrong is not here')
  expect(payloadsOfMany(failed, decode)).toMatchObject({ input: 'in', error: { code: 'RUN_UNREADABLE' } })
})

test('where nothing of it can be read, that is told', () => {
  expect(payloadsOfMany({ ...row, input: 'wrong "in"' }, decode).error?.message).toContain('wrong is not here')
})
