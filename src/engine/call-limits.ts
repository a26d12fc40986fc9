// Lets attempts begin as their services can take them: so many at once, so many in a time, and of each value of a field for
// itself. Of a process, so that the shards of it share what they may; of a store with several nodes each has the part of its
// shards. A limit delays and refuses nothing: whoever waits is no attempt, and its time limit has not begun.
//
//   waiting --the first in the line, and there is room--> held, of every limit of the call --begun--> taken --> left
//      '------------------------- dropped, at any of them ----------------------------------------------> left
//
// A call has its places in the order of its limits, the narrower first, so that none waits for another in a ring: whoever waits
// for the wider has a place of the narrower, and only others of that wait for it. What is held is room, and no beginning:
// a rate counts from when the attempt begins, however long the trial of its run (suspects.ts) or a lease has taken meanwhile.
//
// A rate is the generic cell rate algorithm (ITU-T I.371): each beginning moves a time on by one interval, and none begins
// before that time. Only that one number is kept, and a process that begins may take it to be as late as any before it can
// have left it. Interval and slack are such that in no time of the length there are more than was said.
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'
import { LooseMap } from '../core/loose-map.ts'
import type { KeptRoom } from '../core/transport.ts'
import type { PlaceView } from '../core/views.ts'
import type { Log } from '../define/definition.ts'
import type { CallLimit } from '../define/service-limits.ts'
import { countedAs, FetchLines, placeView } from './fetch-lines.ts'
import { PlaceQueue, type Waiting } from './place-queue.ts'
import type { StopSignal } from './stop-signal.ts'

/** Timers come late by this: what they missed is made up for. */
const SLACK_MS = 5
/** Times are added up. */
const ROUNDING_MS = 1e-6
/** A process that begins takes what another did for so long at the most: one that begins anew each day has a call in each all the same. */
const OTHERS_MS = 60_000
/** Who is shown where it stands is told no more than so many before it. */
const COUNTED = 1000
/** Values of fields of which something is known, before it is looked which of them are worth keeping. */
const FEW = 1000

/** A limit, and the value of its field in one call. */
export interface Bound {
  readonly limit: CallLimit
  /** Empty for a limit without a field. */
  readonly value: string
}

/** Who wants a place. */
export interface Wanted {
  /** Narrower limits before wider ones; those of two calls are always in the same order. */
  readonly bounds: readonly Bound[]
  /** It takes something back: new work does not come before it. */
  readonly isUndo: boolean
  /** From `age()`, when the call was asked for. */
  readonly age: number
  /** It has its places. */
  readonly given: () => void
}

interface Line {
  readonly limit: CallLimit
  readonly value: string
  readonly counts: LimitCounts
  readonly queue: PlaceQueue<CallPlace>
  /** Places that are held, and those of attempts that are under way. */
  held: number
  taken: number
  /** Of a rate: when the next would begin if they came evenly, by time that passes. */
  next: number
  wake: Cancel | null
  /** Calls that it is for: as long as there are any it is the only one. */
  users: number
}

/** A limit as it is at this node. */
interface Share {
  readonly atOnce: number
  /** How far apart attempts begin, and by how much one may be early for those that were late. */
  readonly intervalMs: number
  readonly slackMs: number
}

/** Of one limit, all values of its field together. */
export interface LimitCounts {
  readonly name: string
  waiting: number
  running: number
}

/** The shards that are here, of all. */
interface Part {
  readonly own: readonly number[]
  readonly shards: number
}

/** A place of a call, or where it stands in the line for one. */
export class CallPlace implements Waiting {
  readonly isUrgent: boolean
  readonly age: number
  readonly wanted: Wanted
  readonly lines: readonly Line[]
  index = 0
  /** How many of its lines it has passed. */
  passed = 0
  state: 'waiting' | 'held' | 'taken' | 'left' = 'waiting'
  /** At a service that fetches its calls: the room that is kept for it. */
  room: KeptRoom | undefined
  readonly #limits: CallLimits

  constructor(limits: CallLimits, wanted: Wanted, lines: readonly Line[]) {
    this.#limits = limits
    this.wanted = wanted
    this.isUrgent = wanted.isUndo
    this.age = wanted.age
    this.lines = lines
  }

  /** Goes into the line. What was to be called is called when it has its place, which may be before this returns. */
  enter(): void {
    this.#limits.enter(this)
  }

  /** The attempt begins now. @param stop what tells it to stop */
  begun(stop: Pick<StopSignal, 'signal'>): void {
    this.room?.begins(stop.signal)
    this.#limits.begun(this)
  }

  /** The attempt is over, or is not made. Safe twice. */
  leave(): void {
    this.#limits.leave(this)
  }

