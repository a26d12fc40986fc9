// The campaign from the command line: `npm run overload -- --seconds 60 --factor 10 [--connections 1000] [--json]`. Exits
// with 1 when an accepted order did not complete, a refused one left something, or the goodput is below 0.8 of the peak.
import { parseArgs } from 'node:util'
import { overload } from './campaign.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    factor: { type: 'string', default: '10' },
    connections: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
})
const [seconds, factor, connections] = [values.seconds, values.factor, values.connections].map(Number) as [
  number,
  number,
  number,
]
const figures = await overload({ seconds, factor, connections })
if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`)
else for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name}: ${String(value)}\n`)
if (figures.findings.length > 0 || figures.goodput < 0.8) process.exitCode = 1
