// The campaign against a cluster as a command, with its figures, the times of its take-overs and the verdicts.
//   npm run chaos -- --store postgres --nodes 3 [--minutes 10] [--faults 300] [--lease 2] [--shards 64] [--partitions proxy] [--services within] ...
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audit, type Least } from './audit.ts'
import { Clocks, findFaketime } from './clocks.ts'
import { KILL_SLACK_MS, latestMs, STOP_MS } from './cluster-blows.ts'
import { runCluster, type ClusterEvidence, type ClusterOptions } from './cluster.ts'
import { askAuditor, flow, writeEvidence } from './evidence.ts'
import { count } from './figures.ts'
import { Network } from './network.ts'
import type { FaultRow } from './records.ts'
import { ServicesProcess } from './services-process.ts'
import { auditTimetable, timetableFigures } from './timetable-audit.ts'

export interface ClusterSize {
  readonly nodes: number
  readonly leaseSeconds: number
  readonly shards: number
  readonly faults: number
  readonly minutes: number
  readonly seed: number
  readonly out: string
  readonly auditor: string | null
  /** Between nodes and database: a network of the campaign's own, or proxies in its process. */
  readonly partitions: 'network' | 'proxy'
  readonly services: 'apart' | 'within'
}

const ORDERS_PER_BLOW = 6
const LATE_FILE = 'late.txt'
/** Until a process is gone that was asked to end: what it lets requests take, and a little. */
const GONE_MS = 10_000

type Times = Readonly<Record<'ownedMs' | 'readyMs', readonly number[]>>

/** How long take-overs took, by the kind of blow, in order. */
function takeovers(faults: readonly FaultRow[]): Map<string, Times> {
  const sorted = (times: readonly (number | undefined)[]): number[] =>
    times.flatMap((ms) => ms ?? []).sort((left, right) => left - right)
  const timed = Map.groupBy(
    faults.filter(({ readyMs }) => readyMs !== undefined),
    ({ kind }) => kind,
  )
  return new Map(
    [...timed].map(([kind, those]) => [
      kind,
      { ownedMs: sorted(those.map(({ ownedMs }) => ownedMs)), readyMs: sorted(those.map(({ readyMs }) => readyMs)) },
    ]),
  )
}

const words = (times: readonly number[]): string =>
  `median ${times[Math.floor(times.length / 2)]} ms, at most ${times.at(-1)} ms`

function servicesFor({ services }: ClusterSize, folder: string): ServicesProcess | undefined {
  if (services === 'within') return undefined
  return new ServicesProcess(folder, (error) => {
    throw error
  })
}

function clocksFor({ services }: ClusterSize, folder: string): Clocks | undefined {
  const library = findFaketime()
  const why =
    services === 'within'
      ? 'the services would write their books by them: --services apart'
      : 'there is no libfaketime, which BALLET_FAKETIME may name'
  if (library !== null && services === 'apart') return new Clocks(library, folder)
  console.log(`no clock is set: ${why}`)
  return undefined
}

/** Plays it, with all that is beside the nodes, of which nothing is left behind. */
async function evidenceOf(size: ClusterSize, options: ClusterOptions): Promise<ClusterEvidence> {
  const services = servicesFor(size, options.folder)
  try {
    return await runCluster({ ...options, services, clocks: clocksFor(size, options.folder) })
  } finally {
    options.network?.close()
    await services?.kill()
  }
}

/** One campaign. True when nobody found anything, and no take-over took too long. */
export async function clusterCampaign(size: ClusterSize): Promise<boolean> {
  const { nodes, leaseSeconds, shards, faults: blows, minutes, seed, out, auditor, partitions } = size
  const folder = mkdtempSync(join(tmpdir(), 'ballet-cluster-'))
  mkdirSync(out, { recursive: true })
  console.log(
    `${nodes} nodes, ${shards} shards, a lease of ${leaseSeconds} s, ${blows} faults in ${minutes} minutes at most, seed ${seed}; evidence in ${out}`,
  )
  const since = performance.now()
  const seconds = (): string => ((performance.now() - since) / 1000).toFixed(0)
  const onBlow = (done: number): void => {
    if (done % 10 === 0) console.log(`  ${done} faults, ${seconds()} s`)
  }
  const onLate = (blow: string, said: string): void => {
    console.log(`  late: ${blow}; what the nodes said is in ${join(out, LATE_FILE)}`)
    appendFileSync(join(out, LATE_FILE), `${blow}\n${said}\n\n`)
  }
  const network = partitions === 'network' ? await Network.make(nodes + 1) : undefined
  const limitMs = minutes * 60_000
  const bounds = { nodes, leaseSeconds, shards, blows, limitMs, ordersPerBlow: ORDERS_PER_BLOW, seed, folder }
  const evidence = await evidenceOf(size, { ...bounds, network, onBlow, onLate })
  writeEvidence(out, evidence)
  const { orders, faults } = evidence.records
  const exhibits = { orders, effects: evidence.effects, faults }
  const figures = count(exhibits)
  const rounds = faults.filter(({ moment }) => moment?.startsWith('ack')).length
  const least: Least = {
    acks: rounds * ORDERS_PER_BLOW,
    hits: { 'kill-node': 1 },
    redelivered: Math.ceil(rounds / 6),
    endings: ['confirmed', 'declined', 'refunded', 'cancelled'],
  }
  const { timetable } = evidence
  const findings = [...audit({ ...exhibits, flow, least }), ...(timetable === null ? [] : auditTimetable(timetable))]
  for (const { rule, about, detail } of findings) console.log(`  ${rule}  ${about}: ${detail}`)
  const verdict = auditor === null ? null : await askAuditor(auditor, out, least)
  if (verdict !== null) console.log(verdict.said)
  for (const [name, figure] of Object.entries(figures)) console.log(`  ${name.padEnd(13)} ${JSON.stringify(figure)}`)
  if (timetable !== null) console.log(`  timetable     ${timetableFigures(timetable)}`)
  if (network !== undefined) console.log(`  cuts          ${JSON.stringify(network.made)}`)
  const times = takeovers(faults)
  for (const [kind, { ownedMs, readyMs }] of times)
    console.log(`  ${kind.padEnd(13)} ${readyMs.length} take-overs: owned ${words(ownedMs)}; ready ${words(readyMs)}`)
  const gone = faults.flatMap(({ goneMs }) => (goneMs === undefined ? [] : [goneMs])).sort((a, b) => a - b)
  if (gone.length > 0) console.log(`  stop-node     ${gone.length} processes gone: ${words(gone)}`)
  const isInTime =
    faults.every(({ kind, ownedMs = 0 }) => ownedMs <= latestMs(kind, leaseSeconds * 1000)) &&
    (gone.at(-1) ?? 0) <= GONE_MS
  const isSilent = findings.length === 0
  console.log(`${seconds()} s; audit: ${isSilent ? 'silent' : 'NOT SILENT'}`)
  if (verdict !== null) console.log(`auditor: ${verdict.isSilent ? 'silent' : 'NOT SILENT'}`)
  console.log(
    `take-overs: ${isInTime ? 'in time' : `LATE (owned by lease + ${KILL_SLACK_MS} ms after a kill, by ${STOP_MS} ms after SIGTERM, gone by ${GONE_MS} ms)`}`,
  )
  const isGood = isSilent && verdict?.isSilent !== false
  if (isGood) rmSync(folder, { recursive: true })
  else console.log(`the books are kept in ${folder}; run it again with --seed ${seed}`)
  return isGood && isInTime
}