  /** For what it waits; undefined when it does not. */
  get view(): PlaceView | undefined {
    const line = this.lines[this.passed]
    if (this.state !== 'waiting' || line === undefined) return undefined
    return placeView(line, line.queue.before(this, COUNTED))
  }
}

export class CallLimits {
  readonly #clock: Clock
  readonly #log: Log
  readonly #fetchLines: FetchLines
  readonly #lines = new Map<CallLimit, LooseMap<string, Line>>()
  readonly #counts = new Map<string, LimitCounts>()
  #few = FEW
  #kept = 0
  #ages = 0
  #part: Part = { own: [0], shards: 1 }
  readonly #shares = new Map<CallLimit, Share>()
  /** Limits of which the shards of this node have less than one. */
  readonly #told = new Set<string>()
  /** Lines of which more is under way than falls to the shards that are here, and who waits for that to end. */
  readonly #over = new Set<Line>()
  readonly #whenFit: (() => void)[] = []
  /** Until when another process may have begun attempts that this one does not know of, by time that passes. */
  #others = Number.NEGATIVE_INFINITY
  /** Lines in which somebody may go on. */
  readonly #ready: Line[] = []
  #isServing = false

  constructor(clock: Clock, log: Log) {
    this.#fetchLines = new FetchLines(clock, log)
    this.#clock = clock
    this.#log = log
  }

  /** Of a call that is asked for now. */
  age(): number {
    return ++this.#ages
  }

