// Campaigns of any length, in one piece or in slices; their figures, and the verdicts. They exit with 1 when the audit, or
// the auditor that was named, finds anything.
//   npm run chaos -- --kills 1000 [--apart | --services apart] [--orders 8000] [--slice 25 --report chaos.jsonl] [--seed 7] [--out folder] [--auditor cli.mjs]
//   npm run chaos -- --store postgres --nodes 3 [--minutes 10] [--faults 300] [--lease 2] [--shards 64] [--partitions proxy] [--services within] ...
//   npm run power-cuts -- --cuts 60 [--synchronous normal] ...
//   npm run disk-full -- --fills 30 ...
import { randomInt } from 'node:crypto'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { audit, type Least } from './audit.ts'
import { runCampaign } from './campaign.ts'
import { clusterCampaign } from './cluster-main.ts'
import { askAuditor, flow, writeEvidence } from './evidence.ts'
import { count } from './figures.ts'
import { isInside, runInside, whyNoNetwork } from './network.ts'
import { places, type Place } from './places.ts'
import { appendSlice, readReport, total, type Slice } from './report.ts'

const STALL_MS = 120_000

const [command = '', ...args] = process.argv.slice(2)
const { values } = parseArgs({
  args,
  options: {
    kills: { type: 'string' },
    cuts: { type: 'string' },
    fills: { type: 'string' },
    synchronous: { type: 'string', default: 'full' },
    orders: { type: 'string' },
    slice: { type: 'string' },
    report: { type: 'string' },
    seed: { type: 'string' },
    out: { type: 'string' },
    auditor: { type: 'string' },
    store: { type: 'string', default: 'file' },
    nodes: { type: 'string' },
    lease: { type: 'string' },
    shards: { type: 'string' },
    faults: { type: 'string' },
    minutes: { type: 'string' },
    services: { type: 'string' },
    apart: { type: 'boolean', default: false },
    partitions: { type: 'string', default: 'network' },
  },
})

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value < 2 ** 32) return value
  throw new RangeError(`--${name} is "${text}"; it must be a whole number from ${least}`)
}

interface Size {
  readonly blows: number
  readonly orders: number
  readonly seed: number
}

/** One campaign, from its orders to its verdicts. */
async function campaign(place: Place, { blows, orders, seed }: Size, out: string): Promise<Slice> {
  // Most blows have to hit, and often enough a step has to be asked for again, or the campaign proves nothing.
  const least: Least = {
    acks: orders,
    hits: { ...othersOf(place, blows), [place.counted]: Math.ceil(blows * 0.8) },
    redelivered: Math.ceil(blows / 4),
    endings: ['confirmed', 'declined', 'refunded', 'cancelled'],
  }
  console.log(`${blows} of ${place.counted}, ${orders} orders, seed ${seed}; evidence in ${out}`)
  const since = performance.now()
  const secondsSince = (): number => (performance.now() - since) / 1000
  const onBlow = (done: number): void => {
    if (done % 10 === 0) console.log(`  ${done} of ${place.counted}, ${secondsSince().toFixed(0)} s`)
  }
  const site = await place.make()
  if (typeof site === 'string') throw new Error(site)
  const { folder, shop, services, arsenal, remove } = site
  try {
    const evidence = await runCampaign({
      blows,
      arsenal,
      orders,
      seed,
      folder,
      shop,
      services,
      stallMs: STALL_MS,
      onBlow,
    })
    const seconds = secondsSince()
    writeEvidence(out, evidence)
    const exhibits = { orders: evidence.records.orders, effects: evidence.effects, faults: evidence.records.faults }
    const findings = audit({ ...exhibits, flow, least })
    for (const { rule, about, detail } of findings) console.log(`  ${rule}  ${about}: ${detail}`)
    const verdict = values.auditor === undefined ? null : await askAuditor(resolve(values.auditor), out, least)
    if (verdict !== null) console.log(verdict.said)
    const made = {
      seed,
      seconds,
      figures: count(exhibits),
      findings: findings.length,
      lost: new Set(findings.flatMap(({ rule, about }) => (rule === 'LOST' ? [about] : []))).size,
      isAuditorSilent: verdict === null ? null : verdict.isSilent,
    }
    remove(isGood(made))
    if (!isGood(made)) console.log(`run it again with --seed ${seed}`)
    return made
  } catch (error) {
    remove(false)
    throw error
  }
}

/** Campaigns one after the other until so many blows have hit; the report says what has been done before. */
async function inSlices(place: Place, report: string, all: Size, slice: number, out: string): Promise<Slice[]> {
  const done = readReport(report)
  const orders = Math.max(42, Math.ceil((all.orders * slice) / all.blows))
  const hits = (): number => total(done).hits[place.counted] ?? 0
  while (hits() < all.blows) {
    const own = { blows: slice, orders, seed: (all.seed + done.length) % 2 ** 32 }
    const made = await campaign(place, own, join(out, String(done.length)))
    appendSlice(report, made)
    done.push(made)
    console.log(`${hits()} of ${place.counted} have hit, ${total(done).seconds} s`)
    if (!isGood(made) && !place.isWeak) break
  }
  return done
}

