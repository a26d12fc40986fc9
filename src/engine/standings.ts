// How many of the open runs of a shard stand how: by kind, name, status and reason. Each open run points to the entry that it
// is counted in, live or parked, so that nobody walks through all of them to count. Kept by OpenRuns.
import type { RunRow } from '../core/store.ts'

/** What of a row says how a run stands. */
export type StandingRow = Pick<RunRow, 'kind' | 'name' | 'status' | 'phase' | 'reason'>

/** Runs that stand alike. */
export interface Standings {
  readonly kind: RunRow['kind']
  readonly name: string
  /** `stuck`; or the phase, or `running`. */
  readonly status: string
  /** Why it is stuck, or null. */
  readonly reason: string | null
  runs: number
}

export class StandingCounts {
  readonly #byName = new Map<string, Standings[]>()

  /** Counts a run. What is returned is where it is counted. */
  enter(row: StandingRow): Standings {
    const entry = this.#of(row)
    entry.runs += 1
    return entry
  }

  /** Counts it no more. */
  leave(entry: Standings | undefined): void {
    if (entry !== undefined) entry.runs -= 1
  }

  get all(): readonly Standings[] {
    return [...this.#byName.values()].flat()
  }

  #of({ kind, name, status: stored, phase, reason: why }: StandingRow): Standings {
    const status = stored === 'stuck' ? stored : (phase ?? stored)
    const reason = stored === 'stuck' ? why : null
    const known = this.#byName.get(name)
    for (const entry of known ?? [])
      if (entry.status === status && entry.reason === reason && entry.kind === kind) return entry
    const entry = { kind, name, status, reason, runs: 0 }
    if (known === undefined) this.#byName.set(name, [entry])
    else known.push(entry)
    return entry
  }
}
