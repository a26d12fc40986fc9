// `npm run crash-points -- [--points 400] [--report points.jsonl] [--at-once 2] [--auditor cli.mjs]`: kills the shop at
// every write and sync of its store's files, one after the other. It ends when so many have hit, or all were tried; with a
// report it goes on where the last one ended. Exits with 1 when anything was found, or fewer hit than were asked for.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { prepareShop } from '../chaos/shop-process.ts'
import { appendResult, isGood, readResults, summary, type Result } from './report.ts'
import { findPoints, judge, nameOf } from './sweep.ts'
import { whyNoTrace } from './trace.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '400' },
    report: { type: 'string' },
    'at-once': { type: 'string', default: '2' },
    auditor: { type: 'string' },
  },
})

/** Plays points until so many have killed; true when nothing was found and there were enough. */
async function sweep(base: string, wanted: number): Promise<boolean> {
  const auditor = values.auditor === undefined ? undefined : resolve(values.auditor)
  const done = readResults(values.report)
  const tried = new Set(done.map((one) => nameOf(one.scene, one)))
  const all = await findPoints(base)
  const left = all.filter((point) => !tried.has(nameOf(point.scene.name, point)))
  console.log(`${all.length} points, ${tried.size} of them tried before`)
  const hits = (): number => done.filter(({ isKilled }) => isKilled).length
  const worker = async (): Promise<void> => {
    for (let point = left.shift(); point !== undefined && hits() < wanted; point = left.shift()) {
      const result: Result = await judge(point, base, auditor)
      done.push(result)
      if (values.report !== undefined) appendResult(values.report, result)
      if (!isGood(result)) console.log(`${nameOf(result.scene, result)}\n  ${result.findings.join('\n  ')}`)
      if (done.length % 50 === 0) console.log(`  ${hits()} points`)
    }
  }
  await Promise.all(Array.from({ length: Number(values['at-once']) }, worker))
  for (const line of summary(done)) console.log(line)
  const isEnough = hits() >= Math.min(wanted, all.length * 0.9)
  if (!isEnough) console.log(`TOO FEW: ${hits()} points, ${wanted} are needed`)
  return isEnough && done.every(isGood)
}

async function main(): Promise<boolean> {
  const wanted = Number(values.points)
  if (!Number.isInteger(wanted) || wanted < 1) throw new RangeError(`--points is "${values.points}"`)
  const why = whyNoTrace()
  if (why !== null) throw new Error(why)
  const base = mkdtempSync(join(tmpdir(), 'ballet-base-'))
  try {
    await prepareShop(base)
    return await sweep(base, wanted)
  } finally {
    rmSync(base, { recursive: true })
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
