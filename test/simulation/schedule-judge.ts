// What became of every time of every schedule, held against what the guide promises (docs/guides/schedules.md): it was fired, once,
// or left out with a word, and nothing else was. Which release fires at a moment at which two are there nobody promises: there
// only what all of them say is judged.
import type { Line } from './books.ts'
import { isWanted, type Spec } from './schedule-contracts.ts'
import { dayAt, timesOf } from './schedule-times.ts'
import type { Started, Statement, Watch } from './schedule-watch.ts'

/** How long a release may count that is not there any more, or not yet: what is stuck or suspected looks late. */
const MIXED_MS = 16_000
/** What is between a look at the clock and what can be seen of it. */
const SLACK_MS = 400
/** When all is well: how late a time may be fired, and after how long nobody is suspected any more. */
const LATE_MS = 3000
const QUIET_MS = 45_000
/** Longer ago is not made up for with `none`. */
const NONE_MS = 60_000

export function judgeSchedules(watch: Watch, lines: readonly Line[]): void {
  judgeWork(watch, lines)
  const names = new Set(watch.releases.flat().map(({ name }) => name))
  for (const name of names) new Judge(watch, name).judge()
}

/** Each run told the service of its time, once. */
function judgeWork({ firings, world, byHand }: Watch, lines: readonly Line[]): void {
  const applied = Map.groupBy(
    lines.filter(({ outcome }) => outcome === 'applied'),
    ({ run }) => run,
  )
  for (const [id, { length }] of Map.groupBy(firings, (one) => one.id))
    // Whoever asks for what is forgotten with its name asks for another.
    if (length > 1 && !byHand.has(id)) world.blame('TWICE', `${id} was started ${length} times`)
  for (const { input } of firings) {
    const count = applied.get(input.id)?.length ?? 0
    if (count !== 1) world.blame(count === 0 ? 'LOST' : 'TWICE', `the work of ${input.id}, ${count} times`)
  }
  for (const [id, heardMs] of byHand)
    if (heardMs !== null && !firings.some((one) => one.id === id))
      world.blame('LOST', `${id}, which somebody has triggered`)
}

class Judge {
  readonly #watch: Watch
  readonly #name: string
  /** In each release; undefined where it is not there. */
  readonly #specs: readonly (Spec | undefined)[]
  readonly #times: readonly (readonly number[])[]
  readonly #statements: readonly Statement[]
  readonly #firings: readonly Started[]
  /** Without those that somebody asked for. */
  readonly #own: readonly Started[]

  constructor(watch: Watch, name: string) {
    const { releases, world, aheadMs, firings, statements, byHand } = watch
    this.#watch = watch
    this.#name = name
    this.#specs = releases.map((release) => release.find((spec) => spec.name === name))
    const now = world.clock.now()
    const from = now - world.ageMs - aheadMs - SLACK_MS
    this.#times = this.#specs.map((spec) => (spec === undefined ? [] : timesOf(spec, from, now + aheadMs + NONE_MS)))
    this.#statements = statements.get(name) ?? []
    this.#firings = firings.filter(({ schedule }) => schedule === name)
    this.#own = this.#firings.filter(({ id }) => !byHand.has(id))
  }

  judge(): void {
    for (const firing of this.#firings) this.#judgeTold(firing)
    for (const firing of this.#own) this.#judgeDue(firing)
    this.#judgeMissed()
    this.#judgeSkipped()
    this.#judgePauses()
    this.#judgeOrder()
    this.#judgeLost()
  }

  #blame(rule: string, time: number | string, words: string): void {
    const at = typeof time === 'string' ? time : new Date(time).toISOString()
    this.#watch.world.blame(rule, `${this.#name} at ${at}: ${words}`)
  }

  /** The releases that may have had a say in a time: of whoever was there since it was looked at last, or a while before. */
  #inCharge(time: number, marginMs = MIXED_MS + this.#watch.aheadMs, until = time + marginMs): ReadonlySet<number> {
    const { crews } = this.#watch
    const looked = this.#statements.findLast(({ ms }) => ms < time - marginMs)?.ms ?? 0
    const last = crews.findLast(({ ms, up }) => ms <= looked && up.size > 0)
    const from = (last?.ms ?? 0) - marginMs
    const found = crews.filter(({ ms }) => ms >= from && ms <= until)
    return new Set(found.flatMap(({ up }) => [...up]))
  }

