// `npm run bench -- --store postgres` (or a URL): the engine on PostgreSQL, on one node or on several that share its
// store, beside what the server allows and, where it is
// installed (`--peers` does it), beside DBOS; what `publish` costs a transaction of the application; and how often an idle
// node asks the server. All on one server in one run.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Beside, type Contender, type Pace } from './beside.ts'
import { BesideReport, type Bars } from './beside-report.ts'
import type { Drove } from './closed-loop-for.ts'
import { openDatabases, type Databases } from './databases.ts'
import { quantile, type Figures } from './figures.ts'
import { Hosted } from './hosted.ts'
import type { Kind } from './hosts/transactions.ts'
import { dbos, peersAreInstalled } from './peers.ts'
import { countStatements } from './statement-counter.ts'

const ROW_CONNECTIONS = 16
const TRANSACTION_CONNECTIONS = 32
/** How long an idle node is watched, and how long it has before to come to rest. */
const IDLE_MS = 20_000
const REST_MS = 3000

/** The engine on so many nodes that share one database. */
const engine = (nodes: number, keyed = false): Contender => ({
  name: `ballet${nodes === 1 ? '' : ` on ${nodes} nodes`}${keyed ? ', orders with keys' : ''}`,
  mode: 'in process',
  database: true,
  hosts: ({ url }) => {
    const settings = { store: url, keyed, ...(nodes > 1 && { nodeSecret: randomUUID() }) }
    return Array.from({ length: nodes }, () => ({ program: 'hosts/engine.ts', settings }))
  },
})
const others: readonly Contender[] = [
  {
    name: 'ceiling',
    mode: 'in process',
    database: true,
    hosts: ({ url }) => [{ program: 'hosts/ceiling-postgres.ts', settings: { url } }],
  },
  {
    name: `a transaction a row, ${ROW_CONNECTIONS} connections`,
    mode: 'in process',
    database: true,
    hosts: ({ url }) => [{ program: 'hosts/rows-postgres.ts', settings: { url, connections: ROW_CONNECTIONS } }],
  },
  {
    name: 'ballet on SQLite',
    mode: 'in process',
    hosts: ({ folder }) => [{ program: 'hosts/engine.ts', settings: { store: `file:${join(folder, 'ballet.db')}` } }],
  },
]

const bars: Bars = (crowd, { name, peer }) => {
  if (crowd !== 64) return {}
  if (name === 'ceiling') return { orders: 'at least 0.4' }
  return peer === true ? { orders: 'at least 12' } : {}
}

/** @param nodes a contender for each: the engine on so many nodes; the first is what the others are compared with */
export async function measureOnPostgres(
  store: string,
  nodes: readonly number[],
  pace: Pace,
  folder: string,
  say: (line: object) => void,
  figures: Figures,
): Promise<string> {
  const databases = await openDatabases(store)
  try {
    const peers = peersAreInstalled() ? [dbos('in process')] : []
    say({ ...databases.about, ...(peers.length === 0 && { dbos: 'not installed: --peers installs it' }) })
    // Where there are several nodes an order with a key is elsewhere than where it is asked for.
    const keyed = nodes.length > 1 ? nodes.map((count) => engine(count, true)) : []
    const beside = new Beside({ folder, databases }, pace, say)
    const report = new BesideReport(
      await beside.measure([...nodes.map((count) => engine(count)), ...keyed, ...others, ...peers]),
    )
    report.tell(say)
    report.compare(engine(nodes[0] ?? 1).name, figures, bars)
    await measurePublish(databases, pace, figures)
    await measureIdle(databases, figures)
    return report.tables()
  } finally {
    await databases.close()
  }
}

const kinds = ['plain', 'outbox', 'unread', 'publish'] as const

/**
 * The transaction with the event and without, with the same statement into a table that nobody reads, and with a row of its
 * own in the place of the event, in turns, in one process. It is also the node that takes the events, at the same time.
 */
async function measurePublish(databases: Databases, pace: Pace, figures: Figures): Promise<void> {
  const database = await databases.make()
  const settings = { url: database.url, connections: TRANSACTION_CONNECTIONS, seconds: pace.seconds }
  const host = await Hosted.start({ program: 'hosts/transactions.ts', settings })
  try {
    const rounds: Record<Kind, Drove>[] = []
    // The first one warms up.
    for (let index = 0; index <= pace.rounds; index++) {
      const round: Partial<Record<Kind, Drove>> = {}
      for (let offset = 0; offset < kinds.length; offset++) {
        const kind = kinds[(index + offset) % kinds.length] as Kind
        round[kind] = (await host.ask(kind)) as Drove
      }
      if (index > 0) rounds.push(round as Record<Kind, Drove>)
    }
    const add = (what: string, unit: string, value: (one: Record<Kind, Drove>) => number, bar?: string): void => {
      const of = `a transaction of the application, ${TRANSACTION_CONNECTIONS} connections`
      figures.add(`${of}: ${what}`, unit, rounds.map(value), bar)
    }
    const ms = ({ orders, seconds }: Drove): number => (seconds * 1000) / orders
    const p50 = ({ latenciesMs }: Drove): number => quantile(latenciesMs, 0.5)
    add('time with publish / without', 'ratio', (one) => ms(one.publish) / ms(one.plain), 'at most 1.15')
    add('p50 with publish / without', 'ratio', (one) => p50(one.publish) / p50(one.plain))
    add('time with a publish that nobody reads / without', 'ratio', (one) => ms(one.unread) / ms(one.plain))
    add('time with a row of its own / without', 'ratio', (one) => ms(one.outbox) / ms(one.plain))
    for (const kind of kinds) add(kind, '1/s', (one) => 1000 / ms(one[kind]))
  } finally {
    await host.close()
    await database.drop()
  }
}

/** Statements of a node that has nothing to do, counted on their way. */
async function measureIdle(databases: Databases, figures: Figures): Promise<void> {
  const database = await databases.make()
  const counter = await countStatements(database.url)
  const host = await Hosted.start({ program: 'hosts/engine.ts', settings: { store: counter.url } })
  try {
    await new Promise((resolve) => setTimeout(resolve, REST_MS))
    const before = counter.statements()
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    const perSecond = (counter.statements() - before) / (IDLE_MS / 1000)
    figures.add('statements of an idle node', '1/s', [perSecond], 'at most 2')
  } finally {
    await host.close()
    counter.close()
    await database.drop()
  }
}
