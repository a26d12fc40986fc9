// A short campaign against three nodes of the shop on a database of its own: the one that carries the runs is killed, told to
// end, frozen for longer than its lease and cut off, a node that stands by is killed, and so is the database. Every order
// ends as it has to, and the ledgers of the services agree with what the clients were told, whichever node they asked.
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { audit } from '../chaos/audit.ts'
import { clusterArsenal } from '../chaos/cluster-blows.ts'
import { runCluster } from '../chaos/cluster.ts'
import { flow, writeEvidence } from '../chaos/evidence.ts'
import { count } from '../chaos/figures.ts'

/** BALLET_SEED brings a campaign that failed back, as far as its orders, faults and moments go. */
const seed = Number(process.env['BALLET_SEED'] ?? randomInt(2 ** 32))
const ORDERS_PER_BLOW = 4
const BLOWS = 20

test(
  'F10: three nodes on one database are killed, ended, frozen and cut off: every order ends once, as it has to',
  { timeout: 240_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballet-cluster-'))
    const evidence = await runCluster({
      nodes: 3,
      leaseSeconds: 1,
      shards: 16,
      blows: BLOWS,
      limitMs: 200_000,
      ordersPerBlow: ORDERS_PER_BLOW,
      seed,
      folder,
    })
    // Whoever looks into a finding has all of the books; the ledger of Payment goes with its server.
    writeEvidence(folder, evidence)
    const {
      effects,
      records: { orders, faults },
    } = evidence
    // Each kind of blow comes once; whether it met an order at work is left to longer campaigns.
    const rounds = faults.filter(({ moment }) => moment?.startsWith('ack')).length
    expect(rounds).toBeGreaterThanOrEqual(clusterArsenal.length)
    expect(faults.filter(({ moment }) => moment !== undefined).length).toBeGreaterThanOrEqual(BLOWS)
    const least = { acks: rounds * ORDERS_PER_BLOW, hits: {}, redelivered: 1, endings: [] }
    const figures = `seed ${seed}, books in ${folder}, ${JSON.stringify(count({ orders, effects, faults }))}`
    const findings = audit({ orders, effects, faults, flow, least })
    expect({ findings, figures }).toEqual({ findings: [], figures })
    // By a kill, an end and a partition at least: a node that was frozen may go on.
    expect(faults.filter(({ readyMs }) => readyMs !== undefined).length).toBeGreaterThanOrEqual(3)
    rmSync(folder, { recursive: true })
  },
)
