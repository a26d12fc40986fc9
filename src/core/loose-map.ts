// A map for what comes and goes: it lets go of a value when that is deleted. V8's own Map does not, once it is old. When it
// grows or is cleared out it moves to a new table, and the old one keeps its values and points to the new one; an old table
// that has reached the old generation keeps all that follow alive until the next full collection, with every value that
// stood in them then. Here a table holds cells, which are emptied.

interface Cell<Value> {
  value: Value | undefined
}

/** The part of Map that is used here; values are never undefined. */
export class LooseMap<Key, Value extends {} | null> {
  readonly #cells = new Map<Key, Cell<Value>>()

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
    if (cell === undefined) this.#cells.set(key, { value })
    else cell.value = value
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

  keys(): MapIterator<Key> {
    return this.#cells.keys()
  }

  *values(): Generator<Value> {
    // What stands in the map is in its cell: only what was deleted is not.
    for (const { value } of this.#cells.values()) yield value as Value
  }

  *entries(): Generator<[Key, Value]> {
    for (const [key, { value }] of this.#cells) yield [key, value as Value]
  }

  [Symbol.iterator](): Generator<[Key, Value]> {
    return this.entries()
  }
}
