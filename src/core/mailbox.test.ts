import { describe, expect, it } from 'vitest'
import { isOtherSignal, Mailbox, type CarriedMail } from './mailbox.ts'

describe('signals', () => {
  it('are kept in their order until somebody asks for them, each once', () => {
    const mailbox = new Mailbox()
    mailbox.accept({ id: '1', name: 'approve', payload: '"a"' }, false)
    mailbox.accept({ id: '2', name: 'reject', payload: undefined }, false)
    mailbox.accept({ id: '3', name: 'approve', payload: '"b"' }, false)
    expect(mailbox.take(['signal:reject', 'signal:cancel'])).toEqual({ name: 'reject', payload: undefined })
    expect(mailbox.take(['signal:approve'])).toEqual({ name: 'approve', payload: '"a"' })
    expect(mailbox.take(['signal:reject', 'signal:approve'])).toEqual({ name: 'approve', payload: '"b"' })
    expect(mailbox.take(['signal:reject', 'signal:approve'])).toBeUndefined()
  })

  it('are not kept when somebody waited, but known by their id all the same', () => {
    const mailbox = new Mailbox()
    expect(mailbox.hasSeen('1')).toBe(false)
    mailbox.accept({ id: '1', name: 'approve', payload: '"a"' }, true)
    mailbox.accept({ id: '2', name: 'approve', payload: '"b"' }, false)
    expect(['1', '2', '3'].map((id) => mailbox.hasSeen(id))).toEqual([true, true, false])
    expect([...mailbox.seen.keys()]).toEqual(['1', '2'])
    expect(mailbox.take(['signal:approve'])?.payload).toBe('"b"')
    expect(mailbox.take(['signal:approve'])).toBeUndefined()
  })

  it('are not taken by a wait for an event of the same name', () => {
    const mailbox = new Mailbox()
    mailbox.accept({ id: '1', name: 'approve', payload: undefined }, false)
    expect(mailbox.take(['event:approve'])).toBeUndefined()
    expect(mailbox.take([])).toBeUndefined()
  })
})

describe('the cursor of an event type', () => {
  it('begins before the first, and each type has its own', () => {
    const mailbox = new Mailbox()
    expect(mailbox.cursor('order.shipped')).toBe(-1)
    mailbox.advance('order.shipped', 0)
    mailbox.advance('order.shipped', 17)
    expect(mailbox.cursor('order.shipped')).toBe(17)
    expect(mailbox.cursor('order.created')).toBe(-1)
  })
})

describe('what a continued run takes over', () => {
  /** As it comes out of the journal. */
  const next = (mailbox: Mailbox): Mailbox => new Mailbox(JSON.parse(JSON.stringify(mailbox.carried)) as CarriedMail)

  it('of nothing is nothing', () => {
    expect(new Mailbox().carried).toEqual({ signals: [], seen: [], cursors: [] })
  })

  it('is what was not received, what was seen and how far it has read', () => {
    const mailbox = new Mailbox()
    mailbox.accept({ id: '1', name: 'approve', payload: '{"by":"ann"}' }, false)
    mailbox.accept({ id: '2', name: 'reject', payload: undefined }, false)
    mailbox.accept({ id: '3', name: 'approve', payload: undefined }, true)
    mailbox.take(['signal:other'])
    mailbox.advance('order.shipped', 17)
    const after = next(next(mailbox))
    expect(after.carried).toEqual(mailbox.carried)
    expect(after.carried).toEqual({
      signals: [{ name: 'approve', payload: '{"by":"ann"}' }, { name: 'reject' }],
      seen: ['1', '2', '3'],
      cursors: [['order.shipped', 17]],
    })
    expect(after.unread).toBe(2)
    expect(after.take(['signal:reject'])).toEqual({ name: 'reject', payload: undefined })
    expect(after.take(['signal:approve'])?.payload).toBe('{"by":"ann"}')
    expect([after.cursor('order.shipped'), after.cursor('order.created')]).toEqual([17, -1])
  })

  it('are the hashes of what was seen, where they are known', () => {
    const mailbox = new Mailbox()
    mailbox.accept({ id: '1', name: 'approve', payload: undefined }, true)
    mailbox.accept({ id: '2', name: 'approve', payload: undefined, hash: 'x' }, true)
    const after = next(next(mailbox))
    expect(after.carried).toMatchObject({ seen: ['1', '2'], hashes: [null, 'x'] })
    const others = ['1', '2', '3'].flatMap((id) => ['x', 'y', undefined].map((hash) => ({ id, hash })))
    expect(others.filter((signal) => isOtherSignal(after.seen, signal))).toEqual([{ id: '2', hash: 'y' }])
  })

  it('are the ids of the last 10,000 signals, whichever generation they came to', () => {
    const first = new Mailbox()
    for (let id = 0; id < 9_999; id++) first.accept({ id: String(id), name: 'approve', payload: undefined }, true)
    const second = next(first)
    expect(second.seen.size).toBe(9_999)
    for (let id = 9_999; id < 10_003; id++) second.accept({ id: String(id), name: 'approve', payload: undefined }, true)
    expect(second.hasSeen('0')).toBe(true)
    const third = next(second)
    expect([third.seen.size, ...['0', '2', '3', '10002'].map((id) => third.hasSeen(id))]).toEqual([
      10_000,
      false,
      false,
      true,
      true,
    ])
  })
})