  /** Those that may have decided what becomes of it: also who came behind an outage, until it said something. */
  #deciding(time: number): ReadonlySet<number> {
    const marginMs = MIXED_MS + this.#watch.aheadMs
    const said = this.#statements.find(({ ms }) => ms > time + marginMs)
    return this.#inCharge(time, marginMs, (said?.ms ?? Number.POSITIVE_INFINITY) + SLACK_MS)
  }

  #specsAt(time: number): readonly (Spec | undefined)[] {
    return [...this.#deciding(time)].map((release) => this.#specs[release])
  }

  /** Whether somebody was there to fire within a stretch of time. */
  #isManned(from: number, until: number): boolean {
    const { aheadMs, crews } = this.#watch
    return crews.some(
      ({ ms, up }) => ms >= from - aheadMs - SLACK_MS && ms <= until + aheadMs + SLACK_MS && up.size > 0,
    )
  }

  #nextOf(release: number, time: number): number {
    return this.#times[release]?.find((one) => one > time) ?? Number.POSITIVE_INFINITY
  }

  /** Its id, its time and its day are of one and the same moment. */
  #judgeTold({ time, input, ms, id }: Started): void {
    const { aheadMs, byHand } = this.#watch
    const days = this.#specs.flatMap((spec) => (spec === undefined ? [] : [dayAt(time, spec.timezone)]))
    if (input.at !== new Date(time).toISOString() || input.schedule !== this.#name || !days.includes(input.day))
      this.#blame('ID', time, `${id} was told ${JSON.stringify(input)}`)
    if (!byHand.has(id) && ms < time - aheadMs) this.#blame('EARLY', time, `${id} began ${time - ms} ms before`)
    const isPicky = this.#specs.every((spec) => spec === undefined || spec.isPicky)
    if (isPicky && !isWanted(time)) this.#blame('ID', time, 'it comes to no call')
  }

  /** It was due, and could still be fired when somebody was there. */
  #judgeDue({ time, id }: Started): void {
    const charged = [...this.#inCharge(time)]
    const due = charged.filter((release) => this.#times[release]?.includes(time) === true)
    if (due.length === 0) return this.#blame('UNDUE', time, `${id}, in the releases ${charged.join(', ')}`)
    const until = due.map((release) => {
      const { catchUp, within = Number.POSITIVE_INFINITY } = this.#specs[release] as Spec
      const latest = catchUp === 'all' ? Number.POSITIVE_INFINITY : this.#nextOf(release, time)
      return Math.min(latest, time + within * 1000, catchUp === 'none' ? time + NONE_MS : Number.POSITIVE_INFINITY)
    })
    // By whichever policy it may have been.
    const policies = this.#specsAt(time).every((spec) => spec === undefined || spec.catchUp === this.#policy(due))
    if (policies && this.#deciding(time).size === 1 && !this.#isManned(time, Math.max(...until)))
      this.#blame('CATCH_UP', time, `${id} was made up for, and nobody was there while it could be`)
  }

  #policy(releases: readonly number[]): string | undefined {
    return this.#specs[releases[0] as number]?.catchUp
  }

  /** What was given up was old enough, or a later time took its place. */
  #judgeMissed(): void {
    const { aheadMs } = this.#watch
    for (const { said, ms } of this.#changes('missed')) {
      // Who pauses it gives up what had come due by then.
      if (said.missed === null || said.paused !== null) continue
      const to = Date.parse(said.missed.to)
      const charged = [...this.#deciding(to), ...this.#inCharge(ms, 2000)]
      const [release] = charged as [number]
      const spec = this.#specs[release]
      if (new Set(charged).size > 1 || spec === undefined) continue
      const { catchUp, within = Number.POSITIVE_INFINITY } = spec
      const oldMs = Math.min(within * 1000, catchUp === 'none' ? NONE_MS : Number.POSITIVE_INFINITY)
      if (to + oldMs <= ms + aheadMs) continue
      const later = this.#nextOf(release, to)
      if (catchUp === 'all' || !this.#hasWord(later)) this.#blame('CATCH_UP', to, `it was not made up for (${catchUp})`)
    }
  }

  /** Statements by which something is said anew. */
  #changes(key: 'missed' | 'skipped' | 'last' | 'paused'): readonly Statement[] {
    const text = (statement: Statement | undefined): string => JSON.stringify(statement?.said[key] ?? null)
    return this.#statements.filter((one, index) => text(one) !== text(this.#statements[index - 1]))
  }

  /** Whether it was fired, or left out with a word. */
  #hasWord(time: number): boolean {
    return this.#firings.some((one) => one.time === time) || this.#isSkipped(time) || this.#isRefused(time)
  }

  #isSkipped(time: number): boolean {
    return this.#statements.some(({ said }) => said.skipped !== null && Date.parse(said.skipped.at) === time)
  }

  #isMissed(time: number): boolean {
    return this.#statements.some(
      ({ said: { missed } }) => missed !== null && Date.parse(missed.from) <= time && time <= Date.parse(missed.to),
    )
  }

  /** A picky one comes to no call, and says nothing of it. */
  #isRefused(time: number): boolean {
    return !isWanted(time) && this.#specsAt(time).some((spec) => spec?.isPicky === true)
  }

  /** What is left out is left out for the run before, which had not ended when it was due. */
  #judgeSkipped(): void {
    const { ended, aheadMs } = this.#watch
    let before = 0
    for (const { said } of this.#changes('skipped')) {
      if (said.skipped === null) continue
      const { at, run, count } = said.skipped
      const time = Date.parse(at)
      if (count !== before + 1) this.#blame('OVERLAP', at, `${count} were left out, after ${before}`)
      before = count
      const end = ended.get(run)
      if (end !== undefined && end.ms < time - aheadMs)
        this.#blame('OVERLAP', at, `it was left out for ${run}, which had ended ${time - end.ms} ms before`)
      if (said.last?.run !== run) this.#blame('OVERLAP', at, `it was left out for ${run}, which is not the last`)
      if (!this.#specsAt(time).some((spec) => spec?.overlap === 'skip'))
        this.#blame('OVERLAP', at, 'it was left out, and is allowed')
    }
  }

  /** While it is paused nothing is fired, and nothing of that later. */
  #judgePauses(): void {
    for (const [from, until] of this.#pauses(this.#watch.aheadMs))
      for (const { time, id } of this.#own)
        if (time > from && time <= until) this.#blame('PAUSED', time, `${id} came due while it was paused`)
  }

  /** From when until when it was paused for sure, times of schedules; or, with a negative margin, may have been. */
  #pauses(marginMs: number): readonly (readonly [number, number])[] {
    const found: [number, number][] = []
    let since: number | null = null
    for (const { said, atMs } of this.#changes('paused')) {
      if (said.paused !== null && since === null) since = atMs
      if (said.paused !== null || since === null) continue
      found.push([since + marginMs, atMs - marginMs])
      since = null
    }
    if (since !== null) found.push([since + marginMs, Number.POSITIVE_INFINITY])
    return found
  }

  /** The oldest first; and with `skip` the run before has ended before the next begins. Where clocks are set, times come again. */
  #judgeOrder(): void {
    if (this.#watch.aheadMs > 0) return
    const lasts = this.#changes('last').flatMap(({ said }) => (said.last === null ? [] : [said.last]))
    const isSkip = this.#specs.every((spec) => spec === undefined || spec.overlap === 'skip')
    for (const [index, { at, run }] of lasts.entries()) {
      const before = lasts[index - 1]
      if (before === undefined) continue
      if (Date.parse(at) <= Date.parse(before.at)) this.#blame('ORDER', at, `fired after ${before.at}`)
      const begun = this.#own.find(({ id }) => id === run)
      const end = this.#watch.ended.get(before.run)
      if (isSkip && begun !== undefined && (end?.nth ?? Number.POSITIVE_INFINITY) > begun.nth)
        this.#blame('OVERLAP', at, `${run} began while ${before.run} was under way`)
    }
  }

  /** Every time has a run, or a word; and when all is well it has one at once. */
  #judgeLost(): void {
    const { world, closedMs, healedMs, aheadMs } = this.#watch
    const first = this.#statements.find(({ said }) => said.next !== null)
    const isLast = this.#specs.at(-1) !== undefined
    if (first === undefined) {
      if (isLast) this.#blame('LOST', 'any time', 'it was never begun')
      return
    }
    const pauses = this.#pauses(-aheadMs)
    // What processes have died of, as it seems, is taken up much later.
    const taken = this.#statements.find(({ ms }) => ms > healedMs)?.ms ?? Number.POSITIVE_INFINITY
    const quietMs = Math.max(healedMs + QUIET_MS, taken) + aheadMs + (aheadMs > 0 ? NONE_MS : 0)
    const begun = Date.parse(first.said.next as string) + aheadMs
    for (const time of new Set(this.#times.flat())) {
      if (time < begun || time > closedMs - LATE_MS) continue
      const charged = [...this.#inCharge(time)]
      if (!charged.every((release) => this.#times[release]?.includes(time) === true)) continue
      if (this.#specsAt(time).includes(undefined)) continue
      if (pauses.some(([from, until]) => time >= from && time <= until)) continue
      world.count('time judged')
      const firing = this.#firings.find((one) => one.time === time)
      if (!this.#hasWord(time) && !this.#isMissed(time)) this.#blame('LOST', time, 'nothing came of it')
      else if (time > quietMs) {
        if (!this.#hasWord(time) || (firing !== undefined && firing.ms > time + LATE_MS))
          this.#blame('LATE', time, `nothing is wrong, and ${firing?.id ?? 'nothing'} came of it late`)
      }
    }
  }
}
