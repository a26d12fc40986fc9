// One order at a time, in units of one commit. Every order stands beside as many raw commits of one row as it needs
// itself, so that a disk that is slow for a moment is slow for both. And how many commits an order needs: one for each
// step, and one for the beginning.
import { chain } from './checkout.ts'
import type { Contenders, Engine } from './contenders.ts'
import { median, quantile, type Figures } from './figures.ts'
import { newOrder } from './order.ts'
import type { Plan } from './plan.ts'

/** Of one order: three steps and the beginning. */
const COMMITS = 4
/** Of a row of the journal, about. */
const ROW_BYTES = 350

const names = ['engine', 'keyed', 'ceiling'] as const
const words = {
  engine: 'of the engine',
  keyed: 'of the engine, with a key',
  ceiling: 'of the ceiling',
} as const

/** Milliseconds of every order and of every raw commit of a round. */
type Round = Readonly<Record<(typeof names)[number] | 'commit', number[]>>

export async function measureAlone(contenders: Contenders, plan: Plan, figures: Figures): Promise<void> {
  // The first one warms up.
  await round(contenders, plan)
  const rounds: Round[] = []
  for (let index = 0; index < plan.rounds; index++) rounds.push(await round(contenders, plan))
  for (const name of names) {
    const add = (quantileName: string, share: number, bar?: string): void => {
      const inCommits = rounds.map((ms) => quantile(ms[name], share) / median(ms.commit))
      figures.add(`one order alone, ${words[name]}: ${quantileName}`, 'commits', inCommits, bar)
    }
    add('p50', 0.5, name === 'engine' ? `at most ${1.25 * COMMITS}` : undefined)
    add('p99', 0.99)
  }
  const commitMs = (share: number): number[] => rounds.map((ms) => quantile(ms.commit, share))
  figures.add('a raw commit of one row: p50', 'ms', commitMs(0.5))
  figures.add('a raw commit of one row: p99', 'ms', commitMs(0.99))
}

async function round({ raw, drive }: Contenders, plan: Plan): Promise<Round> {
  const ms: Round = { engine: [], keyed: [], ceiling: [], commit: [] }
  for (let order = 0; order < plan.alone; order++) {
    for (const name of names) {
      const since = performance.now()
      await drive[name](1, 1)
      ms[name].push(performance.now() - since)
    }
    const { durationsMs } = await raw.insert({ batches: COMMITS, rows: 1, bytes: ROW_BYTES })
    ms.commit.push(...durationsMs)
  }
  return ms
}

/** Commits of one run of `length` sequential steps that is alone, from its start to its end. */
export async function commitsOf({ app, observed }: Engine, length: number): Promise<number> {
  // What was before is over only when the event loop has gone round: a commit that is asked for is not made at once.
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  const before = observed.seen.commits
  await app.result((await app.start(chain({ order: newOrder(), length }))).id)
  return observed.seen.commits - before
}

export async function measureCommits(contenders: Contenders, figures: Figures): Promise<void> {
  for (const length of [1, 3, 10]) {
    const counts: number[] = []
    for (let time = 0; time < 5; time++) counts.push(await commitsOf(contenders, length))
    figures.add(`commits of a run of ${length} sequential steps`, 'commits', counts, `exactly ${length + 1}`)
  }
}
