// Which states have been met: a table of 64-bit hashes in typed arrays, because the texts of millions of states would not
// fit into memory. Two different states with one hash would be taken for one; with ten million states the chance that
// there is such a pair at all is about 3 in 1,000,000.

/** Whole numbers, as many as come. */
export class Numbers {
  #items = new Int32Array(1024)
  length = 0

  push(item: number): void {
    if (this.length === this.#items.length) {
      const larger = new Int32Array(this.length * 2)
      larger.set(this.#items)
      this.#items = larger
    }
    this.#items[this.length++] = item
  }

  at(index: number): number {
    return this.#items[index] as number
  }
}

/** States by their text, each with a number in the order in which they were met. */
export class Seen {
  /** Two halves of a hash and the number + 1 of each entry; 0 is an empty place. */
  #table = new Int32Array(3 * 4096)
  count = 0

  /** The number of a state; `isNew` tells whether it was met for the first time. */
  meet(text: string): { readonly number: number; readonly isNew: boolean } {
    if (this.count * 6 > this.#table.length) this.#grow()
    const [low, high] = hashOf(text)
    const place = placeOf(this.#table, low, high)
    const known = this.#table[place + 2] as number
    if (known !== 0) return { number: known - 1, isNew: false }
    this.#table[place] = low
    this.#table[place + 1] = high
    this.#table[place + 2] = ++this.count
    return { number: this.count - 1, isNew: true }
  }

  #grow(): void {
    const old = this.#table
    this.#table = new Int32Array(old.length * 2)
    for (let from = 0; from < old.length; from += 3) {
      if (old[from + 2] === 0) continue
      const place = placeOf(this.#table, old[from] as number, old[from + 1] as number)
      this.#table.set(old.subarray(from, from + 3), place)
    }
  }
}

/** Where a hash stands in the table, or the empty place where it belongs. */
function placeOf(table: Int32Array, low: number, high: number): number {
  const places = table.length / 3
  for (let place = ((low ^ Math.imul(high, 0x9e37)) >>> 0) % places; ; place = (place + 1) % places) {
    const at = place * 3
    if (table[at + 2] === 0 || (table[at] === low && table[at + 1] === high)) return at
  }
}

/** Two multiplicative hashes of 32 bits over the same text, each mixed with the other at the end. */
function hashOf(text: string): readonly [number, number] {
  let [a, b] = [0x2c1b3c6d, 0x297a2d39]
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    a = Math.imul(a ^ code, 0x9e3779b1)
    b = Math.imul(b ^ code, 0x5f356495)
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35)
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35)
  return [a | 0, b | 0]
}
