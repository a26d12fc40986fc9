// Which flows are conducted, and which open runs belong to each: all that is kept in memory of a run that conducts. Runs are
// known from their rows as they are born and when recovery comes by them; conducting.ts says what is done with it.
import { overdueType } from '../core/names.ts'
import type { Failure } from '../core/failure.ts'
import type { Cancelled } from '../core/journal.ts'
import type { EventRow, RunRow, StoreReader } from '../core/store.ts'
import type { ChoreographyDefinition } from '../define/definition.ts'

/** A flow that is conducted, as long as its run is open. */
export interface Conducted {
  readonly num: number
  readonly id: string
  /** `field:value`. */
  readonly key: string
  readonly root: string
  readonly choreography: ChoreographyDefinition
  readonly types: ReadonlySet<string>
  /** Numbers of the open runs that it has brought about, and those that these have. */
  readonly members: Set<number>
  /** Those of them that are its calls. */
  readonly calls: Set<number>
  /** Position of the last event of the flow that this process wrote. */
  last: number
  cancelled: Cancelled | null
  /** Nothing can be written of its run for now: reactions answer what comes. */
  isPaused: boolean
  /** How the last of its calls that failed did, or of the runs that came of them. */
  failure: Failure | null
  /** The types of event that these would have brought; null when it could be any. */
  lost: ReadonlySet<string> | null
}

/** A look at whether a flow has begun. */
export interface Watched {
  /** Types of the events of its key that are written meanwhile. */
  readonly events: string[]
}

export interface ConductsOptions {
  readonly choreographies: ReadonlyMap<string, ChoreographyDefinition>
  readonly store: Pick<StoreReader, 'run'>
  readonly shard: number
}

/** The conducted flows of a shard. */
export class Conducts {
  readonly #options: ConductsOptions
  readonly #byNum = new Map<number, Conducted>()
  readonly #byKey = new Map<string, readonly Conducted[]>()
  readonly #byRoot = new Map<string, Conducted>()
  readonly #memberOf = new Map<number, Conducted>()
  readonly #watched = new Map<string, Set<Watched>>()
  /** Open runs that recovery came by, of which only their ancestors can tell. */
  #strays: Pick<RunRow, 'num' | 'parent'>[] | null = []

  constructor(options: ConductsOptions) {
    this.#options = options
  }

  /** There is this open run: it is new, or was found by recovery, which comes by older ones first. */
  know(row: RunRow): void {
    if (row.kind === 'choreography') return this.#register(row)
    if (this.#byNum.size === 0) return
    const { num, parent, root } = row
    const one = this.#ownerOf(parent) ?? this.#byRoot.get(root)
    if (one !== undefined) this.#join(num, one)
    if (one !== undefined && parent === one.num) one.calls.add(num)
    else if (one === undefined && parent !== null) this.#strays?.push({ num, parent })
  }

  /** All open runs are known. Those of which a parent has ended are found by their ancestors. */
  async recovered(): Promise<void> {
    const { store, shard } = this.#options
    const strays = this.#strays ?? []
    // Of a run that is born from now on the parent is open.
    this.#strays = null
    for (const { num, parent } of strays) {
      let at = parent
      while (at !== null && this.#ownerOf(at) === undefined) at = (await store.run(shard, at))?.parent ?? null
      const one = this.#ownerOf(at)
      if (one !== undefined) this.#join(num, one)
    }
  }

  /** The flow that a run conducts. */
  get(num: number): Conducted | undefined {
    return this.#byNum.get(num)
  }

  /** Who takes an event of a key, if it is published. */
  of(type: string, key: string): Conducted | undefined {
    return this.#byKey.get(key)?.find(({ types, isPaused }) => types.has(type) && !isPaused)
  }

  /** Everybody to whom an event is one of the flow. */
  allOf({ type, key }: Pick<EventRow, 'type' | 'key'>): readonly Conducted[] {
    return (this.#byKey.get(key) ?? []).filter(({ types }) => types.has(type))
  }

  /** Everybody whose flow an event tells of that a deadline has passed. */
  told({ type, key }: Pick<EventRow, 'type' | 'key'>): readonly Conducted[] {
    return (this.#byKey.get(key) ?? []).filter(({ choreography: { name } }) => type === overdueType(name))
  }

  /** From now on it is seen whether an event of this key is written. */
  watch(key: string): Watched {
    const watched: Watched = { events: [] }
    const others = this.#watched.get(key) ?? new Set()
    this.#watched.set(key, others.add(watched))
    return watched
  }

  unwatch(key: string, watched: Watched): void {
    const others = this.#watched.get(key)
    others?.delete(watched)
    if (others?.size === 0) this.#watched.delete(key)
  }

  /** An event is being written. */
  noticed({ key, type }: EventRow): void {
    for (const { events } of this.#watched.get(key) ?? []) events.push(type)
  }

  /** A run has ended: its flow is conducted no more. @returns the flow that it belonged to. */
  leave(num: number): Conducted | undefined {
    const own = this.#byNum.get(num)
    if (own !== undefined) this.#forget(own)
    const one = this.#memberOf.get(num)
    this.#memberOf.delete(num)
    one?.members.delete(num)
    one?.calls.delete(num)
    return one
  }

  /** The run can, or cannot, take events. */
  pause(num: number, isPaused: boolean): void {
    const one = this.#byNum.get(num)
    if (one !== undefined) one.isPaused = isPaused
  }

  /** Whether it is open and could end: none of its calls is under way. */
  isIdle(one: Conducted): boolean {
    return this.#byNum.get(one.num) === one && one.calls.size === 0 && !one.isPaused
  }

  /** Whether nothing is under way from which more could follow. */
  isQuiet(one: Conducted): boolean {
    return this.isIdle(one) && one.members.size === 0
  }

  #register({ num, id, name, key, root }: RunRow): void {
    const choreography = this.#options.choreographies.get(name)
    if (choreography === undefined || key === null) return
    const types = new Set(choreography.events.map(({ type }) => type))
    const state = {
      members: new Set<number>(),
      calls: new Set<number>(),
      last: 0,
      cancelled: null,
      isPaused: false,
      failure: null,
      lost: new Set<string>(),
    }
    const one: Conducted = { num, id, key, root, choreography, types, ...state }
    this.#byNum.set(num, one)
    this.#byRoot.set(root, one)
    this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), one])
  }

  #forget(one: Conducted): void {
    this.#byNum.delete(one.num)
    this.#byRoot.delete(one.root)
    const others = (this.#byKey.get(one.key) ?? []).filter((other) => other !== one)
    if (others.length === 0) this.#byKey.delete(one.key)
    else this.#byKey.set(one.key, others)
    for (const member of one.members) this.#memberOf.delete(member)
  }

  #ownerOf(parent: number | null): Conducted | undefined {
    return parent === null ? undefined : (this.#byNum.get(parent) ?? this.#memberOf.get(parent))
  }

  #join(num: number, one: Conducted): void {
    one.members.add(num)
    this.#memberOf.set(num, one)
  }
}
