// `npm run bench [-- --quick] [--json] [--folder <path>] [--store postgres]`: measures the engine beside the machine's own
// limits, in one run; with --store (`postgres` for a server of its own, or a URL) a store in PostgreSQL beside a file. Every figure is a JSON line as soon as it is known, a table follows at the end; --json leaves the table out. The
// files go to a new folder under .ballet/, or under the folder given: it must stand on a real disk.
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PostgresServer } from '../test/postgres/server.ts'
import { measureAlone, measureCommits } from './alone.ts'
import { openContenders } from './contenders.ts'
import { Figures } from './figures.ts'
import { measureOverHttp } from './over-http.ts'
import { planOf } from './plan.ts'
import { measureRestarts } from './restarts.ts'
import { measureThroughput } from './throughput.ts'
import { measureTwoStores } from './two-stores.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
    folder: { type: 'string', default: '.ballet' },
    store: { type: 'string' },
  },
})
const quick = values.quick ?? false

mkdirSync(values.folder, { recursive: true })
const folder = mkdtempSync(join(values.folder, 'bench-'))
const plan = planOf(quick, folder)
const say = (line: object): void => console.log(JSON.stringify(line))
/** What a folder in memory says it is, on Linux: nothing is synced there. */
const TMPFS = 0x01021994
const inMemory = statfsSync(folder).type === TMPFS
const figures = new Figures(say)

say({
  at: new Date().toISOString(),
  quick,
  rounds: plan.rounds,
  cores: cpus().length,
  processor: cpus()[0]?.model ?? 'unknown',
  platform: `${process.platform} ${process.arch}`,
  node: process.versions.node,
  sqlite: process.versions.sqlite,
  disk: inMemory ? 'a folder in memory: nothing here was synced' : 'real',
})
async function measureStore(store: string): Promise<void> {
  if (store !== 'postgres') return measureTwoStores(store, folder, plan, figures)
  const server = await PostgresServer.start()
  try {
    await measureTwoStores(server.url(), folder, plan, figures)
  } finally {
    await server.stop()
  }
}

async function measureEngine(): Promise<void> {
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
}

try {
  await (values.store === undefined ? measureEngine() : measureStore(values.store))
  if (values.json !== true) console.log(`\n${figures.table()}`)
  if (inMemory)
    console.error('The folder is in memory, so these figures say nothing of commits: give --folder <path> on a disk')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
