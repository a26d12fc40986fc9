// `npm run bench [-- --quick] [--json] [--folder <path>] [--store postgres [--nodes 1,2,4] | --peers | --growth 1000000 [--order
// choreographed]]`: measures the engine beside the machine's own limits, in one run; with --store (`postgres` for a server of its
// own, or a URL) on PostgreSQL, on one node or on several that share a store; with --peers beside other systems; with --growth
// what an order costs when so many are in the store. Every figure is a JSON line as soon as it is known, a table follows at the
// end; --json leaves the table out. The files go to a new folder under .ballet/, or under the folder given: it must stand on a
// real disk.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureAlone, measureCommits } from './alone.ts'
import { openContenders } from './contenders.ts'
import { Figures } from './figures.ts'
import { isInMemory } from './in-memory.ts'
import { isGrowing, measureGrowth } from './growth.ts'
import { measureOnPostgres } from './on-postgres.ts'
import { measureOverHttp } from './over-http.ts'
import { measurePeers } from './peers.ts'
import { paceOf, planOf } from './plan.ts'
import { measureRestarts } from './restarts.ts'
import { measureThroughput } from './throughput.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
    folder: { type: 'string', default: '.ballet' },
    store: { type: 'string' },
    nodes: { type: 'string', default: '1' },
    peers: { type: 'boolean' },
    growth: { type: 'string' },
    order: { type: 'string', default: 'keyed' },
  },
})
const quick = values.quick ?? false
if ([values.peers, values.store, values.growth].filter((one) => one !== undefined).length > 1) {
  console.error('--peers, --store and --growth are measurements of their own: give one of them')
  process.exit(2)
}
const growth = values.growth === undefined ? null : Number(values.growth)
if (growth !== null && !(Number.isSafeInteger(growth) && growth >= 1000)) {
  console.error(`--growth takes a number of orders from 1000 on, and not ${JSON.stringify(values.growth)}`)
  process.exit(2)
}
const { order: kind } = values
if (!isGrowing(kind)) {
  console.error(`--order takes keyed or choreographed, and not ${JSON.stringify(kind)}`)
  process.exit(2)
}
const growing = kind

// So that what waits for the end of this process, such as a server that was started, hears of it.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

const nodes = values.nodes.split(',').map(Number)
if (!nodes.every((count) => Number.isInteger(count) && count >= 1)) {
  console.error(`--nodes takes numbers of nodes, such as 1,2,4, and not ${JSON.stringify(values.nodes)}`)
  process.exit(2)
}

mkdirSync(values.folder, { recursive: true })
const folder = mkdtempSync(join(values.folder, 'bench-'))
const plan = planOf(quick, folder)
const pace = paceOf(quick)
const isBeside = values.peers === true || values.store !== undefined
const say = (line: object): void => console.log(JSON.stringify(line))
const inMemory = isInMemory(folder)
const figures = new Figures(say)

say({
  at: new Date().toISOString(),
  quick,
  rounds: isBeside ? pace.rounds : plan.rounds,
  cores: cpus().length,
  processor: cpus()[0]?.model ?? 'unknown',
  platform: `${process.platform} ${process.arch}`,
  node: process.versions.node,
  sqlite: process.versions.sqlite,
  disk: inMemory ? 'a folder in memory: nothing here was synced' : 'real',
})
/** What is asked for; answers with tables that its figures alone do not make. */
async function measure(): Promise<string> {
  if (growth !== null) {
    await measureGrowth(plan, growing, growth, figures)
    return ''
  }
  if (values.peers === true) return measurePeers(pace, folder, say, figures)
  if (values.store !== undefined) return measureOnPostgres(values.store, nodes, pace, folder, say, figures)
  return measureEngine()
}

async function measureEngine(): Promise<string> {
  const contenders = await openContenders(folder)
  try {
    await measureCommits(contenders, figures)
    await measureAlone(contenders, plan, figures)
    await measureThroughput(contenders, plan, figures)
  } finally {
    await contenders.close()
  }
  await measureOverHttp(plan, figures)
  await measureRestarts(plan, figures)
  return ''
}

try {
  const tables = await measure()
  if (values.json !== true) console.log(`\n${tables}\n\n${figures.table()}`)
  if (inMemory)
    console.error('The folder is in memory, so these figures say nothing of commits: give --folder <path> on a disk')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
