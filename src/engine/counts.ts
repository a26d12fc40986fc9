// What this process has done since the application was opened, as plain numbers: they only rise, and shards that come and go
// share them, so that none falls when a shard is handed on. Whoever counts holds the object that it counts in, and nothing is
// allocated or looked up for a turn or an attempt. Names are those of definitions, never ids or keys: there are as many as the
// application has. Kept by Shards, read by metrics.ts.
import type { RunKind } from '../core/store-queries.ts'

/** How often something came to each of a few words. */
export class Tally<Word extends string = string> {
  readonly #counts = new Map<Word, number>()

  add(word: Word, count = 1): void {
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + count)
  }

  get entries(): readonly (readonly [Word, number])[] {
    return [...this.#counts]
  }
}

/** How long things took, in seconds: how many up to each bound and above the one before, and above the last; and the sum. */
export class Spread {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  add(seconds: number): void {
    const { bounds, counts } = this
    let at = 0
    while (at < bounds.length && seconds > (bounds[at] as number)) at++
    counts[at] = (counts[at] as number) + 1
    this.sum += seconds
  }
}

/** Of all runs of one name. */
export interface RunCounts {
  readonly kind: RunKind
  readonly name: string
  started: number
  completed: number
  failed: number
  cancelled: number
  turns: number
  /** How often one became stuck, by the reason. */
  readonly stuck: Tally
}

/** Of the attempts at one operation, or at the steps of one workflow: those may have any name. */
export interface AttemptCounts {
  readonly kind: 'operation' | 'step'
  readonly name: string
  failed: number
  /** Of those that failed, the ones that are made again by themselves. */
  retried: number
  readonly seconds: Spread
}

const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const ATTEMPT_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const LATE_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3600]

export class Counts {
  readonly #runs = new Map<RunKind, Map<string, RunCounts>>()
  readonly #attempts = new Map<AttemptCounts['kind'], Map<string, AttemptCounts>>()
  /** What was not taken on, by the code of the error. */
  readonly refused: Tally = new Tally()
  /** From when a batch was handed to the store until it was durable; those that were not written are in `commitsFailed`. */
  readonly commits: Spread = new Spread(COMMIT_SECONDS)
  readonly commitsFailed: Tally = new Tally()
  /** Rows of every kind that have become durable. */
  rows = 0
  /** How late timers were given to their runs. */
  readonly timersLate: Spread = new Spread(LATE_SECONDS)
  /** Starts, events and flows of shards of other nodes: done by the node that was asked, or gone by an inbox. */
  readonly elsewhere: Tally<'node' | 'inbox'> = new Tally()
  /** Rows of inboxes that could not be taken and were set aside. */
  setAside = 0
  /** Of those, the ones that people have dropped. */
  dropped = 0
  /** Shards that were another node's before; those that were handed on to another; and those that another has taken away. */
  readonly shardsTaken: Tally<'given' | 'silent'> = new Tally()
  shardsHandedOn = 0
  shardsFenced = 0

  runsOf(kind: RunKind, name: string): RunCounts {
    const known = this.#runs.get(kind)?.get(name)
    if (known !== undefined) return known
    const counts: RunCounts = {
      kind,
      name,
      started: 0,
      completed: 0,
      failed: 0,
      cancelled: 0,
      turns: 0,
      stuck: new Tally(),
    }
    under(this.#runs, kind).set(name, counts)
    return counts
  }

  attemptsOf(kind: AttemptCounts['kind'], name: string): AttemptCounts {
    const known = this.#attempts.get(kind)?.get(name)
    if (known !== undefined) return known
    const counts: AttemptCounts = { kind, name, failed: 0, retried: 0, seconds: new Spread(ATTEMPT_SECONDS) }
    under(this.#attempts, kind).set(name, counts)
    return counts
  }

  get runs(): readonly RunCounts[] {
    return [...this.#runs.values()].flatMap((byName) => [...byName.values()])
  }

  get attempts(): readonly AttemptCounts[] {
    return [...this.#attempts.values()].flatMap((byName) => [...byName.values()])
  }
}

function under<Kind, Value>(all: Map<Kind, Map<string, Value>>, kind: Kind): Map<string, Value> {
  const known = all.get(kind) ?? new Map<string, Value>()
  all.set(kind, known)
  return known
}
