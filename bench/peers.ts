// `npm run bench -- --peers`: the engine and the ceiling on a file beside other systems of its kind, each at its own durable
// defaults and with the best settings that its documents name. Those systems are installed into peers/ by this command
// alone, so that nobody else downloads them.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Beside, type Contender, type Pace } from './beside.ts'
import { BesideReport, type Bars } from './beside-report.ts'
import { openDatabases } from './databases.ts'
import type { Figures } from './figures.ts'

const folder = fileURLToPath(new URL('./peers', import.meta.url))
/** npm writes this record last. */
export const peersAreInstalled = (): boolean => existsSync(join(folder, 'node_modules/.package-lock.json'))

/** The size of its pool: the best of 10, 20 and 50. */
const DBOS_CONNECTIONS = 20
/** Of the worker: as in its own benchmark, and better than 10. */
const OPENWORKFLOW_CONCURRENCY = 100

const engine = (mode: Contender['mode']): Contender => ({
  name: 'ballet',
  mode,
  hosts: (ground) => [
    {
      program: 'hosts/engine.ts',
      settings: { store: `file:${join(ground.folder, 'ballet.db')}`, http: mode === 'over HTTP' },
    },
  ],
})
const ceiling = (mode: Contender['mode']): Contender => ({
  name: 'ceiling',
  mode,
  hosts: (ground) => [
    { program: 'hosts/ceiling.ts', settings: { file: join(ground.folder, 'ceiling.db'), http: mode === 'over HTTP' } },
  ],
})
const restate = (name: string, settings: Readonly<Record<string, string>>): Contender => ({
  name,
  mode: 'over HTTP',
  peer: true,
  hosts: (ground) => [{ program: 'peers/restate.mjs', settings: { folder: ground.folder, settings } }],
})
export const dbos = (mode: Contender['mode']): Contender => ({
  name: 'dbos on PostgreSQL',
  mode,
  peer: true,
  database: true,
  hosts: ({ url }) => [
    { program: 'peers/dbos.mjs', settings: { url, connections: DBOS_CONNECTIONS, http: mode === 'over HTTP' } },
  ],
})
const openWorkflow = (store: 'SQLite' | 'PostgreSQL'): Contender => ({
  name: `openworkflow on ${store}`,
  mode: 'in process',
  peer: true,
  database: store === 'PostgreSQL',
  hosts: ({ url, folder: own }) => [
    {
      program: 'peers/openworkflow.mjs',
      settings: {
        concurrency: OPENWORKFLOW_CONCURRENCY,
        ...(store === 'SQLite' ? { file: join(own, 'openworkflow.db') } : { url }),
      },
    },
  ],
})

const contenders: readonly Contender[] = [
  engine('in process'),
  ceiling('in process'),
  dbos('in process'),
  openWorkflow('SQLite'),
  openWorkflow('PostgreSQL'),
  engine('over HTTP'),
  ceiling('over HTTP'),
  restate('restate', {}),
  restate('restate, tuned', { RESTATE_DEFAULT_NUM_PARTITIONS: '1', RESTATE_WORKER__MAX_COMMAND_BATCH_SIZE: '256' }),
  dbos('over HTTP'),
]

const bars: Bars = (crowd, { name, mode, peer }) => {
  if (crowd === 1) return peer === true ? { p50: 'at most 0.2' } : {}
  if (crowd !== 64) return {}
  if (name === 'ceiling') return { orders: 'at least 0.5' }
  return { orders: mode === 'over HTTP' ? 'at least 4' : 'at least 10' }
}

/** Installs the other systems where they are not yet there. */
export function installPeers(): void {
  if (peersAreInstalled()) return
  console.error('ballet: installing the systems to compare with into bench/peers (240 MB)')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status } = spawnSync(npm, ['ci', '--no-progress', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('they were not installed; run `npm ci` in bench/peers and look what it says')
}

export async function measurePeers(
  pace: Pace,
  ground: string,
  say: (line: object) => void,
  figures: Figures,
): Promise<string> {
  installPeers()
  const databases = await openDatabases('postgres')
  try {
    say(databases.about)
    const beside = new Beside({ folder: ground, databases }, pace, say)
    const report = new BesideReport(await beside.measure(contenders))
    report.tell(say)
    report.compare('ballet', figures, bars)
    return report.tables()
  } finally {
    await databases.close()
  }
}
