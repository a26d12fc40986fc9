// Who is suspected when processes die one after the other. A process dies here by being forgotten: its clock stands
// still, the next one fences it, and what it was about to do never happens.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { rounds } from '../../test/support/sweeps.ts'
import type { Store } from '../core/store.ts'
import { ballet, memory, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const output = z.json()
const Go = signal('go', z.object({ n: z.number() }))

/** An application with a call that never answers, and one that does. */
function hanging() {
  let entered: (id: string) => void = () => {}
  const seen: string[] = []
  let isMended = false
  const desk = service('desk', {
    hang: operation({
      input: z.null(),
      output: z.null(),
      run: (_input, { run }) => {
        seen.push(run)
        entered(run)
        return isMended ? null : new Promise<null>(() => {})
      },
    }),
    work: operation({ input: z.null(), output: z.null(), run: () => null }),
    refuse: operation({
      input: z.null(),
      output: z.null(),
      retry: { attempts: 1 },
      run: () => {
        throw new Error('refused')
      },
    }),
  })
  const hang = workflow('hang', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.call(desk.hang(null))
    const { data } = await run.receive(Go)
    return data.n
  })
  const work = workflow('work', { input: z.null(), output }, async (run) => (await run.call(desk.work(null)), 'done'))
  const both = workflow('both', { input: z.null(), output }, async (run) => {
    await Promise.all([run.call(desk.refuse(null)), run.call(desk.hang(null))])
    return null
  })
  const waiter = workflow('waiter', { input: z.null(), output, signals: [Go] }, async (run) => {
    return (await run.receive(Go)).data.n
  })
  return {
    definition: ballet({ services: [desk], workflows: [hang, work, waiter, both] }),
    calls: { workflow: hang, hang, work, waiter, both, operation: desk.hang },
    seen,
    /** Resolves with the run whose call is made next. */
    next: () => new Promise<string>((resolve) => (entered = resolve)),
    mend: () => void (isMended = true),
  }
}

const marks = (data: MemoryData): readonly string[] =>
  [...data.suspects.values()].map(({ run, what, deaths }) => `${data.runs.get(run)?.id} ${what} ${deaths}`)

/** Opens the application as the next process, with a clock of its own. */
async function nextLife(
  definition: ReturnType<typeof hanging>['definition'],
  data: MemoryData,
  store: Store = memory(data),
) {
  const clock = new SteppedClock()
  const log = keptLog()
  const app = await openForTest(definition, { store, clock, log })
  return { app, clock, log }
}

/** Five processes die while the run `bad` is under way; returns the sixth. */
async function poisoned(kind: 'workflow' | 'operation' | 'both' = 'workflow') {
  const data = new MemoryData()
  const parts = hanging()
  const { definition, calls, next } = parts
  let entered = next()
  const first = await nextLife(definition, data)
  await first.app.start(calls[kind](null), { id: 'bad' })
  await entered
  for (const quietMs of [0, 0, 10_000, 30_000]) {
    entered = next()
    const { clock } = await nextLife(definition, data)
    clock.pass(quietMs)
    await entered
  }
  return { ...parts, data, ...(await nextLife(definition, data)) }
}

test('nobody is suspected before the second process in a row has died', async () => {
  const data = new MemoryData()
  const { definition, calls, next } = hanging()
  const entered = next()
  const first = await nextLife(definition, data)
  await first.app.start(calls.hang(null), { id: 'bad' })
  await entered
  const again = next()
  const second = await nextLife(definition, data)
  await again
  await rounds(20)
  expect([marks(data), second.log.lines]).toEqual([[], []])
})

test('what is under way is marked; three deaths of it alone, and the run is left alone while the others go on', async () => {
  const data = new MemoryData()
  const { definition, calls, next, seen } = hanging()
  let entered = next()
  const first = await nextLife(definition, data)
  await first.app.start(calls.hang(null), { id: 'bad' })
  await first.app.start(calls.waiter(null), { id: 'good' })
  await entered
  entered = next()
  await nextLife(definition, data)
  await entered
  entered = next()
  const third = await nextLife(definition, data)
  expect(third.log.lines).toEqual([expect.stringContaining('2 processes died one after the other: 2 open runs')])
  await entered
  expect([marks(data), (await third.app.run('bad'))?.suspect]).toEqual([['bad effect desk.hang#0 1'], undefined])
  for (const [quietMs, deaths] of [
    [10_000, 2],
    [30_000, 3],
  ] as const) {
    entered = next()
    const { clock, app } = await nextLife(definition, data)
    await app.start(calls.work(null), { id: `work ${deaths}`.replace(' ', '-') })
    expect(await app.result(`work-${deaths}`)).toBe('done')
    clock.pass(quietMs - 1)
    await rounds(20)
    const [view] = (await app.runs({ name: 'hang' })).items
    expect([marks(data), view?.suspect?.deaths]).toEqual([[`bad (effect desk.hang#0) ${deaths - 1}`], deaths - 1])
    clock.pass(1)
    await entered
    const suspect = (await app.run('bad'))?.suspect
    expect([marks(data), suspect?.deaths]).toEqual([[`bad effect desk.hang#0 ${deaths}`], deaths - 1])
  }
  const last = await nextLife(definition, data)
  expect(seen).toHaveLength(5)
  expect(marks(data)).toEqual([])
  expect(await last.app.run('bad')).toMatchObject({
    status: 'stuck',
    reason: 'poisoned',
    error: { code: 'RUN_POISONED', message: expect.stringContaining('effect desk.hang#0') },
    choices: [{ action: 'retry', after: 'mend the code' }, { action: 'cancel' }, { action: 'fail' }],
  })
  await last.app.signal('good', Go({ n: 7 }))
  expect(await last.app.result('good')).toBe(7)
  last.clock.pass(60_000)
  await rounds(20)
  expect(data.crashes).toBe(0)
  await nextLife(definition, data)
  expect([data.crashes, seen.length]).toEqual([1, 5])
})

