// Durable steps a second with 1, 64 and 1,024 orders in flight, beside raw rows and the ceiling in the same round. A
// step is one operation whose result is durable before the next begins; an order has three.
import { checkout, keyedCheckout, newOrder } from './checkout.ts'
import type { Contenders } from './contenders.ts'
import { median, sum, type Figures } from './figures.ts'
import { closedLoop, metered, type Cost } from './meter.ts'
import type { Plan } from './plan.ts'

const STEPS = 3
const RAW_BATCH = 256
const inFlightCounts = [1, 64, 1024] as const

interface Round {
  readonly engine: Cost
  readonly ceiling: Cost
  /** The same with a key, and with a client that waits for the result. */
  readonly keyed: Cost
  readonly awaited: Cost
  readonly rawRowsPerSecond: number
  readonly commits: number
  readonly rowBytes: number
}

export async function measureThroughput(contenders: Contenders, plan: Plan, figures: Figures): Promise<void> {
  await round(contenders, plan, 64, plan.orders[64])
  const idleUs = await idleUsPerSecond(contenders)
  const rounds = new Map(inFlightCounts.map((count) => [count, [] as Round[]]))
  for (let index = 0; index < plan.rounds; index++) {
    for (const count of inFlightCounts) {
      rounds.get(count)?.push(await round(contenders, plan, count, plan.orders[count]))
    }
  }
  for (const count of inFlightCounts) report(figures, count, plan.orders[count] * STEPS, rounds.get(count) ?? [], idleUs)
}

function report(figures: Figures, count: number, steps: number, rounds: readonly Round[], idleUs: number): void {
  const name = (what: string): string => `${what}, ${count} in flight`
  const each = (value: (round: Round) => number): number[] => rounds.map(value)
  const rate = (cost: Cost): number => steps / cost.seconds
  const cpu = (cost: Cost): number => (cost.cpuUs - idleUs * cost.seconds) / steps
  const half = count === 64 ? 'at least 0.5' : undefined
  figures.add(name('steps of the engine / of the ceiling'), 'ratio', each((one) => rate(one.engine) / rate(one.ceiling)), half)
  figures.add(name('steps of the engine / raw rows'), 'ratio', each((one) => rate(one.engine) / one.rawRowsPerSecond))
  figures.add(name('steps of the ceiling / raw rows'), 'ratio', each((one) => rate(one.ceiling) / one.rawRowsPerSecond))
  figures.add(name('CPU per step'), 'us', each((one) => cpu(one.engine)), count === 1 ? undefined : 'at most 12')
  figures.add(name('CPU per step, main thread'), 'us', each((one) => one.engine.mainUs / steps))
  figures.add(name('CPU per step of the ceiling'), 'us', each((one) => cpu(one.ceiling)))
  figures.add(name('journal rows per commit'), 'rows', each((one) => (steps + steps / STEPS) / one.commits))
  figures.add(name('bytes to disk per step'), 'bytes', each((one) => one.engine.diskBytes / steps))
  figures.add(name('bytes to disk per step of the ceiling'), 'bytes', each((one) => one.ceiling.diskBytes / steps))
  figures.add(name('steps'), '1/s', each((one) => rate(one.engine)))
}
