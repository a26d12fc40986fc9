// The way of hints between the nodes of a story: most arrive, soon or after a while, and some never do.
import type { SimulatedProcess } from './process.ts'

const LOST = 0.15
const LATE_MS = 1500

/** Carries what a node has to tell the others, from now on. */
export function carryHints(process: SimulatedProcess, others: readonly SimulatedProcess[]): void {
  const { app, world } = process
  if (app === null || world.nodes === 1) return
  const chance = world.chance(`${process.name} hints`)
  app.hints.listen((to, hint) => {
    if (!process.isAlive) return
    if (world.weather !== null && chance.is(LOST)) {
      world.count('hintLost')
      return
    }
    const isLate = world.weather !== null && chance.is(LOST)
    void world.clock.after(isLate ? chance.between(10, LATE_MS) : chance.between(0, 4), () => {
      const node = others.find((one) => one.isAlive && !one.hasClosed && one.app?.standing.node === to.id)
      node?.hear(hint)
    })
  })
}
