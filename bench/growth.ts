// What an order costs when there are many in the store already: at each mark some rounds of orders are measured, 64 in flight, and
// between two marks the store is filled by the same work, 1,024 in flight.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { openContenders, type Contenders } from './contenders.ts'
import { median, type Figures } from './figures.ts'
import { metered, type Cost } from './meter.ts'
import type { Plan } from './plan.ts'

const FIRST = 1000
const words = { keyed: 'an order with a key', choreographed: 'a choreographed order' }
export type Growing = keyof typeof words
export const isGrowing = (kind: string): kind is Growing => kind in words

/** @param most orders in the store at the last mark. */
export async function measureGrowth(plan: Plan, kind: Growing, most: number, figures: Figures): Promise<void> {
  const contenders = await openContenders(plan.folder)
  try {
    await measureKind(contenders, plan, kind, most, figures)
  } finally {
    await contenders.close()
  }
}

async function measureKind(
  { drive }: Contenders,
  plan: Plan,
  kind: Growing,
  most: number,
  figures: Figures,
): Promise<void> {
  const orders = plan.orders[64]
  const bytes = (): number =>
    ['engine.db', 'engine.db-wal'].reduce((sum, name) => sum + statSync(join(plan.folder, name)).size, 0)
  let stored = 0
  const carry = async (count: number, inFlight: number): Promise<Cost> => {
    stored += count
    return metered(() => drive[kind](count, inFlight))
  }
  let first: Cost | undefined
  for (let mark = FIRST; mark <= most; mark *= 10) {
    if (mark > stored) await carry(mark - stored, 1024)
    const rounds: Cost[] = []
    for (let round = 0; round < plan.rounds; round++) rounds.push(await carry(orders, 64))
    const add = (what: string, unit: string, of: (cost: Cost) => number): void =>
      figures.add(`${words[kind]} behind ${mark}: ${what}`, unit, rounds.map(of))
    add('CPU', 'us', ({ cpuUs }) => cpuUs / orders)
    add('time', 'us', ({ seconds }) => (seconds * 1e6) / orders)
    add('written to disk', 'bytes', ({ diskBytes }) => diskBytes / orders)
    figures.add(`${words[kind]} behind ${mark}: store`, 'bytes an order', [bytes() / stored])
    const middle: Cost = {
      seconds: median(rounds.map(({ seconds }) => seconds)),
      cpuUs: median(rounds.map(({ cpuUs }) => cpuUs)),
      mainUs: 0,
      diskBytes: 0,
    }
    first ??= middle
    figures.add(`${words[kind]} behind ${mark} / behind ${FIRST}: CPU`, 'ratio', [middle.cpuUs / first.cpuUs], 'flat')
    figures.add(
      `${words[kind]} behind ${mark} / behind ${FIRST}: time`,
      'ratio',
      [middle.seconds / first.seconds],
      'flat',
    )
  }
}
