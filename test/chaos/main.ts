// `npm run kills -- --kills 200 --orders 1600 [--slice 25 --report kills.jsonl] [--seed 7] [--out folder] [--auditor cli.mjs]`:
// a campaign of any length, in one piece or in slices; its figures, and the verdicts. Exits with 1 when the audit, or the
// auditor that was named, finds anything.
import { randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { audit, type Least } from './audit.ts'
import { runCampaign } from './campaign.ts'
import { askAuditor, flow, writeEvidence } from './evidence.ts'
import { count } from './figures.ts'
import { appendSlice, readReport, total, type Slice } from './report.ts'

const STALL_MS = 60_000

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    orders: { type: 'string', default: '200' },
    slice: { type: 'string' },
    report: { type: 'string' },
    seed: { type: 'string' },
    out: { type: 'string' },
    auditor: { type: 'string' },
  },
})

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value < 2 ** 32) return value
  throw new RangeError(`--${name} is "${text}"; it must be a whole number from ${least}`)
}

interface Size {
  readonly kills: number
  readonly orders: number
  readonly seed: number
}

/** One campaign, from its orders to its verdicts. */
async function campaign({ kills, orders, seed }: Size, out: string): Promise<Slice> {
  // Most kills have to hit, and every fourth must have a step asked for again, or the campaign proves nothing.
  const least: Least = {
    acks: orders,
    hits: Math.ceil(kills * 0.8),
    redelivered: Math.ceil(kills / 4),
    endings: ['confirmed', 'declined', 'refunded', 'cancelled'],
  }
  const folder = mkdtempSync(join(tmpdir(), 'ballet-kills-'))
  console.log(`${kills} kills, ${orders} orders, seed ${seed}; evidence in ${out}`)
  const since = performance.now()
  const onKill = (done: number): void => {
    if (done % 10 === 0) console.log(`  ${done} kills, ${((performance.now() - since) / 1000).toFixed(0)} s`)
  }
  const evidence = await runCampaign({ kills, orders, seed, folder, stallMs: STALL_MS, onKill })
  const seconds = (performance.now() - since) / 1000
  writeEvidence(out, evidence)
  const exhibits = { orders: evidence.records.orders, effects: evidence.effects, faults: evidence.records.faults }
  const findings = audit({ ...exhibits, flow, least })
  for (const { rule, about, detail } of findings) console.log(`  ${rule}  ${about}: ${detail}`)
  const verdict = values.auditor === undefined ? null : await askAuditor(resolve(values.auditor), out, least)
  if (verdict !== null) console.log(verdict.said)
  const isAuditorSilent = verdict === null ? null : verdict.isSilent
  if (findings.length === 0 && isAuditorSilent !== false) rmSync(folder, { recursive: true })
  else console.log(`the store is kept in ${folder}; run it again with --seed ${seed}`)
  return { seed, seconds, figures: count(exhibits), findings: findings.length, isAuditorSilent }
}

/** Campaigns one after the other until so many kills have hit; the report says what has been done before. */
async function inSlices(report: string, all: Size, slice: number, out: string): Promise<Slice[]> {
  const done = readReport(report)
  const orders = Math.max(24, Math.ceil((all.orders * slice) / all.kills))
  while (total(done).hits < all.kills) {
    const own = { kills: slice, orders, seed: (all.seed + done.length) % 2 ** 32 }
    const made = await campaign(own, join(out, String(done.length)))
    appendSlice(report, made)
    done.push(made)
    const { hits, seconds } = total(done)
    console.log(`${hits} kills have hit, ${seconds} s`)
    if (!isGood(made)) break
  }
  return done
}

const isGood = ({ findings, isAuditorSilent }: Slice): boolean => findings === 0 && isAuditorSilent !== false

async function main(): Promise<boolean> {
  const kills = numberOf('kills', values.kills, 1)
  const orders = numberOf('orders', values.orders, 10)
  const seed = numberOf('seed', values.seed ?? String(randomInt(2 ** 32)), 0)
  const size = { kills, orders, seed }
  if (values.auditor !== undefined && !existsSync(values.auditor))
    throw new RangeError(`${values.auditor} is not there`)
  const out = values.out === undefined ? mkdtempSync(join(tmpdir(), 'ballet-evidence-')) : resolve(values.out)
  const slices =
    values.report === undefined
      ? [await campaign(size, out)]
      : await inSlices(values.report, size, numberOf('slice', values.slice ?? '25', 1), out)
  for (const [name, figure] of Object.entries(total(slices)))
    console.log(`  ${name.padEnd(13)} ${JSON.stringify(figure)}`)
  const verdicts = slices.map(({ isAuditorSilent }) => isAuditorSilent)
  console.log(`audit: ${slices.every(({ findings }) => findings === 0) ? 'silent' : 'NOT SILENT'}`)
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