/** At least one of each kind, unless only a few are counted. */
const othersOf = ({ others = {} }: Place, blows: number): Record<string, number> =>
  Object.fromEntries(Object.entries(others).map(([kind, share]) => [kind, Math.floor(blows * share)]))

const isGood = ({ findings, isAuditorSilent }: Slice): boolean => findings === 0 && isAuditorSilent !== false

/** Where the services are: in the process of the shop, or in one of their own. */
function servicesOr(usual: 'apart' | 'within'): 'apart' | 'within' {
  const given = values.services ?? usual
  if (given === 'apart' || given === 'within') return given
  throw new RangeError(`--services is "${given}"; it must be within or apart`)
}

/** `network` where that can be had; else it is said why not. */
function partitionsHere(): 'network' | 'proxy' {
  const { partitions } = values
  if (partitions !== 'network' && partitions !== 'proxy')
    throw new RangeError(`--partitions is "${partitions}"; it must be network or proxy`)
  if (partitions === 'proxy' || isInside()) return partitions
  const why = whyNoNetwork()
  if (why !== null) console.log(`partitions are made by a proxy, and not by a network of its own: ${why}`)
  return why === null ? 'network' : 'proxy'
}

/** The campaign against several nodes on one database. */
async function cluster(): Promise<boolean> {
  const partitions = partitionsHere()
  if (partitions === 'network' && !isInside()) return (await runInside()) === 0
  return clusterCampaign({
    partitions,
    services: servicesOr('apart'),
    nodes: numberOf('nodes', values.nodes ?? '3', 2),
    leaseSeconds: numberOf('lease', values.lease ?? '2', 1),
    shards: numberOf('shards', values.shards ?? '64', 1),
    faults: numberOf('faults', values.faults ?? '300', 1),
    minutes: numberOf('minutes', values.minutes ?? '10', 1),
    seed: numberOf('seed', values.seed ?? String(randomInt(2 ** 32)), 0),
    out: values.out === undefined ? mkdtempSync(join(tmpdir(), 'ballet-evidence-')) : resolve(values.out),
    auditor: values.auditor === undefined ? null : resolve(values.auditor),
  })
}

async function main(): Promise<boolean> {
  if (command === 'chaos' && values.store === 'postgres') {
    if (values.apart) throw new RangeError('--apart is for --store file')
    return cluster()
  }
  if (values.store !== 'file')
    throw new RangeError(`--store is "${values.store}"; it must be file, or postgres for chaos`)
  const { chaos, apart, each, powerCuts, diskFull } = places(values.synchronous)
  const isApart = servicesOr('within') === 'apart'
  if (isApart && command !== 'chaos') throw new RangeError(`--services apart is for chaos, and not for ${command}`)
  if (values.apart && (isApart || command !== 'chaos'))
    throw new RangeError('--apart is for chaos, and goes without --services')
  const place: Place | undefined = {
    chaos: values.apart ? each : isApart ? apart : chaos,
    'power-cuts': powerCuts,
    'disk-full': diskFull,
  }[command]
  if (place === undefined) throw new RangeError(`"${command}" is none of chaos, power-cuts and disk-full`)
  const blows = numberOf(place.option, values[place.option] ?? '20', 1)
  const orders = numberOf('orders', values.orders ?? String(Math.max(42, blows * place.ordersPerBlow)), 10)
  const seed = numberOf('seed', values.seed ?? String(randomInt(2 ** 32)), 0)
  const size = { blows, orders, seed }
  if (values.auditor !== undefined && !existsSync(values.auditor))
    throw new RangeError(`${values.auditor} is not there`)
  const out = values.out === undefined ? mkdtempSync(join(tmpdir(), 'ballet-evidence-')) : resolve(values.out)
  const slices =
    values.report === undefined
      ? [await campaign(place, size, out)]
      : await inSlices(place, values.report, size, numberOf('slice', values.slice ?? '25', 1), out)
  const all = total(slices)
  for (const [name, figure] of Object.entries(all)) console.log(`  ${name.padEnd(13)} ${JSON.stringify(figure)}`)
  if (place.isWeak) {
    console.log(
      all.lost > 0 ? `weakened, and ${all.lost} orders were lost: the cuts cut` : 'weakened, and NOTHING WAS LOST',
    )
    return all.lost > 0
  }
  const verdicts = slices.map(({ isAuditorSilent }) => isAuditorSilent)
  console.log(`audit: ${all.findings === 0 ? 'silent' : 'NOT SILENT'}`)
  if (verdicts.some((verdict) => verdict !== null))
    console.log(`auditor: ${verdicts.every((verdict) => verdict === true) ? 'silent' : 'NOT SILENT'}`)
  return slices.every(isGood)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
