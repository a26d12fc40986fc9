// What a monitor keeps in memory: how far it has followed each choreography, and of the flows of their keys those that go
// on or were written just now. Used by monitor.ts.
import type { FlowAccount, FlowEvent } from '../core/flow-account.ts'
import { LooseMap } from '../core/loose-map.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'
import type { Passed } from './flow-rows.ts'

/** Flows of a choreography that are kept without need, of those that go on. */
const KEPT = 10_000

/** How far a choreography has been followed. */
export interface Followed {
  readonly choreography: ChoreographyDefinition
  /** Those in memory, by their keys. */
  readonly flows: LooseMap<string, Live>
  /** The position behind which it is followed: what came before is no part of its flows. */
  since: number
  /** The position up to which another contract followed it, which may have passed over events of this one: a row from before may lack some. */
  from: number
  /** Whether flows that go on may still stand as another contract left them. */
  isBehind: boolean
  /** The last event that was met, and what the store knows. */
  met: number
  written: number
}

/** The flow of one key. */
export interface Live {
  readonly followed: Followed
  readonly key: string
  /** Whether it is known what its row says. One that begins is taken for a new one, without a row, until it is written as that. */
  isRead: boolean
  /** Null as long as it has no event. */
  account: FlowAccount | null
  /** The contract by which its row stood that was another one than today; null when there is none. */
  before: string | null
  /** The deadline for which there is a timer. */
  armed: number | null
  /** The batch in which a timer of it was dropped last: one that is set again in that stays. */
  droppedIn: object | null
  /** Since when (`elapsedOf`) its row does not say what is known of it, and an event before which it tells of all; null when it does. */
  changed: { readonly at: number; readonly pos: number } | null
  /** Deadlines that have passed, and are told in the batch that writes its row. */
  readonly passed: Passed[]
  /** Rows of it that are not durable yet: until then it is not forgotten. */
  writes: number
  /** What came while its row was read; null when that is over. */
  waiting: (FlowEvent | Work)[] | null
}

/** Something to be done with a flow of which it is known what its row says. */
export type Work = (flow: Live) => void

export function followedOf(choreography: ChoreographyDefinition): Followed {
  return { choreography, flows: new LooseMap(), since: -1, from: -1, isBehind: false, met: 0, written: 0 }
}

/** One that is not in memory: with an account it is taken for a new one, without it its row is to be read. */
export function flowOf(followed: Followed, key: string, account: FlowAccount | null): Live {
  return {
    followed,
    key,
    isRead: false,
    account,
    before: null,
    armed: null,
    droppedIn: null,
    changed: null,
    passed: [],
    writes: 0,
    waiting: null,
  }
}

/** Whether its row says all that is known of it. */
export function isIdle({ waiting, changed, writes }: Live): boolean {
  return waiting === null && changed === null && writes === 0
}

/** Whether more flows are in memory than are kept without need. */
export function isCrowded({ flows }: Followed): boolean {
  return flows.size > KEPT
}

/** Of too many flows those go for which nothing came lately: their rows say all that is known of them. */
export function forgetIdle(followed: Followed): void {
  if (!isCrowded(followed)) return
  const { flows } = followed
  for (const [key, flow] of flows.entries()) {
    if (isIdle(flow)) flows.delete(key)
    if (!isCrowded(followed)) return
  }
}
