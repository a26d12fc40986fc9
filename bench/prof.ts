import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { openContenders } from './contenders.ts'
import { metered } from './meter.ts'
const folder = mkdtempSync(join('.ballet', 'prof-'))
const [which = 'engine', inFlight = '64', orders = '6000', rounds = '10'] = process.argv.slice(2)
const c = await openContenders(folder)
const all: number[][] = []
const med = (v: number[]) => v.toSorted((a, b) => a - b)[Math.floor(v.length / 2)]!
for (let i = 0; i < Number(rounds) + 1; i++) {
  const e = await metered(() => c.drive[which as 'engine'](Number(orders), Number(inFlight)))
  const k = await metered(() => c.drive.ceiling(Number(orders), Number(inFlight)))
  const steps = Number(orders) * 3
  if (i > 0) all.push([e.cpuUs / steps, e.mainUs / steps, k.cpuUs / steps, e.cpuUs / k.cpuUs, e.mainUs / k.cpuUs, k.seconds / e.seconds, steps / e.seconds, Math.min(e.mainUs / steps)])
}
const col = (n: number) => all.map((r) => r[n]!)
console.log(`${which} ${inFlight}: cpu ${med(col(0)).toFixed(1)} main ${med(col(1)).toFixed(1)} (least ${Math.min(...col(1)).toFixed(1)}) ceil ${med(col(2)).toFixed(1)} | cpu/ceil ${med(col(3)).toFixed(2)} main/ceil ${med(col(4)).toFixed(2)} | rate/ceil ${med(col(5)).toFixed(3)} steps/s ${Math.round(med(col(6)))} max ${Math.round(Math.max(...col(6)))}`)
await c.close()
