// Trials that wait, in lines of those that may be made as one group, so that to choose the next takes no longer for a crowd.
// Used by trials.ts.
import { KINDS, type Accused, type Party, type Trial } from './trial.ts'

interface Line {
  readonly quietMs: number
  readonly kind: Trial['kind']
  readonly width: Accused['width']
  /** With the number in which it came. */
  trials: (readonly [came: number, trial: Trial])[]
  /** Those before it have been taken. */
  first: number
}

export class TrialLines {
  readonly #lines = new Map<string, Line>()
  #came = 0

  get isEmpty(): boolean {
    return this.#lines.size === 0
  }

  /** How long it has to be quiet before the first of them may go. */
  get leastQuietMs(): number {
    return Math.min(...[...this.#lines.values()].map(({ quietMs }) => quietMs))
  }

  add(trial: Trial): void {
    const { quietMs, kind, accused } = trial
    const { width } = accused
    const name = `${quietMs} ${kind} ${width}`
    let line = this.#lines.get(name)
    if (line === undefined) this.#lines.set(name, (line = { quietMs, kind, width, trials: [], first: 0 }))
    line.trials.push([this.#came++, trial])
  }

  /**
   * Takes the first that may go, and others like it. Whoever asks for less quiet goes before; then replays before turns, and
   * those before effects: who opens a shard waits for the first.
   * @param most of those of which nothing was found.
   */
  take(quietMs: number, most: number): readonly Trial[] {
    const least = this.leastQuietMs
    if (least > quietMs) return []
    const ready = [...this.#lines].filter(([, line]) => line.quietMs === least)
    const [next] = ready.sort(([, a], [, b]) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || cameOf(a) - cameOf(b))
    if (next === undefined) return []
    const [name, line] = next
    const end = line.first + (line.width ?? most)
    const group = line.trials.slice(line.first, end).map(([, trial]) => trial)
    line.first = end
    if (end >= line.trials.length) this.#lines.delete(name)
    return group
  }

  /** Takes out those of a shard. */
  drop(party: Party): readonly Trial[] {
    const dropped: Trial[] = []
    for (const [name, line] of this.#lines) {
      const waiting = line.trials.slice(line.first)
      const ofParty = waiting.filter(([, { accused }]) => accused.party === party)
      dropped.push(...ofParty.map(([, trial]) => trial))
      if (ofParty.length === waiting.length) this.#lines.delete(name)
      else Object.assign(line, { trials: waiting.filter(([, { accused }]) => accused.party !== party), first: 0 })
    }
    return dropped
  }
}

const cameOf = ({ trials, first }: Line): number => trials[first]?.[0] ?? Infinity