test.each(['workflow', 'operation'] as const)(
  'a poisoned %s that is asked to stop does so when it is mended and retried, also after a restart',
  async (kind) => {
    const { app, data, definition, mend } = await poisoned(kind)
    expect(await app.cancel('bad', { by: 'ann', why: 'enough' })).toMatchObject({ changed: true, kept: true })
    expect(await app.run('bad')).toMatchObject({
      phase: 'cancelling',
      choices: [{ action: 'retry', after: 'mend the code' }, { action: 'fail' }],
    })
    await app.close()
    const { app: later } = await nextLife(definition, data)
    expect(await later.cancel('bad')).toMatchObject({ changed: false, kept: true })
    expect(await later.run('bad')).toMatchObject({ status: 'stuck', reason: 'poisoned' })
    mend()
    expect(await later.retry('bad', { by: 'ann', why: 'mended' })).toMatchObject({ changed: true })
    const run = await until(later, null, async () => {
      const found = await later.run('bad')
      return found?.ended !== null && found
    })
    expect(run).toMatchObject({ status: 'cancelled', error: { details: { by: 'ann', why: 'enough' } } })
    await rounds(20)
    expect(marks(data)).toEqual([])
  },
)

// Found by a newcomer: a cancellation that had been acknowledged was gone without a word.
test.each(['workflow', 'operation'] as const)(
  'a poisoned %s that is let fail says that it was to stop',
  async (kind) => {
    const { app } = await poisoned(kind)
    const untold = await app.actOnAll({ action: 'cancel', reason: 'poisoned', by: 'ann' })
    expect(untold).toMatchObject({ matched: 1, changed: 1, kept: 1 })
    const request = { error: { message: 'nobody mends it' }, by: 'bob', why: 'too old' }
    expect(await app.fail('bad', request)).toMatchObject({ changed: true, dropped: 'cancel' })
    expect(await app.run('bad')).toMatchObject({ status: 'failed', error: { message: 'nobody mends it' } })
    const note = (await app.journal('bad'))?.items.at(-1)?.note
    expect(note).toEqual({ kind: 'action', action: 'fail', op: null, by: 'bob', why: 'too old', drops: 'cancel' })
  },
)

test('a poisoned run that nobody asked to stop is let fail without a word of that', async () => {
  const { app } = await poisoned()
  const acted = await app.fail('bad', { error: { message: 'nobody mends it' } })
  expect(acted).toEqual({ id: 'bad', action: 'fail', changed: true, ops: [] })
})

test('signals for a poisoned run wait as mail, each once, and reach it when it is mended', async () => {
  const { app, data, definition, mend } = await poisoned()
  const send = (to: Application) => to.signal('bad', Go({ n: 7 }), { id: 's' })
  expect([(await send(app)).created, (await send(app)).created]).toEqual([true, false])
  await app.close()
  const { app: later } = await nextLife(definition, data)
  expect((await send(later)).created).toBe(false)
  mend()
  await later.retry('bad')
  expect(await later.result('bad')).toBe(7)
})

test('a poisoned run with a stuck call is stuck by that again, when it goes on', async () => {
  const { app, mend } = await poisoned('both')
  expect(await app.run('bad')).toMatchObject({ status: 'stuck', reason: 'poisoned' })
  mend()
  await app.retry('bad')
  expect(await app.run('bad')).toMatchObject({
    status: 'stuck',
    reason: 'call',
    error: { message: 'refused' },
    choices: [{ op: 'desk.refuse#0' }, { op: 'desk.refuse#0' }, { op: 'desk.refuse#0' }, { action: 'cancel' }],
  })
})

test('a retry of code that still kills is one more death, and the run is left alone again', async () => {
  const { app, data, definition, next, seen } = await poisoned()
  const entered = next()
  await app.retry('bad')
  await entered
  expect(marks(data)).toEqual(['bad effect desk.hang#0 3'])
  const { app: after } = await nextLife(definition, data)
  expect(await after.run('bad')).toMatchObject({ status: 'stuck', reason: 'poisoned' })
  expect(seen).toHaveLength(6)
  await after.fail('bad', { error: { message: 'give it up' } })
  expect(await after.run('bad')).toMatchObject({ status: 'failed', error: { message: 'give it up' } })
})

