// One order at a time, in units of one commit. Every order stands beside as many raw commits of one row as it needs
// itself, so that a disk that is slow for a moment is slow for both. And how many commits an order needs: one for each
// step, and one for the beginning.
import type { Contenders } from './contenders.ts'
import { chain, newOrder } from './checkout.ts'
import { median, quantile, type Figures } from './figures.ts'
import { closedLoop } from './meter.ts'
import type { Engine } from './contenders.ts'
import type { Plan } from './plan.ts'

/** Of one order: three steps and the beginning. */
const COMMITS = 4

export async function measureAlone(contenders: Contenders, plan: Plan, figures: Figures): Promise<void> {
  const { raw, drive } = contenders
  const names = ['engine', 'awaited', 'ceiling'] as const
  const rounds = []
  for (let index = 0; index <= plan.rounds; index++) {
    const ms = { engine: [] as number[], awaited: [] as number[], ceiling: [] as number[], commit: [] as number[] }
    for (let order = 0; order < plan.alone; order++) {
      for (const name of names) {
        const since = performance.now()
        await drive[name](1, 1)
        ms[name].push(performance.now() - since)
      }
      const { durationsMs } = await raw.insert({ batches: COMMITS, rows: 1, bytes: 350 })
      ms.commit.push(...durationsMs)
    }
    // The first round warms up.
    if (index > 0) rounds.push(ms)
  }
  for (const [name, words] of [['engine', 'of the engine'], ['awaited', 'with a key, until the client has the result'], ['ceiling', 'of the ceiling']] as const) {
    const inCommits = (share: number) => (ms: (typeof rounds)[number]): number => quantile(ms[name], share) / median(ms.commit)
    const bar = name === 'engine' ? `at most ${1.25 * COMMITS}` : undefined
    figures.add(`one order alone, ${words}: p50`, 'commits', rounds.map(inCommits(0.5)), bar)
    figures.add(`one order alone, ${words}: p99`, 'commits', rounds.map(inCommits(0.99)))
  }
  figures.add('one raw commit of one row: p50', 'ms', rounds.map((ms) => median(ms.commit)))
  figures.add('one raw commit of one row: p99', 'ms', rounds.map((ms) => quantile(ms.commit, 0.99)))
}

/** Commits of one run of `length` sequential steps that is alone, from its start to its end. */
export async function commitsOf({ app, observed }: Engine, length: number): Promise<number> {
  const before = observed.seen.commits
  const begin = (): Promise<unknown> => app.start(chain({ order: newOrder(), length }))
  await closedLoop(1, 1, begin, (ended) => {
    observed.onCommit = (batch) => ended(batch.changes.filter((change) => change.ended !== null).length)
  })
  return observed.seen.commits - before
}

export async function measureCommits(contenders: Contenders, figures: Figures): Promise<void> {
  for (const length of [1, 3, 10]) {
    const counts: number[] = []
    for (let time = 0; time < 5; time++) counts.push(await commitsOf(contenders, length))
    figures.add(`commits of a run of ${length} sequential steps`, 'commits', counts, `exactly ${length + 1}`)
  }
}
