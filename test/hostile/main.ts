// `npm run hostile -- --inputs 20000 --seed 7 [--only 1234]`: a campaign of any length against a process of its own, its
// figures, and for everything that was found a line that brings it back. Exits with 1 when anything was found.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runCampaign } from './campaign.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '2500' },
    seed: { type: 'string' },
    only: { type: 'string' },
    limit: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const seed = Number(values.seed ?? randomInt(2 ** 32))
const only = values.only === undefined ? undefined : Number(values.only)
const print = (text: string): void => void process.stdout.write(`${text}\n`)
const since = performance.now()
const onProgress = (sent: number): void => {
  if (sent % 2400 === 0) print(`  ${sent} sent, ${((performance.now() - since) / 1000).toFixed(0)} s`)
}
const figures = await runCampaign({
  seed,
  only,
  inputs: Number(values.inputs),
  limitMs: values.limit === undefined ? undefined : Number(values.limit),
  onProgress,
})
const { findings, refused, ...rest } = figures
if (values.json) print(JSON.stringify(figures))
else {
  print(`seed ${seed}, ${((performance.now() - since) / 1000).toFixed(1)} s`)
  for (const [name, value] of Object.entries(rest)) print(`  ${name.padEnd(14)} ${JSON.stringify(value)}`)
  for (const [code, count] of Object.entries(refused)) print(`  refused ${String(count).padStart(6)}  ${code}`)
  for (const { number, place, name, fault } of findings)
    print(`\n${place}: ${name}\n  ${fault}\n  again: npm run hostile -- --seed ${seed} --only ${number}`)
  print(findings.length === 0 ? 'nothing was found' : `${findings.length} findings`)
}
process.exit(findings.length + figures.unknownRoutes.length === 0 ? 0 : 1)