test('when a process dies while nobody is under way, somebody else does that: nobody is suspected for it', async () => {
  const data = new MemoryData()
  const { definition, calls, next } = hanging()
  let entered = next()
  const first = await nextLife(definition, data)
  await first.app.start(calls.hang(null), { id: 'bad' })
  await entered
  for (let life = 0; life < 2; life++) {
    entered = next()
    await nextLife(definition, data)
    await entered
  }
  expect(marks(data)).toEqual(['bad effect desk.hang#0 1'])
  await nextLife(definition, data)
  await rounds(20)
  expect(marks(data)).toEqual(['bad (effect desk.hang#0) 1'])
  entered = next()
  await nextLife(definition, data)
  await entered
  expect(marks(data)).toEqual(['bad effect desk.hang#0 1'])
})

test('an attempt that takes a second has passed: nobody is accused, and the next one goes on', async () => {
  const data = new MemoryData()
  const { definition, calls, next, seen } = hanging()
  let entered = next()
  const first = await nextLife(definition, data)
  for (const id of ['a', 'b']) await first.app.start(calls.hang(null), { id })
  await entered
  await nextLife(definition, data)
  for (let life = 0; life < 5; life++) {
    entered = next()
    const { clock } = await nextLife(definition, data)
    expect(await entered).toBe('a')
    expect(marks(data)).toEqual(['a effect desk.hang#0 1'])
    entered = next()
    clock.pass(999)
    await rounds(20)
    expect(seen.at(-1)).toBe('a')
    clock.pass(1)
    expect(await entered).toBe('b')
    expect(marks(data)).toEqual(['b effect desk.hang#0 1'])
    clock.pass(1000)
    await rounds(20)
    expect(marks(data)).toEqual([])
  }
})

test('many runs are tried in groups: a death of a group counts for none, and the next process takes it apart', async () => {
  const data = new MemoryData()
  const { definition, calls, next, seen } = hanging()
  const first = await nextLife(definition, data)
  await Promise.all(Array.from({ length: 200 }, (_, n) => first.app.start(calls.hang(null), { id: `r${n}` })))
  await until(first.app, null, async () => seen.length === 200)
  const after = await nextLife(definition, data)
  await until(after.app, null, async () => seen.length === 400)
  let entered = next()
  const third = await nextLife(definition, data)
  await entered
  third.clock.pass(1000)
  await rounds(5)
  const group = marks(data)
  expect(group).toEqual([4, 5, 6, 7].map((n) => `r${n} effect desk.hang#0 -3`))
  entered = next()
  const { clock } = await nextLife(definition, data)
  await entered
  // Those that are suspected least go first, four in a second; then the others, one in a second.
  const tried: string[] = []
  for (let second = 0; second < 53; second++) {
    tried.push(
      marks(data)
        .filter((mark) => !mark.includes('('))
        .join(),
    )
    clock.pass(1000)
    await rounds(5)
  }
  expect(tried.filter((one) => one.split(',').length === 4).length).toBeGreaterThan(45)
  expect(tried.slice(-4)).toEqual([4, 5, 6, 7].map((n) => `r${n} effect desk.hang#0 1`))
  expect(marks(data)).toEqual([])
})

test('the first turn of a new run waits until there is a row to accuse, while processes die', async () => {
  const data = new MemoryData()
  const order: string[] = []
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    order.push(`turn, ${data.runs.size} rows`)
    return (await run.receive(Go)).data.n
  })
  const definition = ballet({ services: [], workflows: [flow] })
  for (let life = 0; life < 2; life++) await nextLife(definition, data)
  const store = guarded(memory(data), 'commit', async (pass) => (await rounds(20), pass()))
  const { app } = await nextLife(definition, data, store)
  // The signal comes before the start is durable, and is delivered behind it.
  const started = app.start(flow(null), { id: 'f' })
  const signalled = rounds(3).then(() => app.signal('f', Go({ n: 3 })))
  await Promise.all([started, signalled])
  expect(await app.result('f')).toBe(3)
  expect(order).toEqual(['turn, 1 rows'])
})

test('a process that ends well leaves what it found, and nobody has died of what it was doing', async () => {
  const data = new MemoryData()
  const { definition, calls, next } = hanging()
  let entered = next()
  const first = await nextLife(definition, data)
  await first.app.start(calls.hang(null), { id: 'bad' })
  await entered
  for (let life = 0; life < 2; life++) {
    entered = next()
    const { app } = await nextLife(definition, data)
    await entered
    if (life === 0) continue
    expect(marks(data)).toEqual(['bad effect desk.hang#0 1'])
    await app.close()
    // What did the others is not found out yet.
    expect([marks(data), data.crashes, data.owner]).toEqual([[], -2, null])
  }
})
