// A map for what comes and goes: it lets go of a value when that is deleted, and of its key soon after. V8's own Map does
// not, once it is old. When it grows, shrinks or is cleared out it moves to a new table, and the old one keeps what stood in
// it and points to the new one; an old table that has reached the old generation keeps all that follow alive until the next
// full collection. So cells are emptied here, and after a number of additions the map begins anew with a Map of which the
// one before knows nothing.

class Cell<Value> {
  value: Value | undefined

  constructor(value: Value) {
    this.value = value
  }
}

/** It begins anew after so many additions, or after twice as many as it has entries, whichever is more. */
const ADDED = 64

/** The part of Map that is used here; values are never undefined. */
export class LooseMap<Key, Value extends {} | null> {
  #cells = new Map<Key, Cell<Value>>()
  #added = 0
  /** Who walks through it meets what is put in meanwhile: it does not begin anew until then. */
  #walks = 0

  get size(): number {
    return this.#cells.size
  }

  get(key: Key): Value | undefined {
    return this.#cells.get(key)?.value
  }

  has(key: Key): boolean {
    return this.#cells.has(key)
  }

  set(key: Key, value: Value): this {
    const cell = this.#cells.get(key)
    if (cell === undefined) {
      if (++this.#added > ADDED && this.#added > 2 * this.#cells.size && this.#walks === 0) this.#beginAnew()
      this.#cells.set(key, new Cell(value))
    } else cell.value = value
    return this
  }

  delete(key: Key): boolean {
    const cell = this.#cells.get(key)
    if (cell === undefined) return false
    cell.value = undefined
    return this.#cells.delete(key)
  }

  clear(): void {
    for (const cell of this.#cells.values()) cell.value = undefined
    this.#cells.clear()
  }

  *keys(): Generator<Key> {
    for (const [key] of this.entries()) yield key
  }

  *values(): Generator<Value> {
    for (const [, value] of this.entries()) yield value
  }

  *entries(): Generator<[Key, Value]> {
    this.#walks += 1
    try {
      // What stands in the map is in its cell: only what was deleted is not.
      for (const [key, { value }] of this.#cells) yield [key, value as Value]
    } finally {
      this.#walks -= 1
    }
  }

  [Symbol.iterator](): Generator<[Key, Value]> {
    return this.entries()
  }

  #beginAnew(): void {
    this.#cells = new Map(this.#cells)
    this.#added = this.#cells.size
  }
}
