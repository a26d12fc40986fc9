// An application that only records what it was asked and answers with what a test gave it: for the tests of what the
// server does before and after the engine (guards, limits, routing, problems). It keeps no runs; what rests on the
// engine is tested on the engine.
import type { AsideWholeView } from '../core/aside-views.ts'
import { fault } from '../core/errors.ts'
import type { ApplicationView, RunView, ScheduleView } from '../core/views.ts'
import type { Application } from '../define/application.ts'
import type { AsideDoors } from '../define/asides.ts'
import type { FetchingDoors } from '../define/node.ts'

/** A call of one of the application's functions, with its arguments. */
export type Asked = readonly [name: string, ...given: readonly unknown[]]

const unanswered = (name: string) => (): Promise<never> =>
  Promise.reject(fault('INVARIANT', { problem: `the test gave no answer to ${name}` }))

/** The run that `run` and `settled` answer with unless a test says otherwise. */
export const RUN: RunView = {
  id: 'checkout:8841',
  kind: 'workflow',
  name: 'checkout',
  version: '1',
  key: { field: 'orderId', value: '8841' },
  root: 'run:checkout:8841',
  cause: null,
  parent: null,
  status: 'running',
  waits: [],
  choices: [],
  input: { orderId: '8841' },
  created: '2026-01-31T12:00:00.000Z',
  ended: null,
}

const SHOP: ApplicationView = {
  name: 'shop',
  version: '1',
  store: { kind: 'memory', name: 'memory:', id: 's', incarnation: 1 },
  services: [],
  workflows: [],
  choreographies: [],
  events: [{ type: 'order.created', key: 'orderId' }],
  signals: [],
}

const FETCHING: FetchingDoors = {
  services: [],
  door: () => null,
  others: () => [],
  find: async (id) => ({ id, address: null }),
}

const NIGHTLY: ScheduleView = {
  name: 'nightly',
  cron: '0 3 * * *',
  every: null,
  timezone: 'UTC',
  overlap: 'skip',
  catchUp: 'last',
  within: null,
  run: '@schedule:nightly',
  state: 'active',
  next: '2026-03-02T03:00:00.000Z',
  paused: null,
  last: null,
  skipped: null,
  missed: null,
}

const LYING: AsideWholeView = {
  item: '0-9f2c41d0a7b3c5e1',
  shard: 0,
  kind: 'start',
  name: 'checkout',
  version: null,
  id: 'checkout:8841',
  again: 'owned anew',
  since: '2026-01-31T12:00:00.000Z',
  cause: null,
}

const ASIDE: AsideDoors = {
  asides: () => Promise.resolve({ items: [], more: false }),
  aside: (item) => Promise.resolve({ ...LYING, item }),
  retryAside: (item) => Promise.resolve({ item, action: 'retry', outcome: 'taken', changed: true }),
  dropAside: (item) => Promise.resolve({ item, action: 'drop', outcome: 'dropped', changed: true }),
  actOnAsides: ({ action }) =>
    Promise.resolve({ action, matched: 0, changed: 0, outcomes: {}, more: false, refused: [] }),
}

/** Nothing is carried elsewhere, and nobody waits for an answer that comes later. */
const UNASKED: Pick<Application, 'carrierOf' | 'awaits'> = { carrierOf: () => null, awaits: () => false }

/** An application with these answers, and the list of what it was asked. */
export function testApplication(answers: Partial<Application> = {}): { app: Application; asked: Asked[] } {
  const asked: Asked[] = []
  const given: Application = {
    name: 'shop',
    http: null,
    recovered: { runs: 0, stuck: 0, durationMs: 1 },
    stopped: new Promise(() => {}),
    standing: {
      role: 'owner',
      node: 'node-1',
      owner: { id: 'node-1', address: null },
      isSure: true,
      over: new AbortController().signal,
      doubt: () => {},
    },
    hints: { listen: () => () => {}, take: () => {} },
    asks: { carry: () => () => {}, take: () => Promise.resolve([]) },
    fetching: FETCHING,
    ...UNASKED,
    nodes: () => Promise.resolve({ leaseMs: null, nodes: [], shards: [], aside: [] }),
    start: unanswered('start'),
    startNamed: ({ id }) => Promise.resolve({ id: id ?? 'checkout:8841', created: true }),
    publish: unanswered('publish'),
    publishNamed: ({ id = 'e-1', source = 'shop' }) => Promise.resolve({ id, source, position: 7, created: true }),
    conduct: () => unanswered('conduct'),
    conductNamed: () => Promise.resolve({ id: 'fulfilment:8841', created: true }),
    signal: unanswered('signal'),
    signalNamed: ({ id = 's-1' }) => Promise.resolve({ id, created: true }),
    cancel: (id) => Promise.resolve({ id, action: 'cancel', changed: true, ops: [] }),
    retry: (id) => Promise.resolve({ id, action: 'retry', changed: true, ops: [] }),
    answer: (id, { op }) => Promise.resolve({ id, action: 'answer', changed: true, ops: [op] }),
    fail: (id) => Promise.resolve({ id, action: 'fail', changed: true, ops: [] }),
    actOnAll: ({ action }) => Promise.resolve({ action, matched: 0, changed: 0, more: false, refused: [] }),
    ...ASIDE,
    schedules: () => Promise.resolve([NIGHTLY]),
    schedule: () => Promise.resolve(NIGHTLY),
    pause: (schedule) => Promise.resolve({ schedule, action: 'pause' }),
    resume: (schedule) => Promise.resolve({ schedule, action: 'resume' }),
    trigger: (schedule) => Promise.resolve({ id: `${schedule}@20260302T030000Z`, created: true }),
    result: unanswered('result'),
    run: (id) => Promise.resolve(id === RUN.id ? RUN : null),
    settled: (id) => Promise.resolve(id === RUN.id ? RUN : null),
    runs: () => Promise.resolve({ items: [RUN], cursor: 'next' }),
    journal: (id) => Promise.resolve(id === RUN.id ? { items: [] } : null),
    events: () => Promise.resolve({ items: [] }),
    key: (field, value) => Promise.resolve({ field, value, flows: [], runs: [RUN], events: [] }),
    flows: () => Promise.resolve({ items: [] }),
    flow: () => Promise.resolve(null),
    counts: () => Promise.resolve({ counts: [], more: false }),
    failing: () => Promise.resolve({ failing: [], shards: { known: 1, of: 1 } }),
    metrics: () => [],
    graph: () => Promise.resolve({ runs: [RUN], events: [] }),
    describe: () => Promise.resolve(SHOP),
    watch: () => () => {},
    close: () => Promise.resolve(),
    ...answers,
  }
  const app = new Proxy(given, {
    get(target, name: keyof Application) {
      const value: unknown = target[name]
      // A value of the application, though it can be called: nothing is asked of it by that.
      if (typeof value !== 'function' || name === 'http') return value
      return (...args: readonly unknown[]): unknown => {
        asked.push([name, ...args])
        return (value as (...args: readonly unknown[]) => unknown)(...args)
      }
    },
  })
  return { app, asked }
}
