// `npm run shop:cluster`: the shop on several nodes and one database, orders all the time, and every few seconds the node
// that carries the runs is killed. It shows what happens, line by line, and at the end what became of the orders, by the
// books of the services. Exits with 1 when the audit finds anything.
//   npm run shop:cluster -- [--nodes 3] [--seconds 40] [--every 8] [--lease 2] [--seed 7]
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LedgerRow } from '../../examples/shop/ledger.ts'
import { Chance } from '../../src/testing/simulation/chance.ts'
import { audit, type Least } from '../chaos/audit.ts'
import { openOrders, readAllEffects, readEffects } from '../chaos/campaign.ts'
import { Clients, PATIENCE_MS } from '../chaos/clients.ts'
import { flow } from '../chaos/evidence.ts'
import { count } from '../chaos/figures.ts'
import { NodeSet, type LivingNode } from '../chaos/node-set.ts'
import { planOrders } from '../chaos/orders.ts'
import { pause } from '../chaos/pause.ts'
import { Records } from '../chaos/records.ts'
import { PostgresServer } from '../postgres/server.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '40' },
    every: { type: 'string', default: '8' },
    lease: { type: 'string', default: '2' },
    seed: { type: 'string' },
  },
})

/** Orders that are placed in a second, and the most that are placed in all. */
const ORDERS_A_SECOND = 6
const TAKEOVER_LIMIT_MS = 60_000
const SHARDS = 64

const print = (line = ''): void => console.log(line)

function numberOf(name: keyof typeof values, least: number, otherwise = 0): number {
  const value = Number(values[name] ?? otherwise)
  if (Number.isInteger(value) && value >= least && value < 2 ** 32) return value
  throw new RangeError(`--${name} is "${values[name]}"; it must be a whole number from ${least}`)
}

interface Show {
  readonly nodes: NodeSet
  readonly clients: Clients
  readonly records: Records
  readonly folder: string
  readonly takeoversMs: number[]
  /** Aborted when it is to end. */
  readonly leaving: AbortSignal
  /** `12.3 s` since the first order. */
  readonly at: () => string
}

/** Places orders until it is to end; every second a line says how they stand. */
async function load({ clients, records, folder, leaving, at }: Show, seed: number, seconds: number): Promise<void> {
  const orders = planOrders((seconds + 60) * ORDERS_A_SECOND, new Chance(seed).part(1))
  while (!leaving.aborted && orders.length > 0) {
    clients.release(orders.splice(0, ORDERS_A_SECOND))
    await pause(1000)
    const effects = readEffects(folder)
    const placed = new Set(records.orders.flatMap(({ type, id }) => (type === 'ack' ? [id] : []))).size
    const open = openOrders(records, effects).size
    print(`${at()}  ${placed} orders acknowledged, ${open} under way`)
  }
}

/** Kills one of the nodes, again and again, and starts it again when the others have taken over what it had. */
async function kills(show: Show, everyMs: number): Promise<void> {
  const { nodes, records, takeoversMs, leaving, at } = show
  const over = new Promise<void>((resolve) => leaving.addEventListener('abort', () => resolve()))
  for (;;) {
    await Promise.race([pause(everyMs), over])
    const owner = leaving.aborted ? null : await nodes.owner(TAKEOVER_LIMIT_MS)
    if (owner === null) return
    const part = await nodes.partOf(owner)
    const since = Date.now()
    print(`${at()}  kill -9 of ${named(owner)}, with all that it carries`)
    owner.process.kill()
    records.fault({ t: since, type: 'fault', kind: 'kill-node', target: `node ${owner.place}`, moment: 'time' })
    const owned = await nodes.taken(owner, part, since, TAKEOVER_LIMIT_MS)
    if (owned === null) throw new Error(`nobody took over:\n${nodes.output}`)
    takeoversMs.push(owned - since)
    print(`${at()}  the others have taken over, ${((owned - since) / 1000).toFixed(1)} s after the kill`)
    await owner.process.exit
    const back = await nodes.up(owner.place)
    print(`${at()}  ${named(back)} is back, and gets its part`)
  }
}

