import { Chance } from './chance.ts'
import { Driver, NOTHING_YET } from './driver.ts'
import { StagePump, machineOf, sceneOf } from './scene.ts'
import { replayed, turnsOf, batched, swapped } from './replays.ts'
const stage = new StagePump()
const t0 = performance.now()
let turns = 0, cases = 0, bad = 0, sw=[0,0], ba=[0,0], hist: Record<string, number> = {}
for (let seed = 1; seed <= Number(process.argv[2] ?? 200); seed++) {
  const scene = sceneOf(seed, { depth: 3, size: 26, children: 1, calm: false })
  const faults: Error[] = []
  const chance = new Chance(seed)
  try {
    const life = await new Driver(scene, machineOf(scene, faults), stage, chance, NOTHING_YET).live()
    turns += life.rows.length
    for (const r of life.rows) { const k = JSON.parse(r.text.split('\n')[0]!).kind; hist[k] = (hist[k] ?? 0) + 1 }
    hist[JSON.parse(life.rows.at(-1)!.text.split('\n')[2]!).at(-1).kind] = (hist[JSON.parse(life.rows.at(-1)!.text.split('\n')[2]!).at(-1).kind] ?? 0) + 1
    if (faults.length) console.log(seed, 'faults', faults[0])
    const all = turnsOf(life.rows)
    for (let k = 1; k <= life.rows.length; k++) { cases++
      const r = await replayed(stage, scene, all.slice(0, k), life.pending[k-1]!)
      if (r.kind === 'different') { bad++; console.log(seed, k, r.words) }
    }
    for (let k = 1; k + 1 < all.length; k += 3) { sw[1]!++
      const r = await replayed(stage, scene, swapped(all, k), life.pending.at(-1)!, false); if (r.kind === 'different') sw[0]!++ }
    const b = await batched(stage, scene, all); if (b.joined > 0) { ba[1]!++; if (b.words !== null) ba[0]!++ } else if (b.words) console.log(seed, 'batch w/o join', b.words)
  } catch (e) { console.log('seed', seed, e); break }
}
console.log({turns, cases, bad, sw, ba, hist, ms: performance.now() - t0})
