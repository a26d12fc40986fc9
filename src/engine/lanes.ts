// The order of reactions: one at a time per (service, key), in the order of the events. A lane holds the reactions that
// have not ended; its head is the one that runs. A stuck reaction holds only its lane.

import { LooseMap } from '../core/loose-map.ts'
import type { RunRow } from '../core/store.ts'

/** What a lane needs to know of a reaction's run. */
export interface LaneMember {
  readonly num: number
  readonly lane: string
}

/** The lane of a reaction: its service, and the key of the event, or of nothing but itself. */
export function laneOf({ id, key, name, ns }: RunRow): string {
  return `${name.slice(0, name.indexOf(':'))} ${ns} ${key ?? id}`
}

/** A member in its lane, between the one before it and the one after it. */
interface Place {
  readonly num: number
  readonly lane: Ends
  ahead: Place | null
  behind: Place | null
}

/** The first and the last of a lane. */
interface Ends {
  readonly name: string
  head: Place | null
  tail: Place | null
}

/** The lanes of a shard. However long one is, entering and leaving it anywhere costs the same. */
export class Lanes {
  readonly #lanes = new LooseMap<string, Ends>()
  readonly #places = new LooseMap<number, Place>()

  /** Adds a reaction at the end of its lane, unless it stands there already. Returns whether it may run at once. */
  enter({ num, lane: name }: LaneMember): boolean {
    if (this.#places.has(num)) return !this.isWaiting(num)
    const lane = this.#lanes.get(name) ?? { name, head: null, tail: null }
    const place = { num, lane, ahead: lane.tail, behind: null }
    this.#places.set(num, place)
    if (lane.tail === null) {
      lane.head = place
      this.#lanes.set(name, lane)
    } else lane.tail.behind = place
    lane.tail = place
    return lane.head === place
  }

  /** Whether others of its lane are before it. */
  isWaiting(num: number): boolean {
    return this.#places.get(num)?.ahead != null
  }

  /** Removes a reaction that has ended. Returns the one that may run now, if it was the head. */
  leave(num: number): number | undefined {
    const place = this.#places.get(num)
    if (place === undefined) return undefined
    this.#places.delete(num)
    const { lane, ahead, behind } = place
    if (ahead === null) lane.head = behind
    else ahead.behind = behind
    if (behind === null) lane.tail = ahead
    else behind.ahead = ahead
    if (lane.head === null) this.#lanes.delete(lane.name)
    // Whatever still knows this place, and be it the memory of an old one, keeps the others no longer than they are there.
    place.ahead = null
    place.behind = null
    return ahead === null ? behind?.num : undefined
  }
}
