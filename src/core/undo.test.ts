import { describe, expect, it } from 'vitest'
import { UndoLog, type CarriedUndo, type Registered } from './undo.ts'
import type { CallValue } from './values.ts'

const refund: CallValue = { kind: 'call', target: 'operation', name: 'payment.refund', input: {} }
/** Takes the last. */
const take = (log: UndoLog, all = true): Registered | undefined => {
  const entry = log.last(all)
  if (entry !== undefined) log.take(entry)
  return entry
}
/** Takes all that there is, and says which. */
const taken = (log: UndoLog, all: boolean): readonly string[] => {
  const ops: string[] = []
  for (let entry = take(log, all); entry !== undefined; entry = take(log, all)) ops.push(entry.op)
  return ops
}

describe('the log of undos', () => {
  it('gives back the one registered last, each once', () => {
    const log = new UndoLog()
    expect(log.last(true)).toBeUndefined()
    for (const op of ['a#0', 'b#0', 'c#0']) log.register(op, op.slice(0, 1), refund)
    expect(take(log)).toMatchObject({ op: 'c#0', name: 'c', undo: refund })
    expect(log.last(true)).toBeDefined()
    expect(taken(log, true)).toEqual(['b#0', 'a#0'])
    expect(log.last(true)).toBeUndefined()
  })

  it('knows the outcome of a call once it has settled: undefined when it failed', async () => {
    const log = new UndoLog()
    log.register('a#0', 'a', refund)({ paid: true })
    log.register('b#0', 'b', refund)(undefined)
    const settles = log.register('c#0', 'c', refund)
    const last = take(log)
    settles('late')
    await expect(last?.settled).resolves.toBe('late')
    await expect(take(log)?.settled).resolves.toBeUndefined()
    await expect(take(log)?.settled).resolves.toEqual({ paid: true })
  })

  it('gives back those that were given up, settled or not, last first, and keeps the others', () => {
    const log = new UndoLog()
    const settle = new Map(['a#0', 'b#0', 'c#0', 'd#0'].map((op) => [op, log.register(op, op.slice(0, 1), refund)]))
    settle.get('b#0')?.({})
    expect(log.last(false)).toBeUndefined()
    for (const op of ['a#0', 'd#0', 'x#0']) log.lose(op)
    settle.get('d#0')?.(undefined)
    expect(log.last(false)).toBeDefined()
    expect(taken(log, false)).toEqual(['d#0', 'a#0'])
    expect(taken(log, true)).toEqual(['c#0', 'b#0'])
  })

  it('knows what was taken back without knowing how it had come out', () => {
    const log = new UndoLog()
    log.register('a#0', 'a', refund)({ paid: true }, true)
    log.register('b#0', 'b', refund)(undefined, true)
    log.register('c#0', 'c', refund)(undefined)
    expect(log.takenUnknown('c#0')).toBeUndefined()
    expect(taken(log, true)).toEqual(['c#0', 'b#0', 'a#0'])
    expect(['a#0', 'b#0', 'c#0'].map((op) => log.takenUnknown(op)?.op)).toEqual([undefined, undefined, 'c#0'])
  })

  it('knows when there was nothing to do', () => {
    const log = new UndoLog()
    log.register('a#0', 'a', () => null)(undefined)
    log.register('b#0', 'b', refund)(undefined)
    for (let entry = log.last(true); entry !== undefined; entry = log.last(true)) {
      log.take(entry)
      if (entry.op === 'a#0') log.nothing(entry)
    }
    expect(['a#0', 'b#0'].map((op) => log.takenUnknown(op)?.wasNothing)).toEqual([true, undefined])
  })

  it('forgets what only had to settle, when it has', () => {
    const log = new UndoLog()
    log.register('a#0', 'a', refund)
    const settles = log.register('ship#0', 'ship', null)
    log.lose('ship#0')
    settles('shipped')
    expect(log.last(false)).toBeUndefined()
    expect(taken(log, true)).toEqual(['a#0'])
    const later = log.register('ship#1', 'ship', null)
    expect(take(log)).toMatchObject({ op: 'ship#1', undo: null })
    later(undefined)
    expect(log.last(true)).toBeUndefined()
  })
})

describe('what a continued run takes over', () => {
  it('is what its undos come to, in order, with the generation that made the call and whether it was given up', () => {
    const first = new UndoLog()
    first.register('a#0', 'a', refund)({ paid: true })
    first.register('b#0', 'b', (outcome) => ({ ...refund, input: { outcome } }))(5)
    first.register('c#0', 'c', () => null)(undefined)
    first.register('d/x', 'd', (outcome) => (outcome === undefined ? refund : null))(undefined)
    first.lose('d/x')
    const carried = first.carried(0)
    expect(carried).toEqual([
      { op: '0~a#0', name: 'a', undo: refund },
      { op: '0~b#0', name: 'b', undo: { ...refund, input: { outcome: 5 } } },
      { op: '0~d/x', name: 'd', undo: refund, lost: true },
    ])
    const second = new UndoLog(JSON.parse(JSON.stringify(carried)) as CarriedUndo[])
    second.register('a#0', 'a', refund)({ paid: true })
    expect(second.carried(1).map(({ op, lost }) => [op, lost])).toEqual([
      ['0~a#0', undefined],
      ['0~b#0', undefined],
      ['0~d/x', true],
      ['1~a#0', undefined],
    ])
    expect(taken(second, false)).toEqual(['0~d/x'])
  })

  it('has settled', async () => {
    const log = new UndoLog([{ op: '0~a#0', name: 'a', undo: refund }])
    await expect(take(log)?.settled).resolves.toBeUndefined()
  })

  it('without anything is nothing', () => {
    const log = new UndoLog()
    log.register('ship#0', 'ship', null)(undefined)
    expect(log.carried(3)).toEqual([])
  })
})

describe('whether anything could be taken back', () => {
  it('says what is registered, and what has been taken back', () => {
    const log = new UndoLog()
    expect(log.isEmpty).toBe(true)
    log.register('a#0', 'a', refund)(1)
    expect(log.isEmpty).toBe(false)
    expect([taken(log, true), log.isEmpty]).toEqual([['a#0'], false])
  })
})
