// Who waits for a place: a binary heap in which each knows where it stands, so that whoever gives up is taken out at once and
// nothing is left of it. Those that are in a hurry come first, then the oldest. Used by call-limits.ts.

/** Stands in one queue at a time. */
export interface Waiting {
  readonly isUrgent: boolean
  /** Lower is older; no two have the same. */
  readonly age: number
  /** Where it stands in its queue. */
  index: number
}

export class PlaceQueue<Item extends Waiting> {
  readonly #heap: Item[] = []

  get first(): Item | undefined {
    return this.#heap[0]
  }

  add(item: Item): void {
    this.#heap.push(item)
    this.#up(item, this.#heap.length - 1)
  }

  /** Takes out one that stands in it. */
  remove(item: Item): void {
    const last = this.#heap.pop()
    if (last === undefined || last === item) return
    const { index } = item
    this.#up(last, index)
    if (last.index === index) this.#down(last, index)
  }

  /** How many stand before one, counted to `most`. Whoever stands behind one that is not before it is not looked at. */
  before(item: Item, most: number): number {
    let count = 0
    const looked = [0]
    for (let index = looked.pop(); index !== undefined && count < most; index = looked.pop()) {
      const other = this.#heap[index]
      if (other === undefined || !isBefore(other, item)) continue
      count += 1
      looked.push(2 * index + 2, 2 * index + 1)
    }
    return count
  }

  #up(item: Item, from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      const other = this.#heap[parent] as Item
      if (isBefore(other, item)) break
      this.#put(other, index)
      index = parent
    }
    this.#put(item, index)
  }

  #down(item: Item, from: number): void {
    const heap = this.#heap
    let index = from
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Item, heap[child] as Item)) child++
      if (isBefore(item, heap[child] as Item)) break
      this.#put(heap[child] as Item, index)
      index = child
    }
    this.#put(item, index)
  }

  #put(item: Item, index: number): void {
    this.#heap[index] = item
    item.index = index
  }
}

function isBefore(one: Waiting, other: Waiting): boolean {
  return one.isUrgent === other.isUrgent ? one.age < other.age : one.isUrgent
}
