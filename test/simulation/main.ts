import { tell } from '../../src/testing/simulation/stage.ts'
import { tally } from './tally.ts'
import { shop } from './shop.ts'
const [from = '1', count = '10', told = ''] = process.argv.slice(2)
Error.stackTraceLimit = 0
process.on('rejectionHandled', () => {})
const t0 = performance.now()
let bad = 0
const total: Record<string, number> = {}
for (let s = Number(from); s < Number(from) + Number(count); s++) {
  const one = await tell(process.env['W'] === 'shop' ? shop : tally, s, told !== '')
  if (told) console.log(one.lines?.join('\n'))
  for (const [k, v] of Object.entries(one.figures)) total[k] = (total[k] ?? 0) + v
  if (one.findings.length) {
    bad++
    console.log(
      s,
      one.hash,
      one.findings.slice(0, 3).map((f) => `${f.rule} ${f.detail.slice(0, 600)}`),
    )
  }
}
const ms = performance.now() - t0
console.log({ bad, perSecond: Math.round((Number(count) / ms) * 1000), cpu: process.cpuUsage().user / 1e6, ...total })