  /** Those that somebody has come to. */
  get counts(): readonly LimitCounts[] {
    return [...this.#counts.values()]
  }

  /** Which shards are here. */
  shares(own: readonly number[], shards: number): void {
    this.#part = { own, shards }
    this.#shares.clear()
    this.#over.clear()
    for (const lines of this.#lines.values()) {
      for (const line of lines.values()) {
        if (this.#isOver(line)) this.#over.add(line)
        this.#ready.push(line)
      }
    }
    this.#tellFit()
    this.#serve()
  }

  /** Resolves when no more is under way than falls to the shards that are here: then others may have the rest. Null when that is so. */
  get fit(): Promise<void> | null {
    return this.#over.size === 0 ? null : new Promise((resolve) => this.#whenFit.push(resolve))
  }

  #isOver({ limit, held, taken }: Line): boolean {
    return held + taken > this.#share(limit).atOnce
  }

  #tellFit(): void {
    if (this.#over.size === 0) for (const resolve of this.#whenFit.splice(0)) resolve()
  }

  /** A shard is here that another process had. */
  cameFromAnother(): void {
    this.#others = elapsedOf(this.#clock)
  }

  /** The place of a call, which has not entered yet. */
  place(wanted: Wanted): CallPlace {
    return new CallPlace(
      this,
      wanted,
      wanted.bounds.map(({ limit, value }) => this.#line(limit, value)),
    )
  }

  enter(place: CallPlace): void {
    this.#advance(place)
    this.#serve()
  }

  begun(place: CallPlace): void {
    if (place.state !== 'held') return
    place.state = 'taken'
    const now = elapsedOf(this.#clock)
    for (const line of place.lines) {
      line.held -= 1
      line.taken += 1
      line.counts.running += 1
      if (line.limit.rate !== null) line.next = Math.max(this.#nextOf(line), now) + this.#share(line.limit).intervalMs
      this.#ready.push(line)
    }
    this.#serve()
  }

  leave(place: CallPlace): void {
    const { state, lines, passed } = place
    if (state === 'left') return
    place.state = 'left'
    place.room?.over()
    for (const [at, line] of lines.entries()) {
      if (state === 'taken') {
        line.taken -= 1
        line.counts.running -= 1
      } else if (at < passed) line.held -= 1
      else if (at === passed) {
        line.queue.remove(place)
        line.counts.waiting -= 1
      }
      this.#ready.push(line)
    }
    this.#serve()
    for (const line of lines) {
      line.users -= 1
      if (this.#over.has(line) && !this.#isOver(line)) this.#over.delete(line)
      this.#forget(line)
    }
    this.#tellFit()
  }

  /** Goes into the line that is next for it; past the last it has its places. */
  #advance(place: CallPlace): void {
    const line = place.lines[place.passed]
    if (line === undefined) {
      place.state = 'held'
      return place.wanted.given()
    }
    line.queue.add(place)
    line.counts.waiting += 1
    // Until it wakes nobody goes on, whoever is the first.
    if (line.wake === null) this.#ready.push(line)
  }

  /** One after the other, however they come about: a call that is given its place may leave at once, and lets in the next. */
  #serve(): void {
    if (this.#isServing) return
    this.#isServing = true
    try {
      for (let line = this.#ready.pop(); line !== undefined; line = this.#ready.pop()) this.#serveLine(line)
    } finally {
      this.#isServing = false
    }
  }

  #serveLine(line: Line): void {
    line.wake?.()
    line.wake = null
    for (let first = line.queue.first; first !== undefined; first = line.queue.first) {
      line.wake = this.#fetchLines.whenFree(line.limit, () => this.#woken(line))
      if (line.wake !== null) return
      const wait = this.#waitMs(line)
      if (wait > 0) {
        if (Number.isFinite(wait)) line.wake = this.#clock.after(Math.ceil(wait), () => this.#woken(line))
        return
      }
      line.queue.remove(first)
      line.counts.waiting -= 1
      line.held += 1
      first.passed += 1
      first.room = this.#fetchLines.reserve(line.limit)
      this.#advance(first)
    }
  }

  #woken(line: Line): void {
    line.wake = null
    this.#ready.push(line)
    this.#serve()
  }

  /** How long until one more may be held; infinite until somebody leaves or begins. */
  #waitMs(line: Line): number {
    const { limit, held, taken } = line
    const { atOnce, intervalMs, slackMs } = this.#share(limit)
    if (held + taken >= atOnce) return Number.POSITIVE_INFINITY
    if (limit.rate === null) return 0
    // All that are held might begin now, and this one too.
    if (held * intervalMs > slackMs + ROUNDING_MS) return Number.POSITIVE_INFINITY
    const wait = this.#nextOf(line) + held * intervalMs - slackMs - elapsedOf(this.#clock)
    return wait > ROUNDING_MS ? wait : 0
  }

  /** When the next would begin if they came evenly; of what another process began, the latest that it can be. */
  #nextOf({ limit, next }: Line): number {
    const { intervalMs, slackMs } = this.#share(limit)
    return Math.max(next, this.#others + Math.min(intervalMs, OTHERS_MS) + slackMs)
  }

  #share(limit: CallLimit): Share {
    const known = this.#shares.get(limit)
    if (known !== undefined) return known
    const { own, shards } = this.#part
    const { atOnce, rate } = limit
    const places = atOnce === null ? Number.POSITIVE_INFINITY : partOf(atOnce, this.#part)
    if (places === 0 && own.length > 0) this.#tellWhole(limit)
    let [intervalMs, slackMs] = [0, 0]
    if (rate !== null) {
      // Less than one in the time is one in a longer time.
      const calls = partOf(rate.calls, this.#part) || (rate.calls * Math.max(1, own.length)) / shards
      intervalMs = (rate.ms + SLACK_MS) / calls
      slackMs = SLACK_MS + (Math.max(1, partOf(rate.burst, this.#part)) - 1) * intervalMs
    }
    const share = { atOnce: own.length === 0 ? 0 : Math.max(1, places), intervalMs, slackMs }
    this.#shares.set(limit, share)
    return share
  }

  #tellWhole({ name, words }: CallLimit): void {
    if (this.#told.has(name)) return
    this.#told.add(name)
    const message = `The limit of ${name} (${words}) is less than can be divided among the nodes: each of them has 1 at once`
    this.#log.warn(message, { limit: name })
  }

  #line(limit: CallLimit, value: string): Line {
    let lines = this.#lines.get(limit)
    if (lines === undefined) this.#lines.set(limit, (lines = new LooseMap<string, Line>()))
    let line = lines.get(value)
    if (line === undefined) {
      if (this.#kept >= this.#few) this.#tidy()
      line = lineOf(limit, value, this.countsOf(countedAs(limit)))
      lines.set(value, line)
      this.#kept += 1
    }
    line.users += 1
    return line
  }

  /** One that is like a new one need not be kept. */
  #forget(line: Line): void {
    if (line.users > 0 || line.next > elapsedOf(this.#clock)) return
    if (this.#lines.get(line.limit)?.delete(line.value) === true) this.#kept -= 1
  }

  /** Those that a rate has kept: they are looked at when there are twice as many as were left the last time. */
  #tidy(): void {
    for (const lines of this.#lines.values()) for (const line of lines.values()) this.#forget(line)
    this.#few = Math.max(FEW, 2 * this.#kept)
  }

  /** They are there from when the application is opened, with nobody. */
  countsOf(name: string): LimitCounts {
    const known = this.#counts.get(name) ?? { name, waiting: 0, running: 0 }
    this.#counts.set(name, known)
    return known
  }
}

function lineOf(limit: CallLimit, value: string, counts: LimitCounts): Line {
  const next = Number.NEGATIVE_INFINITY
  return { limit, value, counts, queue: new PlaceQueue(), held: 0, taken: 0, next, wake: null, users: 0 }
}

/** What falls to the shards that are here: of all shards together it is all. */
function partOf(all: number, { own, shards }: Part): number {
  if (shards === 1) return all
  const upTo = (shard: number): number => Math.floor((shard * all) / shards)
  return own.reduce((sum, shard) => sum + upTo(shard + 1) - upTo(shard), 0)
}
