// The ways between the nodes of a story. Hints: most arrive, soon or after a while, and some never do. What nodes ask of each other:
// most is answered; a request or its answer may be lost, at once or without a word, and a request may arrive when nobody waits for
// its answer any more.
import type { NodeAnswer, NodeAsk, NodeAt } from '../../define/node.ts'
import type { Chance } from './chance.ts'
import { connectionLost, type SimulatedProcess } from './process.ts'

const LOST = 0.15
const LATE_MS = 1500

/** Carries what a node has to tell the others, and asks of them, from now on. */
export function connectNodes(process: SimulatedProcess, others: readonly SimulatedProcess[]): void {
  const { app, world } = process
  if (app === null || world.nodes === 1) return
  const reached = (to: NodeAt): SimulatedProcess | undefined =>
    others.find((one) => one.isAlive && !one.hasClosed && one.app?.standing.node === to.id)
  const chance = world.chance(`${process.name} hints`)
  app.hints.listen((to, hint) => {
    if (!process.isAlive) return
    if (world.weather !== null && chance.is(LOST)) {
      world.count('hintLost')
      return
    }
    void world.clock.after(delayMs(process, chance), () => reached(to)?.hear(hint))
  })
  const asking = world.chance(`${process.name} asks`)
  app.asks.carry((to, asks, over) => carried(process, asking, { node: () => reached(to), asks, over }))
}

function delayMs({ world }: SimulatedProcess, chance: Chance): number {
  const isLate = world.weather !== null && chance.is(LOST)
  return isLate ? chance.between(10, LATE_MS) : chance.between(0, 4)
}

interface Carried {
  readonly node: () => SimulatedProcess | undefined
  readonly asks: readonly NodeAsk[]
  readonly over: AbortSignal
}

function carried(
  process: SimulatedProcess,
  chance: Chance,
  { node, asks, over }: Carried,
): Promise<readonly NodeAnswer[]> {
  const { world } = process
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(connectionLost(process.name))
    over.addEventListener('abort', fail)
    const isLost = (): boolean => {
      if (world.weather === null || !chance.is(LOST)) return false
      world.count('askLost')
      if (chance.is(1 / 2)) fail()
      return true
    }
    if (!process.isAlive || isLost()) return
    void world.clock.after(delayMs(process, chance), () => {
      const reached = node()
      if (reached === undefined) return fail()
      reached.asked(asks).then((answers) => {
        if (isLost()) return
        world.count('asked')
        void world.clock.after(delayMs(process, chance), () => {
          if (process.isAlive) resolve(answers)
        })
      }, fail)
    })
  })
}
