// The campaign from the command line: `npm run alarms -- --runs 100000 [--where live,parked,closed] [--json]`. Each place has a
// process of its own, so that the memory of one is not the memory of another. Exits with 1 when a run did not go on exactly
// once, or went on before its time.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runAlarms, type Place } from './alarms.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    where: { type: 'string', default: 'live,parked,closed' },
    json: { type: 'boolean', default: false },
  },
})
const places = values.where.split(',') as Place[]
const [place] = places
if (place !== undefined && places.length === 1) await one(place)
else for (const where of places) process.exitCode = inOwnProcess(where) || process.exitCode

async function one(where: Place): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-alarms-'))
  try {
    const figures = await runAlarms({ runs: Number(values.runs), folder, where })
    const line = Object.entries(figures).map(([name, value]) => `${name} ${String(value)}`)
    console.log(values.json ? JSON.stringify({ where, ...figures }) : `${where}: ${line.join(', ')}`)
    if (figures.fired !== figures.runs || figures.twice > 0 || figures.early > 0) process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function inOwnProcess(where: Place): number {
  const main = process.argv[1] as string
  const args = [main, '--runs', values.runs, '--where', where, ...(values.json ? ['--json'] : [])]
  try {
    execFileSync(process.execPath, args, { stdio: 'inherit' })
    return 0
  } catch {
    return 1
  }
}
