// A process that is started and killed by poison.test.ts: an application with many healthy runs, some long ones and
// one whose code ends the process in the way that is asked for. It tells its parent what has come of them.
//   POISON=exit|loop|abort|memory|none STORE=<url> CLOCK=<times> LONGS=<count> node main.ts
import { z } from 'zod'
import { ballet, open, operation, service, signal, workflow, type Application } from '../../src/index.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { fastClock } from '../support/clocks.ts'

/** What the parent asks for, and what it is told. */
export type Wish = 'tell' | 'retry' | 'close'
export interface Told {
  readonly wish: Wish
  readonly completed: number
  readonly stuck: readonly string[]
  readonly poison: { readonly status: string; readonly error: string }
  readonly long: string
}

const HEALTHY = 50
const {
  POISON: mode = 'none',
  STORE: store = '',
  CLOCK: times = '1',
  LONG_MS: longMs = '0',
  LONGS: longs = '1',
} = process.env
const output = z.json()
const Stop = signal('stop', z.null())

function kill(): void {
  const held: unknown[] = []
  if (mode === 'exit') process.exit(9)
  if (mode === 'abort') process.abort()
  if (mode === 'loop') for (;;);
  if (mode === 'memory') for (;;) held.push(Array.from({ length: 10_000 }, (_, index) => ({ index })))
}

const desk = service('desk', {
  work: operation({ input: z.number(), output: z.number(), run: (n) => n + 1 }),
  abort: operation({ input: z.null(), output: z.null(), run: () => (mode === 'abort' && kill(), null) }),
  long: operation({
    input: z.null(),
    output: z.null(),
    timeout: '1h',
    run: () => new Promise<null>((resolve) => systemClock.after(Number(longMs), () => resolve(null))),
  }),
})
const healthy = workflow('healthy', { input: z.number(), output }, async (run, n) => {
  const one = await run.call(desk.work(n))
  await run.step('step', () => one)
  return run.call(desk.work(one))
})
const poison = workflow('poison', { input: z.null(), output, signals: [Stop] }, async (run) => {
  await run.call(desk.work(1))
  if (mode !== 'abort') kill()
  await run.call(desk.abort(null))
  return 'mended'
})
const long = workflow('long', { input: z.null(), output }, async (run) => (await run.call(desk.long(null)), 'long'))

async function begin(app: Application): Promise<void> {
  const starts = [app.start(poison(null), { id: 'poison' })]
  for (let n = 0; n < Number(longs); n++) starts.push(app.start(long(null), { id: `long${n}` }))
  for (let n = 0; n < HEALTHY; n++) starts.push(app.start(healthy(n), { id: `h${n}` }))
  await Promise.all(starts)
}

async function told(app: Application, wish: Wish): Promise<Told> {
  const { items } = await app.runs({ limit: 1000 })
  const run = items.find(({ id }) => id === 'poison')
  return {
    wish,
    completed: items.filter(({ name, status }) => name === 'healthy' && status === 'completed').length,
    stuck: items.filter(({ status }) => status === 'stuck').map(({ id }) => id),
    poison: { status: run?.status ?? 'none', error: run?.error?.code ?? '' },
    long: [...new Set(items.filter(({ name }) => name === 'long').map(({ status }) => status))].join(),
  }
}

const app = await open(ballet({ services: [desk], workflows: [healthy, poison, long] }), {
  store,
  clock: fastClock(Number(times)),
  watchdogMs: 1000,
  graceMs: 0,
  // By a clock that is fast, a machine that is busy for a moment is one that is overloaded.
  limits: { queueMs: 3_600_000, commitMs: 3_600_000 },
})
await begin(app)

/** Tells whenever something has changed, until the parent has heard enough. */
const tell = async (wish: Wish): Promise<void> => void process.send?.(await told(app, wish))
const stop = app.watch(null, () => void tell('tell'))
process.on('message', (wish: Wish) => {
  if (wish === 'tell') void tell(wish)
  else if (wish === 'retry') void app.retry('poison', { by: 'test', why: 'mended' }).then(() => tell(wish))
  else {
    stop()
    void app.close().then(() => process.disconnect())
  }
})
await tell('tell')
