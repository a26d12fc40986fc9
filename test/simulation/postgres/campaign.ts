// Plays stories on a real PostgreSQL: the workloads of the simulator, several at a time because each mostly waits. The seed of a story is
// that of its programs and of its faults; when things happen is a matter of the machine, so that a seed told again is another story of the
// same programs.
import { tell, type Figures, type Told, type Workload } from '../../../src/testing/simulation/stage.ts'
import { programs } from '../programs.ts'
import { relayOfNodes } from '../relay.ts'
import { releasesOfNodes } from '../releases.ts'
import { shop } from '../shop.ts'
import { add, noFigures } from '../sums.ts'
import { tally } from '../tally.ts'
import { PostgresMedium } from './medium.ts'

const SHARDS = 4
const on = (workload: Workload, shards: number, nodes: number): Workload => ({
  ...workload,
  name: workload.name.replace(/ of .*/, ''),
  // Of two nodes those that end wait for what is under way.
  cluster: { shards, nodes, waits: nodes === 2 },
})
const tight = (workload: Workload): Workload => ({ ...workload, name: `tight ${workload.name}`, isTight: true })
/** Each with one, two and three nodes at a time. The judge of the programs knows stores of one shard alone. */
const WORKLOADS: readonly Workload[] = [
  on(tally, SHARDS, 3),
  on(relayOfNodes, SHARDS, 2),
  on(shop, SHARDS, 2),
  on(tally, SHARDS, 2),
  on(programs, 1, 3),
  on(relayOfNodes, SHARDS, 3),
  on(tally, SHARDS, 1),
  on(programs, 1, 1),
  on(shop, 1, 3),
  on(releasesOfNodes, SHARDS, 3),
  tight(on(tally, SHARDS, 3)),
]

/** What many stories came to. */
export interface ServerCampaign {
  readonly stories: number
  /** Of the clock on the wall. */
  readonly seconds: number
  readonly figures: Figures
  readonly byWorkload: Readonly<Record<string, number>>
  readonly found: readonly Told[]
}

export interface ServerPlan {
  /** The URL of a database, without options. */
  readonly server: string
  readonly first: number
  readonly stories: number
  /** At a time. */
  readonly beside: number
  /** Stories with findings after which no other begins. */
  readonly most: number
}

/** Plays stories from `first` on. */
export async function serverCampaign({ server, first, stories, beside, most }: ServerPlan): Promise<ServerCampaign> {
  const since = performance.now()
  const told: Told[] = []
  const isEnough = (): boolean => told.filter(({ findings }) => findings.length > 0).length >= most
  let next = first
  const player = async (): Promise<void> => {
    while (next < first + stories && !isEnough()) told.push(await story(server, next++))
  }
  await Promise.all(Array.from({ length: beside }, player))
  const byWorkload: Record<string, number> = {}
  const figures = noFigures()
  for (const one of told) {
    add(byWorkload, { [one.workload]: 1 })
    add(figures, one.figures)
  }
  const found = told.filter(({ findings }) => findings.length > 0)
  return { stories: told.length, seconds: (performance.now() - since) / 1000, figures, byWorkload, found }
}

async function story(server: string, seed: number): Promise<Told> {
  const workload = WORKLOADS[seed % WORKLOADS.length] as Workload
  const medium = await PostgresMedium.on(server, workload.cluster?.shards ?? 1)
  try {
    // It cannot be told again: whatever is found, this is the only story of it.
    return await tell(workload, seed, true, medium)
  } finally {
    await medium.end()
  }
}
