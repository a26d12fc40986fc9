import { describe, expect, it } from 'vitest'
import { Mailbox } from './mailbox.ts'

describe('signals', () => {
  it('are kept in their order until somebody asks for them, each once', () => {
    const mailbox = new Mailbox()
    mailbox.accept('1', 'approve', '"a"', false)
    mailbox.accept('2', 'reject', undefined, false)
    mailbox.accept('3', 'approve', '"b"', false)
    expect(mailbox.take(['signal:reject', 'signal:cancel'])).toEqual({ name: 'reject', payload: undefined })
    expect(mailbox.take(['signal:approve'])).toEqual({ name: 'approve', payload: '"a"' })
    expect(mailbox.take(['signal:reject', 'signal:approve'])).toEqual({ name: 'approve', payload: '"b"' })
    expect(mailbox.take(['signal:reject', 'signal:approve'])).toBeUndefined()
  })

  it('are not kept when somebody waited, but known by their id all the same', () => {
    const mailbox = new Mailbox()
    expect(mailbox.hasSeen('1')).toBe(false)
    mailbox.accept('1', 'approve', '"a"', true)
    mailbox.accept('2', 'approve', '"b"', false)
    expect(['1', '2', '3'].map((id) => mailbox.hasSeen(id))).toEqual([true, true, false])
    expect([...mailbox.seen]).toEqual(['1', '2'])
    expect(mailbox.take(['signal:approve'])?.payload).toBe('"b"')
    expect(mailbox.take(['signal:approve'])).toBeUndefined()
  })

  it('are not taken by a wait for an event of the same name', () => {
    const mailbox = new Mailbox()
    mailbox.accept('1', 'approve', undefined, false)
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
