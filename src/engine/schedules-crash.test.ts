// Schedules of a process that dies at any of its commits, and of one whose file is closed between a time and its firing: each
// time has its run, and one.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { mortal } from '../../test/support/mortal-stores.ts'
import { ballet, memory, open, schedule, sqlite, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { HandClock } from '../testing/hand-clock.ts'

const made: string[] = []
const work = workflow('work', { input: z.string(), output: z.string() }, async (run, at) => {
  await run.step('note', () => void made.push(at))
  return at
})
const definition = ballet({
  services: [],
  workflows: [work],
  schedules: [schedule('often', { every: '10s', overlap: 'allow', catchUp: 'all', call: ({ at }) => work(at) })],
})
const silent = { info() {}, warn() {}, error() {} }
const BEGAN = Date.UTC(2026, 0, 2)
const TIMES = Array.from({ length: 4 }, (_, index) => new Date(BEGAN + (index + 1) * 10_000).toISOString())

/** Until the schedule waits for a time after what the clock shows. */
const isDone = async (app: Application, clock: HandClock): Promise<boolean> => {
  const run = await app.run('@schedule:often')
  const { next } = (run?.state ?? {}) as { next?: string }
  const isWaiting = run?.waits.some(({ kind }) => kind === 'receive') === true
  return isWaiting && next !== undefined && Date.parse(next) > clock.now()
}

/** Lets the times come, one after the other, and waits for what comes of each; gives up when the process is dead. */
async function pass(app: Application, clock: HandClock, died: Promise<void>): Promise<boolean> {
  const done = (): Promise<boolean> => until(app, null, () => isDone(app, clock))
  const isDead = died.then(() => false)
  for (;;) {
    if (!(await Promise.race([done(), isDead]))) return false
    if (clock.now() >= BEGAN + 40_000) return true
    clock.pass('10s')
  }
}

const runsOf = async (app: Application): Promise<readonly string[]> =>
  (await app.runs({ name: 'work', limit: 1000 })).items.map(({ input }) => input as string).toSorted()

test('it dies before or after any of its commits', async () => {
  let isBeyond = false
  for (let at = 1; !isBeyond; at += 1) {
    const when = at % 2 === 0 ? 'before' : 'after'
    made.length = 0
    const data = new MemoryData()
    const clock = new HandClock(new Date(BEGAN))
    const { promise: died, resolve } = Promise.withResolvers<void>()
    const opening = open(definition, { store: mortal(memory(data), at, when, resolve), clock, log: silent, graceMs: 0 })
    const first = await Promise.race([opening, died])
    isBeyond = first !== undefined && (await pass(first, clock, died))
    const second = await openForTest(definition, { store: memory(data), clock })
    await pass(second, clock, new Promise(() => {}))
    for (const id of (await second.runs({ name: 'work', limit: 1000 })).items.map((run) => run.id))
      await second.settled(id, Number.POSITIVE_INFINITY)
    expect([at, await runsOf(second)]).toEqual([at, TIMES])
    await second.close()
    expect(new Set(made)).toEqual(new Set(TIMES))
  }
})

test('a file that is closed between a time and its firing, and opened by another process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'schedules-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'a.db')
  const clock = new HandClock(new Date(BEGAN))
  const first = await openForTest(definition, { store: sqlite({ file }), clock })
  await until(first, null, () => isDone(first, clock))
  await first.close()
  clock.pass('30s')
  const second = await openForTest(definition, { store: sqlite({ file }), clock })
  await until(second, null, () => isDone(second, clock))
  expect(await runsOf(second)).toEqual(TIMES.slice(0, 3))
})
