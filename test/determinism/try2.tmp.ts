import { Chance } from './chance.ts'
import { Driver, NOTHING_YET } from './driver.ts'
import { StagePump, machineOf, sceneOf, type Scene } from './scene.ts'
import { replayed, turnsOf } from './replays.ts'
const stage = new StagePump()
for (const mode of ['names', 'numbers'] as const) {
let n=0, turns=0, bad = 0, shown = 0, bykind: Record<string, number> = {}
for (let seed = 1; seed <= 300; seed++) {
  const base = sceneOf(seed, { depth: 3, size: 20, children: 0, calm: true })
  const sc = (padded: boolean): Scene => { let c = 0; const d = new Chance(seed).part(9); const pads = new Map<number, number>(); return { ...base, variation: { ...(padded ? { pads: (site: number) => { if (!pads.has(site)) pads.set(site, d.is(0.3) ? d.between(1, 3) : 0); return pads.get(site)! } } : {}), ...(mode === 'numbers' ? { rename: () => String(c++) } : {}) } } }
  const life = await new Driver(sc(false), machineOf(sc(false), []), stage, new Chance(seed), NOTHING_YET).live()
  n++; turns += life.rows.length
  const r = await replayed(stage, sc(true), turnsOf(life.rows), life.pending.at(-1)!, false)
  if (r.kind === 'different') { bad++; if (mode === 'names' && shown++ < 6) console.log(seed, r.words) }
}
console.log(mode, { n, turns, bad })
}
