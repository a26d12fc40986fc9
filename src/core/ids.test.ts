import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  againId,
  childId,
  eventRef,
  hashOf,
  idempotencyKey,
  operationId,
  reactionId,
  runRef,
  slotOf,
  storeOfKey,
  undoneKey,
} from './ids.ts'
import { idProblem } from './names.ts'
import { SLOT_COUNT } from './store.ts'

const texts = fc.array(fc.nat(0xffff), { maxLength: 30 }).map((units) => String.fromCharCode(...units))
const run = { store: 's1', ns: 'default', id: 'checkout:8841', generation: 0 }
const workflows = fc.oneof(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,8}$/), fc.constantFrom('g1', 'g2'))
const operations = fc.tuple(workflows, workflows).map((names) => names.join('.'))
const given = fc.oneof(fc.stringMatching(/^[A-Za-z0-9._:@+=-]{1,8}$/), fc.constantFrom('a.0', 'g1', '0'))
const ops = fc
  .tuple(fc.oneof(workflows, operations), fc.nat(3), fc.option(given, { nil: undefined }))
  .map((parts) => operationId(...parts))

describe('the id of an operation', () => {
  it('is its name and occurrence, or its name and the given id', () => {
    expect(operationId('payment.charge', 0, undefined)).toBe('payment.charge#0')
    expect(operationId('payment.charge', 12, undefined)).toBe('payment.charge#12')
    expect(operationId('payment.charge', 12, 'sku-1')).toBe('payment.charge/sku-1')
  })

  it('is another one for another name, occurrence or given id', () => {
    const parts = fc.tuple(fc.oneof(workflows, operations), fc.nat(20), fc.option(given, { nil: undefined }))
    fc.assert(
      fc.property(parts, parts, ([name, count, id], [otherName, otherCount, otherId]) => {
        const isSame = name === otherName && id === otherId && (id !== undefined || count === otherCount)
        expect(operationId(name, count, id) === operationId(otherName, otherCount, otherId)).toBe(isSame)
      }),
    )
  })
})

it('the idempotency key holds the store, the run, its generation and the operation', () => {
  expect(idempotencyKey(run, 'payment.charge#0')).toBe('s1:checkout:8841:0:payment.charge#0')
  expect(idempotencyKey({ ...run, generation: 3 }, 'a#0')).toBe('s1:checkout:8841:3:a#0')
})

it('another namespace than the default one stands in the idempotency key, behind the store', () => {
  const other = { ...run, ns: 'tenant-1' }
  expect(idempotencyKey(other, 'payment.charge#0')).toBe('s1/tenant-1:checkout:8841:0:payment.charge#0')
  expect(undoneKey({ ...other, generation: 1 }, '0~payment.charge#0')).toBe(idempotencyKey(other, 'payment.charge#0'))
  for (const one of [run, other]) expect(storeOfKey(idempotencyKey(one, 'a/x'))).toBe('s1')
})

it('no two calls have one idempotency key, whatever colons their names hold', () => {
  expect(idempotencyKey({ ...run, id: 'w:a' }, 'b:0:c#0')).toBe('s1:w:a:0:b%0%c#0')
  expect(idempotencyKey({ ...run, id: 'w:a:0:b' }, 'c#0')).toBe('s1:w:a:0:b:0:c#0')
  const parts = fc.tuple(fc.stringMatching(/^[a1:]{1,6}$/), fc.nat(12), fc.stringMatching(/^[a1:]{1,6}$/))
  const keyOf = ([id, generation, op]: readonly [string, number, string]) =>
    idempotencyKey({ ...run, id, generation }, op)
  const seen = new Map<string, string>()
  fc.assert(
    fc.property(parts, (one) => {
      const known = seen.get(keyOf(one)) ?? one.join(' ')
      seen.set(keyOf(one), known)
      expect(known).toBe(one.join(' '))
    }),
    { numRuns: 20_000 },
  )
})

describe('the key of a call that is taken back', () => {
  it('is that of the call', () => {
    expect(undoneKey(run, 'payment.charge#0')).toBe(idempotencyKey(run, 'payment.charge#0'))
    expect(undoneKey({ ...run, generation: 3 }, 'a/x#1')).toBe('s1:checkout:8841:3:a/x#1')
  })

  it('of an earlier generation is that of the call there', () => {
    expect(undoneKey({ ...run, generation: 12 }, '0~payment.charge#0')).toBe('s1:checkout:8841:0:payment.charge#0')
    expect(undoneKey({ ...run, generation: 12 }, '10~a/0')).toBe('s1:checkout:8841:10:a/0')
  })

  it('is the key under which the call was made, whatever the generations', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), ops, (made, undone, op) => {
        const undoes = made === undone ? op : `${made}~${op}`
        expect(undoneKey({ ...run, generation: undone }, undoes)).toBe(idempotencyKey({ ...run, generation: made }, op))
      }),
    )
  })
})

