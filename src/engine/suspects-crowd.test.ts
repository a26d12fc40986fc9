// Runs of which one ends the process, when all that has to be tried takes longer than the minute after which a process has
// not died young, and when they are so many that groups of them are taken apart twice. Every operation here takes long.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { rounds } from '../../test/support/sweeps.ts'
import { ballet, memory, operation, service, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const output = z.json()

/** Long calls of as many runs; those of `killers` end the process, which is told by `death`. */
function crowd(killers: readonly string[]) {
  const state = { isDead: false, begun: 0 }
  const desk = service('desk', {
    long: operation({
      input: z.null(),
      output: z.null(),
      timeout: '2h',
      run: (_input, { run }) => {
        state.begun += 1
        if (killers.includes(run)) state.isDead = true
        return new Promise<null>(() => {})
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => (await run.call(desk.long(null)), 'done'))
  return { state, flow, definition: ballet({ services: [desk], workflows: [flow] }) }
}

/**
 * Processes die of these runs, one after the other, until one has lived for three minutes. @returns how many died.
 * @param isEnded whether a process is ended well after 20 s, by how many there were before it.
 */
async function untilCalm(
  names: readonly string[],
  killers: readonly string[],
  isEnded: (lives: number) => boolean = () => false,
) {
  const data = new MemoryData()
  const { state, flow, definition } = crowd(killers)
  const live = async () => {
    state.isDead = false
    const clock = new SteppedClock()
    const store = guarded(memory(data), 'commit', (pass) => (state.isDead ? new Promise(() => {}) : pass()))
    return { clock, app: await openForTest(definition, { store, clock, log: keptLog() }) }
  }
  const first = await live()
  await Promise.all(names.map((id) => first.app.start(flow(null), { id }))).catch(() => {})
  expect(data.runs.size).toBe(names.length)
  for (let deaths = 1, lives = 1; deaths < 30; lives++) {
    // What is on its way is done with: nothing of a dead process happens in the next one.
    await rounds(50)
    const { clock, app } = await live()
    const most = isEnded(lives) ? 20 : 180
    for (let second = 0; second < most && !state.isDead; second++) {
      await rounds(8)
      if (!state.isDead) clock.pass(1000)
    }
    deaths += state.isDead ? 1 : 0
    if (state.isDead) continue
    if (isEnded(lives)) {
      await app.close()
      continue
    }
    const { items } = await app.runs({ status: ['stuck'] })
    return { deaths, stuck: items.map(({ id }) => id).toSorted(), marks: data.suspects.size, crashes: data.crashes }
  }
  throw new Error('processes die without end')
}

const many = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `r${n}`)

test('F1: 64 runs of long calls, of which the last ends the process: it is left alone, and nobody else', async () => {
  const names = many(64)
  expect(await untilCalm(names, ['r63'])).toEqual({ deaths: 5, stuck: ['r63'], marks: 0, crashes: 0 })
})

test(
  'F1: 4,200 runs of long calls, of which one ends the process: it is found after seven deaths',
  { timeout: 60_000 },
  async () => {
    expect(await untilCalm(many(4200), ['r4100'])).toEqual({ deaths: 7, stuck: ['r4100'], marks: 0, crashes: 0 })
  },
)

test('F1: every third process is ended well, before it is found out what ends the others: it is, all the same', async () => {
  const { deaths, stuck } = await untilCalm(many(40), ['r39'], (lives) => lives % 3 === 0)
  expect([deaths, stuck]).toEqual([5, ['r39']])
})

test('F1: 200 runs of long calls, of which two of one group and one of another end the process: those are left alone', async () => {
  const { stuck, deaths } = await untilCalm(many(200), ['r50', 'r51', 'r150'])
  expect(stuck).toEqual(['r150', 'r50', 'r51'])
  expect(deaths).toBeLessThan(20)
})
