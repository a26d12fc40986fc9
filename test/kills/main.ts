// `npm run kills -- --kills 100 --orders 1000 [--seed 7] [--out folder] [--auditor path/to/cli.mjs]`: a campaign of any
// length, its figures, and the verdicts. Exits with 1 when the audit, or the auditor that was named, finds anything.
import { randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { audit, type Least } from './audit.ts'
import { runCampaign } from './campaign.ts'
import { askAuditor, flow, writeEvidence } from './evidence.ts'
import { count } from './figures.ts'

const STALL_MS = 60_000

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    orders: { type: 'string', default: '200' },
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

async function main(): Promise<boolean> {
  const kills = numberOf('kills', values.kills, 1)
  const orders = numberOf('orders', values.orders, 10)
  const seed = numberOf('seed', values.seed ?? String(randomInt(2 ** 32)), 0)
  // Most kills have to hit, and every fourth must have a step asked for again, or the campaign proves nothing.
  const least: Least = {
    acks: orders,
    hits: Math.ceil(kills * 0.8),
    redelivered: Math.ceil(kills / 4),
    endings: ['confirmed', 'declined', 'refunded'],
  }
  const folder = mkdtempSync(join(tmpdir(), 'ballet-kills-'))
  const out = values.out === undefined ? mkdtempSync(join(tmpdir(), 'ballet-evidence-')) : resolve(values.out)
  if (values.auditor !== undefined && !existsSync(values.auditor))
    throw new RangeError(`${values.auditor} is not there`)
  console.log(`${kills} kills, ${orders} orders, seed ${seed}; evidence in ${out}`)
  const since = performance.now()
  const onKill = (done: number): void => {
    if (done % 10 === 0) console.log(`  ${done} kills, ${((performance.now() - since) / 1000).toFixed(0)} s`)
  }
  const evidence = await runCampaign({ kills, orders, seed, folder, stallMs: STALL_MS, onKill })
  const seconds = (performance.now() - since) / 1000
  writeEvidence(out, evidence)
  const exhibits = { orders: evidence.records.orders, effects: evidence.effects, faults: evidence.records.faults }
  console.log(`done in ${seconds.toFixed(1)} s`)
  for (const [name, figure] of Object.entries(count(exhibits)))
    console.log(`  ${name.padEnd(12)} ${JSON.stringify(figure)}`)
  const findings = audit({ ...exhibits, flow, least })
  for (const { rule, about, detail } of findings) console.log(`  ${rule}  ${about}: ${detail}`)
  console.log(findings.length === 0 ? 'audit: silent' : `audit: ${findings.length} findings`)
  const verdict = values.auditor === undefined ? null : await askAuditor(resolve(values.auditor), out, least)
  if (verdict !== null) console.log(`auditor: ${verdict.isSilent ? 'silent' : 'NOT SILENT'}\n${verdict.said}`)
  const isGood = findings.length === 0 && verdict?.isSilent !== false
  if (isGood) rmSync(folder, { recursive: true })
  else console.log(`the store is kept in ${folder}; run it again with --seed ${seed}`)
  return isGood
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
