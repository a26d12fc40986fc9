// Where things are: a store has a fixed number of slots and of shards, and a name alone says to which slot it belongs. The
// tag of a name is what stands behind its last colon: the value of a key (`orderId:8841`), and of the ids that are made of
// one (`checkout:8841`, `catalog:order.created:8841`), so that a flow, its events and its reactions are in one shard. What
// is derived from an id (`checkout:8841~payment.charge.0`) is where that is. An id that would lead elsewhere than it should
// says its slot behind two marks. Pure; used by the engine, by whoever asks, and by stores for what goes between shards.
import { slotOf } from './ids.ts'

/** Derived ids hold a `~`, given ones none; two of them stand before a slot and nowhere else. */
const MARK = '~'
const SLOT_MARK = '~~'
const DIGITS = 36

/** The slots and shards of a store. */
export class Placement {
  readonly slots: number
  readonly shards: number

  constructor({ slots, shards }: { readonly slots: number; readonly shards: number }) {
    this.slots = slots
    this.shards = shards
  }

  /** The slot of an id of a run, or of a key. */
  slotOf(name: string): number {
    const mark = name.indexOf(MARK)
    const marked = name.indexOf(SLOT_MARK)
    if (marked >= 0) {
      const end = name.indexOf(MARK, marked + SLOT_MARK.length)
      const slot = Number.parseInt(name.slice(marked + SLOT_MARK.length, end < 0 ? undefined : end), DIGITS)
      if (slot >= 0 && slot < this.slots) return slot
    }
    const own = mark < 0 ? name : name.slice(0, mark)
    return slotOf(own.slice(own.lastIndexOf(':') + 1), this.slots)
  }

  /** The shard of an id of a run, or of a key. */
  shardOf(name: string): number {
    return this.shards === 1 ? 0 : shardOfSlot(this.slotOf(name), this.shards)
  }

  /** The id, so that it leads to the shard of a key. Where there is one shard it does as it is. */
  at(key: string, id: string): string {
    if (this.shards === 1) return id
    const slot = this.slotOf(key)
    return this.slotOf(id) === slot ? id : `${id}${SLOT_MARK}${slot.toString(DIGITS)}`
  }
}

/** The shard that a slot is mapped to. */
export function shardOfSlot(slot: number, shards: number): number {
  return slot % shards
}
