import { describe, expect, it } from 'vitest'
import { UndoLog } from './undo.ts'
import type { CallValue } from './values.ts'

const refund: CallValue = { kind: 'call', target: 'operation', name: 'payment.refund', input: {} }
const ops = (entries: readonly { readonly op: string }[]): readonly string[] => entries.map(({ op }) => op)

describe('the log of undos', () => {
  it('gives back the one registered last, each once', () => {
    const log = new UndoLog()
    for (const op of ['a#0', 'b#0', 'c#0']) log.register(op, op.slice(0, 1), refund)
    expect(log.takeLast()).toMatchObject({ op: 'c#0', name: 'c', undo: refund })
    expect(log.takeLast()?.op).toBe('b#0')
    expect(log.isEmpty).toBe(false)
    expect(log.takeLast()?.op).toBe('a#0')
    expect(log.takeLast()).toBeUndefined()
    expect(log.isEmpty).toBe(true)
  })

  it('knows the outcome of a call once it has settled: undefined when it failed', async () => {
    const log = new UndoLog()
    log.register('a#0', 'a', refund)({ paid: true })
    log.register('b#0', 'b', refund)(undefined)
    const settles = log.register('c#0', 'c', refund)
    const last = log.takeLast()
    settles('late')
    await expect(last?.settled).resolves.toBe('late')
    await expect(log.takeLast()?.settled).resolves.toBeUndefined()
    await expect(log.takeLast()?.settled).resolves.toEqual({ paid: true })
  })

  it('gives back those that have not settled, last first, and keeps the others', () => {
    const log = new UndoLog()
    const settle = new Map(['a#0', 'b#0', 'c#0', 'd#0'].map((op) => [op, log.register(op, op.slice(0, 1), refund)]))
    settle.get('b#0')?.({})
    settle.get('d#0')?.(undefined)
    expect(ops(log.takeOpen())).toEqual(['c#0', 'a#0'])
    expect(log.takeOpen()).toEqual([])
    expect([log.takeLast()?.op, log.takeLast()?.op, log.takeLast()]).toEqual(['d#0', 'b#0', undefined])
  })

  it('forgets what only had to settle, when it has', () => {
    const log = new UndoLog()
    log.register('a#0', 'a', refund)
    const settles = log.register('ship#0', 'ship', null)
    expect(log.isEmpty).toBe(false)
    settles('shipped')
    expect(log.takeLast()?.op).toBe('a#0')
    const later = log.register('ship#1', 'ship', null)
    expect(log.takeLast()).toMatchObject({ op: 'ship#1', undo: null })
    later(undefined)
    expect(log.isEmpty).toBe(true)
  })
})
