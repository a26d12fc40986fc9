import { describe, expect, it } from 'vitest'
import { commandsText } from './journal.ts'
import { soloCommand, soloEnd, soloInput, soloText, type Solo } from './solo.ts'

const identity = { store: 's1', ns: 'default', id: 'payment:order.created:8841', generation: 0 }
const charge: Solo = { identity, call: 'payment.charge', target: 'operation', input: '{"amount":5}' }
const ship: Solo = { identity, call: 'ship', target: 'workflow', input: '{"order":1}' }

describe('a run of one call', () => {
  it('makes that call, and its outcome is published', () => {
    expect(soloCommand(charge)).toEqual({
      kind: 'call',
      op: 'payment.charge#0',
      call: 'payment.charge',
      input: '{"amount":5}',
      publish: true,
    })
  })

  it('starts a workflow that it does not wait for, under its own id or the one that the workflow has', () => {
    const command = { kind: 'child', op: 'ship#0', call: 'ship', input: '{"order":1}', wait: false }
    expect(soloCommand(ship)).toEqual({ ...command, run: 'payment:order.created:8841~ship.0' })
    expect(soloCommand(ship, 'ship:8841')).toEqual({ ...command, run: 'ship:8841' })
  })

  it('has a line of its own for what the schema of a workflow made of its input, where that holds', () => {
    expect(soloInput(soloText('{"at":"1970"}'))).toEqual({ input: '{"at":"1970"}' })
    expect(soloInput(soloText('{"at":"1970"}', '{"at":0}'))).toEqual({ input: '{"at":"1970"}', made: '{"at":0}' })
  })

  it('ends with the answer', () => {
    expect(soloEnd(charge, { kind: 'done', op: 'payment.charge#0', payload: '{"ok":1}' })).toEqual({
      kind: 'end',
      output: '{"ok":1}',
    })
    expect(commandsText([soloEnd(charge, { kind: 'done', op: 'payment.charge#0', payload: undefined })])).toBe(
      '[{"kind":"end"}]',
    )
  })

  it('ends as cancelled when it was asked to stop, unless it has answered all the same', () => {
    const cancelled = { by: 'ann', why: 'too late' }
    const failed = { kind: 'failed', op: 'payment.charge#0', error: { code: 'CALL_ABORTED', message: '' } } as const
    expect(soloEnd(charge, failed, cancelled)).toEqual({ kind: 'end', output: undefined, cancelled })
    expect(soloEnd(charge, { kind: 'done', op: 'payment.charge#0', payload: '1' }, cancelled)).toEqual({
      kind: 'end',
      output: '1',
    })
  })

  it('fails with its call, and with what the business said', () => {
    const failed = { kind: 'failed', op: 'payment.charge#0' } as const
    expect(soloEnd(charge, { ...failed, error: { code: 'ATTEMPT_TIMEOUT', message: 'late' } })).toEqual({
      kind: 'fail',
      error: { code: 'CALL_FAILED', message: 'payment.charge failed: late' },
    })
    expect(soloEnd(charge, { ...failed, error: { code: 'TERMINAL', message: 'stolen' } })).toEqual({
      kind: 'fail',
      error: { code: 'TERMINAL', message: 'stolen' },
    })
  })
})
