// `npm run bench -- --store postgres` (or a URL): the same orders on PostgreSQL and on a SQLite file, in turns, in one
// process. What the server spends is not in the processor time: it is another process, perhaps on another machine.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { open, type Application } from 'ballet'
import { checkout, definition, newOrder } from './checkout.ts'
import type { Figures } from './figures.ts'
import { closedLoop, metered, type Cost } from './meter.ts'
import type { Plan } from './plan.ts'

const STEPS = 3
const crowds = [1, 64, 1024] as const
const log = { info: () => {}, warn: () => {}, error: (message: string) => console.error(message) }

interface Round {
  readonly postgres: Cost
  readonly sqlite: Cost
}

/** Measures the store of a URL beside a file in `folder`, in a schema that is left behind. */
export async function measureTwoStores(url: string, folder: string, plan: Plan, figures: Figures): Promise<void> {
  const schema = `bench_${randomUUID().replaceAll('-', '')}`
  const own = `${url}${url.includes('?') ? '&' : '?'}schema=${schema}`
  const apps = {
    postgres: await open(definition, { store: own, log }),
    sqlite: await open(definition, { store: `file:${join(folder, 'two.db')}`, log }),
  }
  try {
    for (const inFlight of crowds) {
      await round(apps, plan, inFlight, 0)
      const rounds: Round[] = []
      for (let index = 0; index < plan.rounds; index++) rounds.push(await round(apps, plan, inFlight, index))
      report(figures, inFlight, plan.orders[inFlight] * STEPS, rounds)
    }
  } finally {
    await apps.postgres.close()
    await apps.sqlite.close()
  }
}

type Apps = Readonly<Record<'postgres' | 'sqlite', Application>>

/** Who comes first changes with the round. */
async function round(apps: Apps, plan: Plan, inFlight: (typeof crowds)[number], index: number): Promise<Round> {
  const cost = (app: Application): Promise<Cost> =>
    metered(() =>
      closedLoop(plan.orders[inFlight], inFlight, async () => app.result((await app.start(checkout(newOrder()))).id)),
    )
  if (index % 2 === 0) return { postgres: await cost(apps.postgres), sqlite: await cost(apps.sqlite) }
  const sqlite = await cost(apps.sqlite)
  return { postgres: await cost(apps.postgres), sqlite }
}

function report(figures: Figures, inFlight: number, steps: number, rounds: readonly Round[]): void {
  const add = (what: string, unit: string, value: (one: Round) => number): void =>
    figures.add(`${inFlight} in flight: ${what}`, unit, rounds.map(value))
  add('time of an order on PostgreSQL / on SQLite', 'ratio', (one) => one.postgres.seconds / one.sqlite.seconds)
  add('CPU of a step on PostgreSQL / on SQLite', 'ratio', (one) => one.postgres.cpuUs / one.sqlite.cpuUs)
  add('CPU of a step on PostgreSQL', 'us', (one) => one.postgres.cpuUs / steps)
  add('CPU of a step on SQLite', 'us', (one) => one.sqlite.cpuUs / steps)
  add('steps on PostgreSQL', '1/s', (one) => steps / one.postgres.seconds)
  add('steps on SQLite', '1/s', (one) => steps / one.sqlite.seconds)
}
