// Very many timers that are due in one instant: runs that sleep until then in an application of its own, on a SQLite file.
// They are awake in memory, parked on the disk, or found when the application is opened after the instant has passed.
// What counts: each fires once, none before its time, and the event loop goes round meanwhile.
import { join } from 'node:path'
import { z } from 'zod'
import { ballet, open, workflow, type Application, type OpenOptions } from '../../src/index.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { watchLoop, type LoopFigures } from './loop-watch.ts'

const HOUR_MS = 3_600_000
/** Starts that wait for their acknowledgement at once. */
const TOGETHER = 2000

/** Where the runs are when the instant comes: awake in memory, on the disk, or in a store that nobody has open. */
export type Place = 'live' | 'parked' | 'closed'

export interface AlarmsOptions {
  readonly runs: number
  /** An empty folder. */
  readonly folder: string
  readonly where: Place
}

export interface AlarmsFigures extends LoopFigures {
  readonly runs: number
  readonly fired: number
  /** Runs that went on more than once, or before their time. */
  readonly twice: number
  readonly early: number
  /** From the instant until the last run has gone on. */
  readonly seconds: number
  /** Resident memory before the instant, and the most that was seen after it. */
  readonly restMiB: number
  readonly mostMiB: number
}

/** Lets `runs` runs sleep until one instant, and watches what happens then. */
export async function runAlarms({ runs, folder, where }: AlarmsOptions): Promise<AlarmsFigures> {
  const counts = new Uint8Array(runs)
  const due = systemClock.now() + HOUR_MS
  let aheadMs = 0
  let fired = 0
  let early = 0
  const now = (): number => systemClock.now() + aheadMs
  const all = Promise.withResolvers<void>()
  const sleeper = workflow('sleeper', { input: z.number(), output: z.null() }, async (run, n) => {
    await run.sleep(`${due - run.now().getTime()}ms`)
    counts[n] = (counts[n] ?? 0) + 1
    if (now() < due) early += 1
    if (++fired === runs) all.resolve()
    return null
  })
  const definition = ballet({ services: [], workflows: [sleeper] })
  const options: OpenOptions = {
    store: `file:${join(folder, 'alarms.db')}`,
    log: { info: () => {}, warn: () => {}, error: console.error },
    liveRuns: where === 'live' ? runs : 1000,
    limits: { openRuns: 2 * runs, queueMs: 600_000 },
    clock: { now, after: (delayMs, callback) => systemClock.after(Math.min(delayMs, 1000), callback) },
  }
  let app = await open(definition, options)
  try {
    await startAll(app, runs, (n) => app.start(sleeper(n), { id: `s${n}` }))
    if (where === 'closed') await app.close()
    const loop = watchLoop()
    const memory = watchMemory()
    const since = performance.now()
    aheadMs = HOUR_MS + 1000
    if (where === 'closed') app = await open(definition, options)
    await all.promise
    const seconds = (performance.now() - since) / 1000
    const rounds = loop.stop()
    await app.run('s0')
    const twice = counts.filter((count) => count !== 1).length
    return { runs, fired, twice, early, seconds: Math.round(seconds * 10) / 10, ...rounds, ...memory.stop() }
  } finally {
    await app.close()
  }
}

async function startAll(app: Application, runs: number, start: (n: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < runs; from += TOGETHER)
    await Promise.all(Array.from({ length: Math.min(TOGETHER, runs - from) }, (_, index) => start(from + index)))
  // The last of them has got as far as its sleep.
  for (;;) {
    const last = await app.journal(`s${runs - 1}`)
    if (last !== null && last.items.length > 0) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function watchMemory(): { stop: () => { readonly restMiB: number; readonly mostMiB: number } } {
  const rest = process.memoryUsage.rss()
  let most = rest
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 50)
  return {
    stop: () => {
      clearInterval(timer)
      return { restMiB: Math.round(rest / 2 ** 20), mostMiB: Math.round(most / 2 ** 20) }
    },
  }
}
