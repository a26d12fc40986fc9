// The simulator from the command line.
//
//   npm run simulate -- --seeds 20000 [--seed 1]      plays the stories of so many seeds from one on
//   npm run simulate -- --seed 17                     tells the story of one seed
//   npm run simulate -- --mutant no-gate|all          breaks the engine and plays until that is found
//
// Exits with 1 when a story finds something, or when a mutant is not found within its seeds. With --json the figures come as
// one line of JSON.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import type { Campaign } from './campaign.ts'
import { breakEngine, MUTANTS, type Mutant } from './mutants.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    soon: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed)
/** `--soon` tries only the mutants that are to be found within so many seeds. */
const SOON = 300
const print = (text: string): void => void process.stdout.write(`${text}\n`)

// Stacks are made for every error, and nobody reads them here. A rejection that is looked at late is the rule.
Error.stackTraceLimit = 0
// A story leaves nothing behind: with room for the young, hardly anything of it is ever moved.
setFlagsFromString('--max-semi-space-size=64')
process.on('rejectionHandled', () => {})

if (values.mutant === 'all') await allMutants()
else if (values.mutant !== undefined) await oneMutant(values.mutant)
else if (values.seeds === undefined) await tellOne()
else await playMany(Number(values.seeds))

async function playMany(seeds: number): Promise<void> {
  const { campaign } = await import('./campaign.ts')
  const played = await campaign(first, seeds, 10)
  print(values.json ? JSON.stringify(played) : wordsOf(played))
  for (const { seed, workload, findings } of played.found) {
    const words = findings.slice(0, 5).map(({ rule, detail }) => `  ${rule} ${detail.slice(0, 1000)}`)
    process.stderr.write(
      `seed ${seed} (${workload})\n${words.join('\n')}\n  again: npm run simulate -- --seed ${seed}\n`,
    )
  }
  if (played.found.length > 0) process.exitCode = 1
}

async function tellOne(): Promise<void> {
  const { story } = await import('./campaign.ts')
  const told = await story(first, true)
  print([`seed ${first}: ${told.workload}, milliseconds since it began`, ...(told.lines ?? [])].join('\n'))
  print(`hash ${told.hash}, ${told.findings.length} findings`)
  if (told.findings.length > 0) process.exitCode = 1
}

async function oneMutant(name: string): Promise<void> {
  const mutant = MUTANTS.find((one) => one.name === name)
  if (mutant === undefined)
    throw new Error(`there is no mutant ${name}; there are ${MUTANTS.map((one) => one.name).join(', ')}`)
  breakEngine(mutant)
  const { campaign } = await import('./campaign.ts')
  const { found, seeds } = await campaign(first, Number(values.seeds ?? mutant.within), 1)
  const [one] = found
  if (one === undefined) process.exitCode = 1
  const [finding] = one?.findings ?? []
  const words =
    finding === undefined ? 'NOT FOUND' : `${finding.rule} ${finding.detail.replaceAll('\n', ' ').slice(0, 110)}`
  print(
    values.json
      ? JSON.stringify({ name, seeds, found: one !== undefined })
      : `${name.padEnd(26)} ${String(seeds).padStart(5)} of ${mutant.within}  ${words}`,
  )
}

/** Each in a process of its own, two at a time. */
async function allMutants(): Promise<void> {
  const left = MUTANTS.filter(({ within }) => !values.soon || within <= SOON)
  const worker = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) print(await playMutant(mutant))
  }
  await Promise.all([worker(), worker()])
}

function playMutant({ name }: Mutant): Promise<string> {
  const args = [fileURLToPath(import.meta.url), '--mutant', name, '--seed', values.seed]
  const options = values.json ? ['--json'] : []
  return new Promise((resolve) => {
    execFile(process.execPath, [...args, ...options], (error, stdout, stderr) => {
      if (error !== null) process.exitCode = 1
      resolve(stdout.trim() || `${name} broke: ${stderr.slice(0, 400)}`)
    })
  })
}

function wordsOf({ seeds, seconds, figures, byWorkload, found }: Campaign): string {
  const { processes, crashes, fenced, runs, events, virtualMs } = figures
  const kinds = Object.entries(byWorkload).map(([name, count]) => `${count} ${name}`)
  const speed = `${(seeds / seconds).toFixed(0)} a second of processor time`
  return `${seeds} seeds (${kinds.join(', ')}), ${speed}: ${runs} runs in ${processes} processes, of which ${crashes} died and ${fenced} stopped; ${events} things happened in ${(virtualMs / 3.6e6).toFixed(1)} hours; ${found.length} stories with findings`
}
