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

/** The lanes of a shard. */
export class Lanes {
  readonly #lanes = new LooseMap<string, number[]>()
  readonly #memberOf = new LooseMap<number, string>()

  /** Adds a reaction at the end of its lane, unless it stands there already. Returns whether it may run at once. */
  enter(member: LaneMember): boolean {
    const lane = this.#lanes.get(member.lane)
    if (this.#memberOf.has(member.num)) return lane?.[0] === member.num
    this.#memberOf.set(member.num, member.lane)
    if (lane === undefined) {
      this.#lanes.set(member.lane, [member.num])
      return true
    }
    lane.push(member.num)
    return false
  }

  /** Whether others of its lane are before it. */
  isWaiting(num: number): boolean {
    const name = this.#memberOf.get(num)
    return name !== undefined && this.#lanes.get(name)?.[0] !== num
  }

  /** Removes a reaction that has ended. Returns the one that may run now, if it was the head. */
  leave(num: number): number | undefined {
    const name = this.#memberOf.get(num)
    if (name === undefined) return undefined
    this.#memberOf.delete(num)
    const lane = this.#lanes.get(name) as number[]
    const wasHead = lane[0] === num
    lane.splice(lane.indexOf(num), 1)
    if (lane.length === 0) this.#lanes.delete(name)
    return wasHead ? lane[0] : undefined
  }
}