const named = ({ place, url }: LivingNode): string => `node ${place + 1} (${url})`

async function run(folder: string, server: PostgresServer): Promise<boolean> {
  const seed = numberOf('seed', 0, randomInt(2 ** 32))
  const seconds = numberOf('seconds', 1)
  const chance = new Chance(seed)
  const records = new Records()
  const leaving = new AbortController()
  const trouble = Promise.withResolvers<never>()
  const onTrouble = (error: unknown): void => trouble.reject(error)
  const leaseSeconds = numberOf('lease', 1)
  const common = { leaseSeconds, shards: SHARDS, folder, chance: chance.part(2), onTrouble }
  const nodes = new NodeSet({ count: numberOf('nodes', 2), url: server.url('?patience=60'), ...common })
  const stop = new AbortController()
  const clients = new Clients({
    address: nodes,
    records,
    chance: null,
    signal: stop.signal,
    patienceMs: PATIENCE_MS,
    onTrouble,
  })
  let began = performance.now()
  const at = (): string => `${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s`
  const show: Show = { nodes, clients, records, folder, takeoversMs: [], leaving: leaving.signal, at }
  try {
    await Promise.race([nodes.start(), trouble.promise])
    for (const node of nodes.living) print(`  ${named(node)}, process ${node.process.pid}`)
    print(`  database ${server.url()}, a lease of ${leaseSeconds} s; seed ${seed}`)
    print()
    began = performance.now()
    void pause(seconds * 1000).then(() => leaving.abort())
    process.once('SIGINT', () => leaving.abort())
    await Promise.race([
      Promise.all([load(show, seed, seconds), kills(show, numberOf('every', 1) * 1000)]),
      trouble.promise,
    ])
    print(`${at()}  no more orders; the last are carried to their end`)
    await Promise.race([clients.idle, trouble.promise])
    await nodes.close()
    return tell(show, await readAllEffects(folder, server.url()))
  } finally {
    stop.abort()
    await nodes.clear()
  }
}

/** What became of the orders, by what clients were told and by the books of the services. */
function tell({ records, takeoversMs }: Show, effects: readonly LedgerRow[]): boolean {
  const exhibits = { orders: records.orders, effects, faults: records.faults }
  const figures = count(exhibits)
  const least: Least = { acks: figures.orders, hits: {}, redelivered: 0, endings: [] }
  const findings = audit({ ...exhibits, flow, least })
  const times = takeoversMs.toSorted((left, right) => left - right)
  const seconds = (ms: number | undefined): string => `${((ms ?? 0) / 1000).toFixed(1)} s`
  print()
  print(`  orders      ${figures.acks} acknowledged of ${figures.orders} placed`)
  print(
    `  ended       ${Object.entries(figures.endings)
      .map(([ending, many]) => `${many} ${ending}`)
      .join(', ')}`,
  )
  print(
    `  effects     ${Object.entries(figures.outcomes)
      .map(([outcome, many]) => `${many} ${outcome}`)
      .join(', ')}`,
  )
  print(`  asked again ${figures.redelivered} steps, ${figures.acrossKills} of them by another node`)
  if (times.length > 0)
    print(
      `  take-overs  ${times.length}, median ${seconds(times[Math.floor(times.length / 2)])}, at most ${seconds(times.at(-1))}`,
    )
  for (const { rule, about, detail } of findings) print(`  ${rule}  ${about}: ${detail}`)
  print(
    findings.length === 0
      ? '  audit       silent: nothing lost, nothing twice, nothing half'
      : `  audit       NOT SILENT: the books are in ${folder}`,
  )
  return findings.length === 0
}

print('Ballet: the shop on several nodes and one database; the node that carries the runs is killed again and again')
const folder = mkdtempSync(join(tmpdir(), 'ballet-cluster-'))
const server = await PostgresServer.start()
try {
  const isGood = await run(folder, server)
  if (isGood) rmSync(folder, { recursive: true })
  process.exitCode = isGood ? 0 : 1
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  await server.stop()
}
process.exit()
