// Plays the stories of many seeds, counts what has happened in them, and keeps what was found. The workload of a seed is a
// matter of its number, so that one number says all.
import { tell, type Figures, type Told, type Workload } from '../../src/testing/simulation/stage.ts'
import { changingNodes, changingShards } from './changing.ts'
import { forgettingNodes, forgettingShards } from './forgetting.ts'
import { programs } from './programs.ts'
import { relayOfNodes, relayOfShards } from './relay.ts'
import { releasesOfNodes, releasesOfShards } from './releases.ts'
import { restoresOfNodes, restoresOfOne, restoresOfShards } from './restores.ts'
import {
  schedulesOfNodes,
  schedulesOfNodesRestored,
  schedulesOfOne,
  schedulesOfShards,
  schedulesRestored,
} from './schedules.ts'
import {
  CHANGING,
  FORGETTING,
  RELEASING,
  RESCHEDULING,
  RESTORING,
  SCHEDULING,
  SHARDED,
  TIGHT,
  WAITING,
} from './seeds.ts'
import { shop, shopOfNodes, shopOfShards, type ShopEvidence } from './shop.ts'
import { add, noFigures } from './sums.ts'
import { tally, tallyOfNodes, tallyOfShards } from './tally.ts'

const WORKLOADS: readonly Workload[] = [tally, shop, tally, programs, tally, shop]

/** What many stories came to. */
export interface Campaign {
  readonly seeds: number
  /** Processor time of all, seconds. */
  readonly seconds: number
  readonly figures: Figures
  /** Of each story, in order: two campaigns of the same seeds have the same. */
  readonly hashes: readonly string[]
  readonly byWorkload: Readonly<Record<string, number>>
  /** Of the orders of the shop, for an auditor from outside; empty unless it was asked for. */
  readonly evidence: readonly (ShopEvidence & { readonly seed: number })[]
  /** Stories in which something was found. */
  readonly found: readonly Told[]
}

const SHARDED_WORKLOADS: readonly Workload[] = [tallyOfNodes, relayOfNodes, tallyOfShards, relayOfShards]
const WAITING_WORKLOADS: readonly Workload[] = [
  tallyOfNodes,
  shopOfNodes,
  relayOfNodes,
  tallyOfShards,
  shopOfShards,
  relayOfShards,
].map(waiting)

const FORGETTING_WORKLOADS: readonly Workload[] = [forgettingNodes, forgettingShards, waiting(forgettingNodes)]
const RELEASING_WORKLOADS: readonly Workload[] = [releasesOfNodes, releasesOfShards, waiting(releasesOfNodes)]
const RESTORING_WORKLOADS: readonly Workload[] = [restoresOfNodes, restoresOfOne, restoresOfNodes, restoresOfShards]
const CHANGING_WORKLOADS: readonly Workload[] = [changingNodes, changingShards]
const SCHEDULING_WORKLOADS: readonly Workload[] = [schedulesOfOne, schedulesOfNodes, schedulesOfShards]
const RESCHEDULING_WORKLOADS: readonly Workload[] = [schedulesRestored, schedulesOfNodesRestored]
const TIGHT_WORKLOADS: readonly Workload[] = [
  tally,
  tallyOfNodes,
  relayOfNodes,
  shop,
  forgettingNodes,
  tallyOfShards,
  shopOfNodes,
  waiting(tallyOfNodes),
  releasesOfNodes,
].map((workload) => ({ ...workload, isTight: true }))

function waiting(workload: Workload): Workload {
  const { cluster } = workload
  return cluster === undefined ? workload : { ...workload, cluster: { ...cluster, waits: true } }
}

function workloadsOf(seed: number): readonly Workload[] {
  if (seed < SHARDED) return WORKLOADS
  if (seed < WAITING) return SHARDED_WORKLOADS
  if (seed < FORGETTING) return WAITING_WORKLOADS
  if (seed < RELEASING) return FORGETTING_WORKLOADS
  if (seed < TIGHT) return RELEASING_WORKLOADS
  if (seed < RESTORING) return TIGHT_WORKLOADS
  if (seed < CHANGING) return RESTORING_WORKLOADS
  if (seed < SCHEDULING) return CHANGING_WORKLOADS
  return seed < RESCHEDULING ? SCHEDULING_WORKLOADS : RESCHEDULING_WORKLOADS
}

/** The story of a seed. */
export function story(seed: number, isTold = false): Promise<Told> {
  const workloads = workloadsOf(seed)
  return tell(workloads[seed % workloads.length] as Workload, seed, isTold)
}

/** Plays stories from `first` on, until `most` of them have found something. */
export async function campaign(first: number, seeds: number, most: number, isKept = false): Promise<Campaign> {
  const found: Told[] = []
  const byWorkload: Record<string, number> = {}
  const figures = noFigures()
  const hashes: string[] = []
  const evidence: (ShopEvidence & { readonly seed: number })[] = []
  const since = process.cpuUsage()
  let played = 0
  for (let seed = first; seed < first + seeds && found.length < most; seed++) {
    const told = await story(seed)
    played += 1
    add(byWorkload, { [told.workload]: 1 })
    hashes.push(told.hash)
    add(figures, told.figures)
    if (told.findings.length > 0) found.push(told)
    if (isKept && told.workload === shop.name) evidence.push({ seed, ...(told.evidence as ShopEvidence) })
  }
  const { user, system } = process.cpuUsage(since)
  return { seeds: played, seconds: (user + system) / 1e6, figures, hashes, byWorkload, evidence, found }
}
