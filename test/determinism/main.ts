// The campaigns from the command line: so many programs from a seed on, a line of figures each, and a story for what went
// wrong: `npm run determinism -- --programs 1000 --seed 1 [--level machine|engine] [--crashes 20] [--json]`. Exits with 1
// when anything differed. They run in a process of their own, because rejections that nobody has looked at yet are part
// of what is tested.
import { parseArgs } from 'node:util'
import { engineCampaign, type EngineFigures } from './engine-campaign.ts'
import { machineCampaign, type MachineFigures, type Tally } from './machine-campaign.ts'

const { values } = parseArgs({
  options: {
    programs: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    level: { type: 'string', default: 'machine,engine' },
    crashes: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
})

const counted = ({ cases, different }: Tally): string => `${different} of ${cases}`

function machineLine(figures: MachineFigures): string {
  const { programs, turns, cancelled, undone, crashes, continued, padded } = figures
  const { swapped, batched, numbered, reversed, hasty, forgetful } = figures
  const right = `${counted(crashes)} crashes, ${counted(continued)} continued, ${counted(padded)} with awaits added`
  const order = `order ${counted(swapped)}, batch ${counted(batched)}, numbers ${counted(numbered)}`
  const undo = `given up in reverse ${counted(reversed)}, hasty ${counted(hasty)}, forgetful ${counted(forgetful)}`
  return `machine: ${programs} programs, ${turns} turns, ${cancelled} lives cancelled, ${undone} calls undone; different: ${right}; mutants: ${order}, ${undo}`
}

function engineLine(figures: EngineFigures): string {
  const { programs, runs, cancelled, continued, turns, attempts, crashes, journals, exchanged, lost } = figures
  return `engine: ${programs} programs, ${runs} runs (${cancelled} cancelled, ${continued} times continued), ${turns} rows, ${attempts} attempts; different: ${counted(crashes)} crashes, ${counted(journals)} journals; mutants: rows exchanged ${counted(exchanged)}, commit lost ${counted(lost)}`
}

const differs = (...tallies: readonly Tally[]): boolean => tallies.some(({ different }) => different > 0)

const [programs, seed, crashes] = [Number(values.programs), Number(values.seed), Number(values.crashes)]
// Node warns of a rejection that is looked at late; here that is the rule.
process.on('rejectionHandled', () => {})
process.on('uncaughtExceptionMonitor', () =>
  process.stderr.write(`in a campaign of ${programs} programs from seed ${seed} on\n`),
)

const levels = values.level.split(',')
const print = (text: string): void => void process.stdout.write(`${text}\n`)
if (levels.includes('machine')) {
  const figures = await machineCampaign(programs, seed)
  print(values.json ? JSON.stringify(figures) : machineLine(figures))
  for (const story of figures.stories) process.stderr.write(`\n${story}\n`)
  if (differs(figures.crashes, figures.continued, figures.padded)) process.exitCode = 1
}
if (levels.includes('engine')) {
  const figures = await engineCampaign(programs, seed, crashes)
  print(values.json ? JSON.stringify(figures) : engineLine(figures))
  for (const story of figures.stories) process.stderr.write(`\n${story}\n`)
  if (differs(figures.crashes, figures.journals)) process.exitCode = 1
}
