// Timers by when they are due: a binary heap, and the name of each, by which it is told whether it is still set. One that is
// gone stays in the heap until it comes up, or until most of what stands there is gone: most limits are never reached, so a
// heap that kept them until they are due would hold what ten minutes of work have set.
import { LooseMap } from '../core/loose-map.ts'
import type { TimerRow } from '../core/store.ts'

/** A heap of so few is not worth making anew. */
const FEW = 64

/** By this name a timer is set once. */
export function nameOf(timer: TimerRow): string {
  return `${timer.run} ${timer.op}`
}

/** Timers that memory holds. */
export class DueHeap {
  #heap: TimerRow[] = []
  readonly #set = new LooseMap<string, TimerRow>()

  /** How many stand in the heap, those that are gone included. */
  get size(): number {
    return this.#heap.length
  }

  /** Whether it is set, for this time. */
  has(timer: TimerRow): boolean {
    return this.#set.get(nameOf(timer))?.due === timer.due
  }

  /** Sets it, for this time and no other. */
  add(timer: TimerRow): void {
    this.#set.set(nameOf(timer), timer)
    push(this.#heap, timer)
  }

  /** It is set no more. */
  remove(timer: TimerRow): void {
    this.#set.delete(nameOf(timer))
    if (this.#heap.length <= FEW || this.#heap.length <= 2 * this.#set.size) return
    // What is in order is a heap.
    this.#heap = [...this.#set.values()].sort((one, other) => one.due - other.due)
  }

  /** The one that is due first. */
  get first(): TimerRow | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined || this.#set.get(nameOf(first)) === first) return first
      pop(this.#heap)
    }
  }

  /** Takes the first out of the heap if it is due; it stays set. */
  popDue(now: number): TimerRow | undefined {
    const { first } = this
    if (first === undefined || first.due > now) return undefined
    pop(this.#heap)
    return first
  }
}

function push(heap: TimerRow[], timer: TimerRow): void {
  let index = heap.push(timer) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if ((heap[parent] as TimerRow).due <= timer.due) break
    heap[index] = heap[parent] as TimerRow
    index = parent
  }
  heap[index] = timer
}

function pop(heap: TimerRow[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && (heap[child + 1] as TimerRow).due < (heap[child] as TimerRow).due) child++
    if ((heap[child] as TimerRow).due >= last.due) break
    heap[index] = heap[child] as TimerRow
    index = child
  }
  heap[index] = last
}
