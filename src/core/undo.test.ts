import { describe, expect, it } from 'vitest'
import { UndoLog } from './undo.ts'
import type { CallValue } from './values.ts'

const refund: CallValue = { kind: 'call', target: 'operation', name: 'payment.refund', input: {} }
const ops = (entries: readonly { readonly op: string }[]): readonly string[] => entries.map(({ op }) => op)

describe('the log of undos', () => {
  it('gives back the one registered last, each once', () => {
    const log = new UndoLog()
    const pending = new Promise(() => {})
    for (const op of ['a#0', 'b#0', 'c#0']) log.register(op, op.slice(0, 1), refund, pending)
    expect(log.takeLast()).toMatchObject({ op: 'c#0', name: 'c', undo: refund })
    expect(log.takeLast()?.op).toBe('b#0')
    expect(log.takeLast()?.op).toBe('a#0')
    expect(log.takeLast()).toBeUndefined()
  })

  it('knows the outcome of a call once it has settled: undefined when it failed', async () => {
    const log = new UndoLog()
    log.register('a#0', 'a', refund, Promise.resolve({ paid: true }))
    log.register('b#0', 'b', refund, Promise.reject(new Error('no answer')))
    await expect(log.takeLast()?.settled).resolves.toBeUndefined()
    await expect(log.takeLast()?.settled).resolves.toEqual({ paid: true })
  })

  it('gives back those that have not settled, last first, and keeps the others', async () => {
    const log = new UndoLog()
    const pending = new Promise(() => {})
    log.register('a#0', 'a', refund, pending)
    log.register('b#0', 'b', refund, Promise.resolve())
    log.register('c#0', 'c', refund, pending)
    log.register('d#0', 'd', refund, Promise.reject(new Error('no answer')))
    await Promise.resolve()
    expect(ops(log.takeOpen())).toEqual(['c#0', 'a#0'])
    expect(log.takeOpen()).toEqual([])
    expect([log.takeLast()?.op, log.takeLast()?.op, log.takeLast()]).toEqual(['d#0', 'b#0', undefined])
  })
})
