// Whether the application takes on more: starts and events by hand are refused (OVERLOADED) before anything of them is kept
// when turns or commits wait too long, when too many runs are open, or when too many requests wait for their
// acknowledgement. Of a process with several shards all of them count, and of the open runs that the store may have its part.
// Signals, cancellations, what a person answers, and what lay in the inbox are never asked here: they
// help what was taken on to end. What counts is how long things wait, not how many: a fast machine may hold more.
//
//   open --past the limit--> refusing --below half of it--> open      (turns of each workflow, turns of all, commits)
import type { Random } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Limits } from '../define/limits.ts'
import type { Counts } from './counts.ts'

/**
 * Turns of other workflows keep a start out only when they wait so many times longer than its own may: a flood is the
 * flooded workflow's affair, until what it causes elsewhere is everybody's.
 */
const PATIENCE = 4
/** Nobody knows when a run will end. */
const RUN_ENDS_MS = 5000
const LEAST_MS = 500
/** Nobody need wait longer to ask again: what holds things up may be over at any time. */
const MOST_MS = 30_000

export interface AdmissionOptions {
  readonly limits: Limits
  readonly counts: Pick<Counts, 'refused'>
  readonly random: Random
  /** How long a turn of a workflow has to wait, or one of any for null, in milliseconds. */
  readonly turnWaitMs: (workflow: string | null) => number
  /** How long a commit has to wait, the one in flight included, in milliseconds. */
  readonly commitWaitMs: () => number
  /** Runs that have not ended. */
  readonly openRuns: () => number
  /** What the other shards of this process have, when so many runs are to come in; absent where there are none. */
  readonly beside?: (runs: number) => Beside
  /** @throws STORE_FULL while the disk is full */
  readonly checkSpace: () => void
}

/** What the other shards of a process have taken on, and which part of the store all shards of it are. */
export interface Beside {
  readonly open: number
  readonly arriving: number
  readonly part: number
}

const ALONE: Beside = { open: 0, arriving: 0, part: 1 }

/** What wants to come in. */
export interface Arrival {
  /** Whose turns it will have; null for an event and for a single operation, which have none of their own. */
  readonly workflow: string | null
  /** Runs that it will open. */
  readonly runs: number
}

/** A place that an arrival has taken. Until its runs are there they count as open all the same. */
export interface Place {
  /** Its runs are among the open ones from now on. */
  born(): void
  /** It was acknowledged, or came to nothing. */
  leave(): void
}

/** The door of a shard. */
export class Admission {
  readonly #options: AdmissionOptions
  /** What was past its limit when it was looked at last: it has to fall to half of that. */
  readonly #past = new Set<string>()
  #arriving = 0
  #unborn = 0

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Takes a place. A burst is counted before the first of it has become a turn. @throws OVERLOADED, STORE_FULL */
  enter(arrival: Arrival): Place {
    const refusal = this.refusal(arrival)
    if (refusal !== null) {
      // What waits for space is no overload.
      this.#options.checkSpace()
      this.#options.counts.refused.add('OVERLOADED')
      throw refusal
    }
    let { runs: unborn } = arrival
    let isIn = true
    this.#arriving += 1
    this.#unborn += unborn
    const born = (): void => {
      this.#unborn -= unborn
      unborn = 0
    }
    return {
      born,
      leave: () => {
        born()
        if (isIn) this.#arriving -= 1
        isIn = false
      },
    }
  }

  /** Runs that are open, or about to be. */
  get open(): number {
    return this.#options.openRuns() + this.#unborn
  }

  /** Requests that wait for their acknowledgement. */
  get arriving(): number {
    return this.#arriving
  }

  /** Why an arrival must wait, or null. */
  refusal({ workflow, runs }: Arrival): Error | null {
    const { limits, turnWaitMs, commitWaitMs, beside } = this.#options
    const others = beside?.(runs) ?? ALONE
    const arriving = this.#arriving + others.arriving
    if (arriving >= limits.arrivals)
      return this.#overloaded(`${arriving} requests wait for their acknowledgement (limits.arrivals)`, LEAST_MS)
    const open = this.open + others.open
    // What is more than all that may be open by itself comes in when nothing else is.
    if (runs > 0 && open > 0 && open + runs > Math.ceil(limits.openRuns * others.part)) {
      const here = others.part === 1 ? '' : ' at this node'
      return this.#overloaded(`${open} runs are open${here} (limits.openRuns)`, RUN_ENDS_MS)
    }
    const commits = this.#excess('commits', commitWaitMs(), limits.commitMs)
    if (commits > 0) return this.#overloaded('what is to be committed waits too long (limits.commitMs)', commits)
    const turns = this.#excess('turns', turnWaitMs(null), limits.queueMs * PATIENCE)
    if (turns > 0) return this.#overloaded('turns wait too long (limits.queueMs)', turns)
    const own = workflow === null ? 0 : this.#excess(`turns of ${workflow}`, turnWaitMs(workflow), limits.queueMs)
    return own > 0 ? this.#overloaded(`turns of ${workflow} wait too long (limits.queueMs)`, own) : null
  }

  /** How long it will take until something is below half of its limit again; 0 when it is not past it. */
  #excess(what: string, waitMs: number, limitMs: number): number {
    const isPast = waitMs > (this.#past.has(what) ? limitMs / 2 : limitMs)
    if (isPast) this.#past.add(what)
    else this.#past.delete(what)
    return isPast ? waitMs - limitMs / 2 : 0
  }

  /** @param ms what the wait is expected to be; whoever is refused now does not come back all at once. */
  #overloaded(problem: string, ms: number): Error {
    const seconds = Math.ceil(
      (Math.min(Math.max(ms, LEAST_MS), MOST_MS) / 1000) * (1 + this.#options.random.seed() / 2 ** 32),
    )
    return fault('OVERLOADED', { problem, seconds })
  }
}
