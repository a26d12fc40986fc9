// Durable steps a second with 1, 64 and 1,024 orders in flight, and the variants of the work at 64, each beside the
// ceiling and raw rows in the same round. A step is one operation whose result is durable before the next begins; an
// order has three.
import type { Contender, Contenders } from './contenders.ts'
import { sum, type Figures } from './figures.ts'
import { metered, type Cost } from './meter.ts'
import type { Plan } from './plan.ts'

const STEPS = 3
const RAW_BATCH = 256
const cases: readonly { readonly inFlight: 1 | 64 | 1024; readonly contenders: readonly Contender[] }[] = [
  { inFlight: 1, contenders: ['engine', 'ceiling'] },
  { inFlight: 64, contenders: ['engine', 'ceiling', 'kept', 'keyed', 'orchestrated', 'choreographed'] },
  { inFlight: 1024, contenders: ['engine', 'ceiling'] },
]

interface Sample extends Cost {
  readonly commits: number
  readonly rows: number
}
interface Round {
  readonly orders: number
  readonly of: Readonly<Record<Contender, Sample>>
  readonly rawRowsPerSecond: number
}

export async function measureThroughput(contenders: Contenders, plan: Plan, figures: Figures): Promise<void> {
  // Once without being counted, so that the code is warm.
  for (const { inFlight, contenders: names } of cases) await round(contenders, plan, inFlight, names, 0)
  const idleUs = await idleUsPerSecond()
  const rounds = new Map(cases.map(({ inFlight }) => [inFlight, [] as Round[]]))
  for (let index = 0; index < plan.rounds; index++) {
    for (const { inFlight, contenders: names } of cases) {
      rounds.get(inFlight)?.push(await round(contenders, plan, inFlight, names, index))
    }
  }
  for (const { inFlight } of cases) reportSteps(figures, inFlight, rounds.get(inFlight) ?? [], idleUs)
  reportVariants(figures, rounds.get(64) ?? [])
  await measureMonitor(contenders, plan, figures)
}

/** What a monitor adds is less than what one short round differs from the next: so these two have longer rounds of their own. */
async function measureMonitor({ drive }: Contenders, { pairs }: Plan, figures: Figures): Promise<void> {
  const pair = ['choreographed', 'monitored'] as const
  const seconds: number[] = []
  const cpu: number[] = []
  for (const name of pair) await drive[name](pairs.orders, 64)
  for (let index = 0; index < pairs.rounds; index++) {
    const costs = new Map<Contender, Cost>()
    for (const name of index % 2 === 0 ? pair : pair.toReversed())
      costs.set(name, await metered(() => drive[name](pairs.orders, 64)))
    const [without, withOne] = pair.map((name) => costs.get(name) as Cost) as [Cost, Cost]
    seconds.push(withOne.seconds / without.seconds)
    cpu.push(withOne.cpuUs / without.cpuUs)
  }
  const what = 'of a choreographed order with a monitor / without'
  figures.add(`64 in flight: time ${what}`, 'ratio', seconds, 'at most 1.1')
  figures.add(`64 in flight: CPU ${what}`, 'ratio', cpu, 'at most 1.1')
}

/** One round: who comes first changes with the round, so that a machine that slows down slows everybody down. */
async function round(
  contenders: Contenders,
  plan: Plan,
  inFlight: 1 | 64 | 1024,
  names: readonly Contender[],
  index: number,
): Promise<Round> {
  const { observed, drive, raw } = contenders
  const orders = plan.orders[inFlight]
  const samples = new Map<Contender, Sample>()
  for (let offset = 0; offset < names.length; offset++) {
    const name = names[(index + offset) % names.length] as Contender
    const before = { ...observed.seen }
    const cost = await metered(() => drive[name](orders, inFlight))
    samples.set(name, {
      ...cost,
      commits: observed.seen.commits - before.commits,
      rows: observed.seen.rows - before.rows,
    })
  }
  const bytes = Math.round(observed.seen.bytes / observed.seen.rows)
  const { durationsMs } = await raw.insert({ batches: plan.rawBatches, rows: RAW_BATCH, bytes })
  const rawRowsPerSecond = (plan.rawBatches * RAW_BATCH) / (sum(durationsMs) / 1000)
  return { orders, of: Object.fromEntries(samples) as Record<Contender, Sample>, rawRowsPerSecond }
}

/** Processor time of the process with everything open and nothing to do. */
async function idleUsPerSecond(): Promise<number> {
  const idle = await metered(() => new Promise((resolve) => setTimeout(resolve, 1500)))
  return idle.cpuUs / idle.seconds
}

function reportSteps(figures: Figures, inFlight: number, rounds: readonly Round[], idleUs: number): void {
  const add = (what: string, unit: string, value: (round: Round) => number, bar?: string): void =>
    figures.add(`${inFlight} in flight: ${what}`, unit, rounds.map(value), bar)
  const steps = (one: Round): number => one.orders * STEPS
  const rate = (one: Round, name: Contender): number => steps(one) / one.of[name].seconds
  const cpuUs = (one: Round, name: Contender): number =>
    (one.of[name].cpuUs - idleUs * one.of[name].seconds) / steps(one)
  add(
    'steps of the engine / of the ceiling',
    'ratio',
    (one) => rate(one, 'engine') / rate(one, 'ceiling'),
    inFlight === 64 ? 'at least 0.5' : undefined,
  )
  if (rounds.every((one) => 'kept' in one.of)) {
    add('steps of the engine / of the ceiling with ids', 'ratio', (one) => rate(one, 'engine') / rate(one, 'kept'))
    add('CPU of a step of the ceiling with ids', 'us', (one) => cpuUs(one, 'kept'))
  }
  add('steps of the engine / raw rows', 'ratio', (one) => rate(one, 'engine') / one.rawRowsPerSecond)
  add('CPU of a step / of a step of the ceiling', 'ratio', (one) => cpuUs(one, 'engine') / cpuUs(one, 'ceiling'))
  add('CPU of a step', 'us', (one) => cpuUs(one, 'engine'), inFlight === 1 ? undefined : 'at most 12')
  add('CPU of a step, main thread alone', 'us', (one) => one.of.engine.mainUs / steps(one))
  add('CPU of a step of the ceiling', 'us', (one) => cpuUs(one, 'ceiling'))
  add('journal rows in a commit', 'rows', (one) => one.of.engine.rows / one.of.engine.commits)
  add('written to disk for a step', 'bytes', (one) => one.of.engine.diskBytes / steps(one))
  add('written to disk for a step of the ceiling', 'bytes', (one) => one.of.ceiling.diskBytes / steps(one))
  add('steps of the engine', '1/s', (one) => rate(one, 'engine'))
  add('steps of the ceiling', '1/s', (one) => rate(one, 'ceiling'))
  add('raw rows', '1/s', (one) => one.rawRowsPerSecond)
}

function reportVariants(figures: Figures, rounds: readonly Round[]): void {
  const add = (what: string, of: Contender, than: Contender, bar?: string): void => {
    const time = (one: Round): number => one.of[of].seconds / one.of[than].seconds
    const cpu = (one: Round): number => one.of[of].cpuUs / one.of[than].cpuUs
    figures.add(`64 in flight: time of ${what}`, 'ratio', rounds.map(time), bar)
    figures.add(`64 in flight: CPU of ${what}`, 'ratio', rounds.map(cpu), bar)
  }
  add('an order with a key / without', 'keyed', 'engine')
  add('a choreographed order / the same orchestrated', 'choreographed', 'orchestrated', 'at most 1.5')
}
