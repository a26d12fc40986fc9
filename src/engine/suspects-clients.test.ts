// What a client sends ends the process, and is sent again after each restart: whatever brought about the turn that killed is
// durable before it, so that the next process has something to accuse. A process dies here when a turn says so: nothing that
// it would write from then on is there.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { rounds } from '../../test/support/sweeps.ts'
import { ballet, event, memory, open, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const output = z.json()
const Say = signal('say', z.object({ word: z.string() }))
const state = { isDead: false, now: Date.UTC(2030, 0, 1) }

/** Listens, and takes a breath every second, so that it has turns without anybody saying something. */
const listener = workflow('listener', { input: z.null(), output, signals: [Say] }, async (run) => {
  for (let heard = 0; ;) {
    const said = await run.receive(Say, { within: '1s' })
    if (said?.data.word === 'die') state.isDead = true
    if (said?.data.word === 'end') return heard
    if (said !== null) heard += 1
  }
})
const killer = workflow('killer', { input: z.null(), output }, async () => {
  state.isDead = true
  return null
})
const definition = ballet({ services: [], workflows: [listener, killer] })

interface Life {
  /** One that dies is never open, or never closed. */
  readonly app: Promise<Application>
  /** Lets time pass until the process has died, or for so long. */
  readonly pass: (seconds: number) => Promise<void>
}

async function nextLife(data: MemoryData): Promise<Life> {
  // What is on its way is done with: nothing of a dead process happens in the next one.
  await rounds(50)
  state.isDead = false
  const clock = new SteppedClock(state.now)
  const store = guarded(memory(data), 'commit', (pass) => (state.isDead ? new Promise(() => {}) : pass()))
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds && !state.isDead; second++) {
      await rounds()
      if (!state.isDead) clock.pass(1000)
    }
    await rounds()
    state.now = clock.now()
  }
  const app = open(definition, { store, clock, log: keptLog(), graceMs: 0 })
  app.catch(() => {})
  return { app, pass }
}

const reasonOf = (data: MemoryData, id: string): string | null =>
  [...data.runs.values()].find((run) => run.id === id)?.reason ?? null

/** Processes die until one has lived for three minutes. @returns how many died. @param beginMs of each life before `send`. */
async function untilCalm(data: MemoryData, beginSeconds: number, send: (app: Application) => Promise<unknown>) {
  for (let deaths = 0; deaths < 15; deaths++) {
    const { app, pass } = await nextLife(data)
    await pass(beginSeconds)
    // The process dies before it answers.
    if (!state.isDead) app.then(send).catch(() => {})
    await pass(180)
    if (!state.isDead) return { app: await app, deaths }
  }
  throw new Error('processes die without end')
}

test.each([
  [2, 4],
  [70, 5],
])(
  'a signal that ends the process is sent again %i s after each beginning, to a run that has other turns: the run is left alone',
  async (seconds, deaths) => {
    const data = new MemoryData()
    const app = await (await nextLife(data)).app
    for (const id of ['bad', 'good']) await app.start(listener(null), { id })
    const answers: boolean[] = []
    const send = async (to: Application): Promise<void> => {
      answers.push((await to.signal('bad', Say({ word: 'die' }), { id: 's' })).created)
    }
    const calm = await untilCalm(data, seconds, send)
    expect([reasonOf(data, 'bad'), reasonOf(data, 'good')]).toEqual(['poisoned', null])
    expect(calm.deaths).toBe(deaths)
    // Nobody has been told before that it was taken.
    await send(calm.app)
    expect(answers).toEqual([true, false])
  },
)

test('a start that ends the process is sent again more than a minute after each beginning: the run is left alone', async () => {
  const data = new MemoryData()
  const { deaths } = await untilCalm(data, 70, (app) => app.start(killer(null), { id: 'bad' }))
  expect([deaths, reasonOf(data, 'bad')]).toEqual([6, 'poisoned'])
})