describe('the id of a child that is tried again', () => {
  it('counts the tries', () => {
    const op = 'undo:pay/:5'
    const second = againId(run, op, childId(run, op))
    expect(second).toBe('checkout:8841~again:2:undo:pay~:5')
    const third = againId(run, op, second)
    expect(third).toBe('checkout:8841~again:3:undo:pay~:5')
    expect(againId({ ...run, generation: 2 }, op, childId({ ...run, generation: 2 }, op))).toBe(
      'checkout:8841~2~again:2:undo:pay~:5',
    )
    // One that was begun by such a run is another matter.
    expect(againId({ ...run, id: third }, op, childId({ ...run, id: third }, op))).toBe(
      'checkout:8841~again:3:undo:pay~:5~again:2:undo:pay~:5',
    )
  })

  it('is that of no other child, whatever id that was given', () => {
    fc.assert(
      fc.property(ops, ops, fc.nat(3), (op, other, tries) => {
        let id = childId(run, `undo:${op}`)
        for (let at = 0; at <= tries; at++) id = againId(run, `undo:${op}`, id)
        expect(id).not.toBe(childId(run, other))
        expect(id).not.toBe(childId(run, `undo:${other}`))
      }),
    )
  })
})

describe('the id of a child', () => {
  it('is its parent and the operation, without marks that need escaping', () => {
    expect(childId(run, 'ship#0')).toBe('checkout:8841~ship.0')
    expect(childId(run, 'ship/sku-1')).toBe('checkout:8841~ship~sku-1')
    expect(childId({ ...run, id: 'r~a.0' }, 'undo:ship/x')).toBe('r~a.0~undo:ship~x')
    expect(childId({ ...run, generation: 2 }, 'undo:0~ship#0')).toBe('checkout:8841~2~undo:0~ship.0')
  })

  it('never equals an id that somebody gave', () => {
    fc.assert(
      fc.property(ops, (op) => {
        expect(idProblem(childId(run, op))).toBeDefined()
      }),
    )
  })

  it('is another one for another operation or generation of the run', () => {
    const places = fc.tuple(fc.nat(3), ops)
    const check = (
      [generation, op]: readonly [number, string],
      [otherGeneration, otherOp]: readonly [number, string],
    ): void => {
      const isSame = generation === otherGeneration && op === otherOp
      expect(childId({ ...run, generation }, op) === childId({ ...run, generation: otherGeneration }, otherOp)).toBe(
        isSame,
      )
    }
    fc.assert(fc.property(places, places, check), { numRuns: 2000 })
    check([1, 'a#0'], [0, 'g1/a.0'])
  })

  it('is another one along every way down the tree', () => {
    const ways = fc.array(ops, { minLength: 1, maxLength: 3 })
    const down = (way: readonly string[]): string => way.reduce((id, op) => childId({ ...run, id }, op), run.id)
    fc.assert(
      fc.property(ways, ways, (way, other) => {
        expect(down(way) === down(other)).toBe(way.join(' ') === other.join(' '))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the id of the run of a reaction', () => {
  const digest = (text: string): string => `digest(${text})`

  it('is the reaction and the id of an event of the application', () => {
    expect(reactionId('payment:order.created', { source: 'shop', id: '8841', key: 'orderId:1' }, 'shop', digest)).toBe(
      'payment:order.created:8841',
    )
    const longest = 'a'.repeat(64)
    expect(reactionId('p:o', { source: 'shop', id: longest, key: 'orderId:1' }, 'shop', digest)).toBe(`p:o:${longest}`)
  })

  it.each([
    ['of another source', 'crm', '8841'],
    ['that is long', 'shop', 'a'.repeat(65)],
    ['with a mark that ids do not have', 'shop', 's1:r1:0:payment.charge#0'],
  ])('holds the key and a digest of the id of an event %s', (_name, source, id) => {
    const event = { source, id, key: 'orderId:8841' }
    expect(reactionId('p:o', event, 'shop', digest)).toBe(`p:o:~8841.digest(event:${source}:${id})`)
  })

  it('has a bound however long the key is', () => {
    const event = { source: 'crm', id: '1', key: `orderId:${'k'.repeat(256)}` }
    expect(reactionId('p:o', event, 'shop', () => 'd')).toBe(`p:o:~${'k'.repeat(32)}.d`)
  })
})

it('causes', () => {
  expect(runRef('checkout:8841')).toBe('run:checkout:8841')
  expect(eventRef('shop', '8841')).toBe('event:shop:8841')
})

describe('the slot of a tag', () => {
  // Published values of FNV-1a. A slot must never change: it says where a run is.
  it.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('of %j is its hash, folded to 14 bits', (tag, hash) => {
    expect(hashOf(tag)).toBe(hash)
    expect(slotOf(tag, 16_384)).toBe((hash % 16_384) ^ Math.floor(hash / 2 ** 18))
  })

  it('is one of the slots', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: SLOT_COUNT }), (tag, slots) => {
        const slot = slotOf(tag, slots)
        expect(Number.isInteger(slot) && slot >= 0 && slot < slots).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  it('spreads tags that are alike over all slots evenly', () => {
    const counts = new Map<number, number>()
    for (let order = 0; order < 64_000; order++) {
      const slot = slotOf(`orderId:${order}`, 64)
      counts.set(slot, (counts.get(slot) ?? 0) + 1)
    }
    expect(counts.size).toBe(64)
    // 1000 expected in each; five standard deviations are 158.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(160)
  })
})
