import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childId, reactionId, slotOf } from './ids.ts'
import { Placement, shardOfSlot } from './placement.ts'
import { SLOT_COUNT } from './store.ts'

const place = new Placement({ slots: SLOT_COUNT, shards: 8 })
const values = fc.stringMatching(/^[A-Za-z0-9._:@+=-]{1,40}$/)

describe('placement', () => {
  it('a key, the run that it names and what is derived from that are in one shard', () => {
    fc.assert(
      fc.property(values, (value) => {
        const key = `orderId:${value}`
        const run = `checkout:${value}`
        const child = childId({ store: 's', ns: 'default', id: run, generation: 2 }, 'payment.charge/sku-1')
        const slots = [key, run, child, childId({ store: 's', ns: 'default', id: child, generation: 0 }, 'a#1')].map(
          (name) => place.slotOf(name),
        )
        expect(new Set(slots).size).toBe(1)
        expect(slots[0]).toBe(slotOf(value.slice(value.lastIndexOf(':') + 1), SLOT_COUNT))
        expect(place.shardOf(run)).toBe((slots[0] ?? -1) % 8)
      }),
    )
  })

  it('an id that leads elsewhere says where it is, and so does what is derived from it', () => {
    fc.assert(
      fc.property(values, values, fc.boolean(), (value, event, isOwn) => {
        const key = `orderId:${value}`
        const from = { source: isOwn ? 'shop' : 'other', id: event, key }
        const id = place.at(
          key,
          reactionId('catalog:order.created', from, 'shop', () => 'abc'),
        )
        expect(place.slotOf(id)).toBe(place.slotOf(key))
        const child = childId({ store: 's', ns: 'default', id, generation: 0 }, 'reserve#0')
        expect(place.slotOf(child)).toBe(place.slotOf(key))
        expect(place.at(key, id)).toBe(id)
      }),
    )
  })

  it('ids stay as they are where they lead, and where there is one shard', () => {
    expect(place.at('orderId:8841', 'catalog:order.created:8841')).toBe('catalog:order.created:8841')
    const one = new Placement({ slots: SLOT_COUNT, shards: 1 })
    expect(one.at('orderId:8841', 'catalog:order.created:7')).toBe('catalog:order.created:7')
    expect(one.shardOf('anything')).toBe(0)
  })

  it('a slot that no store of this size has is none: the name is placed as any other', () => {
    for (const strange of ['a:8841~~zzzz', 'a:8841~~', 'a:8841~~!~b'])
      expect(place.slotOf(strange)).toBe(place.slotOf('a:8841'))
  })

  it('every shard has its share of the slots', () => {
    const counts = new Map<number, number>()
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const shard = shardOfSlot(slot, 64)
      counts.set(shard, (counts.get(shard) ?? 0) + 1)
    }
    expect([...counts.values()]).toEqual(Array.from({ length: 64 }, () => SLOT_COUNT / 64))
  })
})