test('signals that are durable before their turn, to a run whose code throws: each is kept once more when its sender is told, and given to the run once', async () => {
  const data = new MemoryData()
  let mended = 0
  const first = workflow('first', { input: z.null(), output, signals: [Say] }, async (run) => {
    const { data: one } = await run.receive(Say)
    if (mended < 1) throw new Error(`not ${one.word}`)
    const { data: two } = await run.receive(Say)
    if (mended < 2) throw new Error(`not ${two.word}`)
    return `${one.word} ${two.word} ${(await run.receive(Say)).data.word}`
  })
  const live = () => openForTest(ballet({ services: [], workflows: [first] }), { store: memory(data) })
  await live()
  const app = await live()
  const kinds = async () => (await app.journal('f'))?.items.map(({ kind }) => kind).join(' ')
  await app.start(first(null), { id: 'f' })
  const said = ['a', 'b', 'c'].map((word) => app.signal('f', Say({ word }), { id: word }))
  expect(await Promise.all(said)).toEqual(['a', 'b', 'c'].map((id) => ({ id, created: true })))
  expect(await kinds()).toBe('mail mail mail turn turn note mail mail')
  mended = 1
  await app.retry('f')
  expect((await kinds())?.match(/mail/g)).toHaveLength(5)
  expect((await app.signal('f', Say({ word: 'c' }), { id: 'c' })).created).toBe(false)
  mended = 2
  await app.retry('f')
  expect(await app.result('f')).toBe('a b c')
})

test('what is kept for a run is not lost when a turn before it continues the run, and the process dies then', async () => {
  const data = new MemoryData()
  let isMended = false
  let isDead = false
  const desk = event('desk.fact', z.object({ id: z.string() }), { key: 'id' })
  const next = workflow('next', { input: z.number(), output, signals: [Say] }, async (run, generation) => {
    if (!isMended) throw new Error('not yet')
    const { data: said } = await run.receive(Say)
    if (generation > 0) return said.word
    // As many rows as fill a batch: what is kept behind this turn comes in the next one.
    for (let n = 0; n < 600; n++) run.emit(desk({ id: `${n}` }))
    return run.continueAs(1)
  })
  const live = () => {
    const store = guarded(memory(data), 'commit', (pass) => {
      if (isDead) return new Promise(() => {})
      isDead = isMended && data.runs.size === 1 && [...data.events.values()].length > 0
      return isDead ? new Promise(() => {}) : pass()
    })
    return open(ballet({ services: [], workflows: [next], events: [desk] }), { store, log: keptLog(), graceMs: 0 })
  }
  const app = await live()
  await app.start(next(0), { id: 'n' })
  for (const word of ['a', 'b', 'c']) await app.signal('n', Say({ word }), { id: word })
  isMended = true
  app.retry('n').catch(() => {})
  await rounds(100)
  expect(isDead).toBe(true)
  isDead = false
  const later = await openForTest(ballet({ services: [], workflows: [next], events: [desk] }), { store: memory(data) })
  expect(await later.result('n')).toBe('b')
})

test('a signal that is durable before its turn, to a run that ends in the turn before: it was not taken, and never is', async () => {
  const data = new MemoryData()
  await nextLife(data)
  const app = await openForTest(definition, { store: memory(data) })
  await app.start(listener(null), { id: 'l' })
  const [, late] = await Promise.allSettled([
    app.signal('l', Say({ word: 'end' }), { id: 'a' }),
    app.signal('l', Say({ word: 'more' }), { id: 'b' }),
  ])
  expect(late).toMatchObject({ status: 'rejected', reason: { code: 'RUN_ENDED' } })
  expect((await app.journal('l'))?.items.filter(({ kind }) => kind === 'mail')).toHaveLength(2)
  await expect(app.signal('l', Say({ word: 'more' }), { id: 'b' })).rejects.toMatchObject({ code: 'RUN_ENDED' })
})
