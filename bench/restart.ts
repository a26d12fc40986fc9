// A process for restarts.ts: opens a store, puts runs into it or not, and says on one line what that took.
//   node --expose-gc restart.ts open <file> | wait <file> <runs> | long <file> <lanes> <length>
import { long, waiting } from './checkout.ts'
import { openEngine, type Engine } from './contenders.ts'
import { closedLoop } from './meter.ts'
import type { Observed } from './observed-store.ts'
import { newOrder } from './order.ts'

export interface Restart {
  /** Until the application was open: from the start of the process, and from the moment it had taken the store. */
  readonly readyMs: number
  readonly recoveryMs: number
  /** Processor time of `open`, all threads. */
  readonly openCpuUs: number
  /** What the heap holds at the end more than before: after `open` by what was recovered, else by what was begun. */
  readonly heapBytes: number
}

const [mode = '', file = '', ...counts] = process.argv.slice(2)
const [first = 0, second = 0] = counts.map(Number)

let heap = heapBytes()
const cpu = process.cpuUsage()
const engine = await openEngine(file)
const readyMs = performance.now()
const { user, system } = process.cpuUsage(cpu)
if (mode !== 'open') heap = heapBytes()
if (mode === 'wait') await beginWaiting(engine, first)
if (mode === 'long') await beginLong(engine, first, second)
const restart: Restart = {
  readyMs,
  recoveryMs: readyMs - engine.observed.acquiredAt,
  openCpuUs: user + system,
  heapBytes: heapBytes() - heap,
}
await engine.app.close()
console.log(JSON.stringify(restart))

async function beginWaiting({ app, observed }: Engine, runs: number): Promise<void> {
  const turns = turnsDurable(observed, runs)
  await closedLoop(runs, 256, () => app.start(waiting(newOrder())))
  await turns
}

async function beginLong({ app, observed }: Engine, lanes: number, length: number): Promise<void> {
  const turns = turnsDurable(observed, 1 + lanes * length)
  await app.start(long({ order: newOrder(), lanes, length }))
  await turns
}

/** Resolves when so many turns are durable. */
function turnsDurable(observed: Observed, turns: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (observed.seen.rows >= turns) resolve()
    }
    observed.onCommit = look
    look()
  })
}

/** What the heap of the main thread holds after everything that can go has gone. */
function heapBytes(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
