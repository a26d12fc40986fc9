// The simulator from the command line.
//
//   npm run simulate -- --seeds 20000 [--seed 1]      plays the stories of so many seeds from one on
//   npm run simulate -- --seed 17                     tells the story of one seed
//   npm run simulate -- --mutant no-gate,no-lanes     breaks the engine and plays until that is found; `all` for every one
//   npm run simulate -- --store postgres --seeds 100  plays stories on a real PostgreSQL; with --mutant until that is found
//
// With --auditor, a program of somebody else judges the orders of the shop as well. Exits with 1 when a story finds something, or when a mutant is not found within its seeds. With --json the figures come as
// one line of JSON.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import type { Campaign } from './campaign.ts'
import { breakEngine, MUTANTS } from './mutants.ts'
import { simulateOnServer } from './postgres/command.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    mutant: { type: 'string' },
    auditor: { type: 'string' },
    store: { type: 'string', default: 'memory' },
    json: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed ?? 1)
const print = (text: string): void => void process.stdout.write(`${text}\n`)

// Stacks are made for every error, and nobody reads them here. A rejection that is looked at late is the rule.
Error.stackTraceLimit = 0
// A story leaves nothing behind: with room for the young, hardly anything of it is ever moved.
setFlagsFromString('--max-semi-space-size=64')
process.on('rejectionHandled', () => {})

const mutants = values.mutant === 'all' ? MUTANTS.map(({ name }) => name) : (values.mutant?.split(',') ?? [])
if (!['memory', 'postgres'].includes(values.store))
  throw new RangeError(`--store is "${values.store}"; it must be memory or postgres`)
if (values.store === 'postgres') {
  await simulateOnServer({ ...values, first, mutants })
  // What processes that have died still wait for would keep this one.
  process.exit()
}
if (mutants.length > 1) await eachMutant(mutants)
else if (mutants[0] !== undefined) await oneMutant(mutants[0])
else if (values.seeds === undefined) await tellOne()
else await playMany(Number(values.seeds))

async function playMany(seeds: number): Promise<void> {
  const { campaign } = await import('./campaign.ts')
  const played = await campaign(first, seeds, 10, values.auditor !== undefined)
  print(values.json ? JSON.stringify(played) : wordsOf(played))
  for (const { seed, workload, findings } of played.found) {
    const words = findings.slice(0, 5).map(({ rule, detail }) => `  ${rule} ${detail.slice(0, 1000)}`)
    process.stderr.write(
      `seed ${seed} (${workload})\n${words.join('\n')}\n  again: npm run simulate -- --seed ${seed}\n`,
    )
  }
  if (played.found.length > 0) process.exitCode = 1
  if (values.auditor === undefined) return
  const { auditedBy } = await import('./auditor.ts')
  const { isSilent, said } = await auditedBy(values.auditor, played.evidence)
  print(said)
  if (!isSilent) process.exitCode = 1
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
  const { found, seeds } = await campaign(
    Number(values.seed ?? mutant.first ?? 1),
    Number(values.seeds ?? mutant.within),
    1,
  )
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
async function eachMutant(names: readonly string[]): Promise<void> {
  const left = [...names]
  const worker = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) print(await playMutant(name))
  }
  await Promise.all([worker(), worker()])
}

function playMutant(name: string): Promise<string> {
  const args = [
    fileURLToPath(import.meta.url),
    '--mutant',
    name,
    ...(values.seed === undefined ? [] : ['--seed', values.seed]),
  ]
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
