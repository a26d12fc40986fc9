// Calls and steps that fail again and again and are made again by themselves: a service is down, say. Nothing of it is stuck yet, and no
// index of the store knows of it; but whoever carries a run knows each of its calls. So it is asked of memory, at a cost of one look at
// each call that is open here. Used by application-doors.ts.
import type { FailingPage, FailingView } from '../core/failing-views.ts'
import type { Shards } from './shards.ts'

/** From so many attempts on it is no passing thing. */
const FEWEST = 2
/** Runs that are named of each. */
const NAMED = 5

/** What this process knows. */
export function failingOf(shards: Pick<Shards, 'all' | 'numbers'>): FailingPage {
  const found = new Map<string, FailingView>()
  const ready = shards.all.filter(({ isReady }) => isReady)
  for (const { shard } of ready) {
    const { effects, open } = shard.context
    for (const { effect, next } of effects.failing(FEWEST)) {
      const { kind, name } = effect.counts
      const before = found.get(`${kind} ${name}`) ?? { kind, name, calls: 0, attempts: 0, runs: [] }
      const id = before.runs.length < NAMED ? open.idOf(effect.run) : undefined
      const isNew = id !== undefined && !before.runs.includes(id)
      found.set(`${kind} ${name}`, {
        ...before,
        calls: before.calls + 1,
        attempts: Math.max(before.attempts, next - 1),
        runs: isNew ? [...before.runs, id] : before.runs,
      })
    }
  }
  return { failing: sorted(found), shards: { known: ready.length, of: shards.numbers.length } }
}

/** What several nodes know. */
export function failingTogether(pages: readonly FailingPage[]): FailingPage {
  const found = new Map<string, FailingView>()
  for (const { failing } of pages)
    for (const one of failing) {
      const before = found.get(`${one.kind} ${one.name}`)
      if (before === undefined) found.set(`${one.kind} ${one.name}`, one)
      else
        found.set(`${one.kind} ${one.name}`, {
          ...before,
          calls: before.calls + one.calls,
          attempts: Math.max(before.attempts, one.attempts),
          runs: [...before.runs, ...one.runs].slice(0, NAMED),
        })
    }
  const of = Math.max(...pages.map(({ shards }) => shards.of))
  const known = pages.reduce((sum, { shards }) => sum + shards.known, 0)
  // One that was handed on meanwhile may be counted twice.
  return { failing: sorted(found), shards: { known: Math.min(known, of), of } }
}

const sorted = (found: ReadonlyMap<string, FailingView>): readonly FailingView[] =>
  [...found.values()].toSorted((one, other) => other.calls - one.calls || (one.name < other.name ? -1 : 1))
