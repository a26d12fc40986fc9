import { expect, it } from 'vitest'
import type { CountView, RunView, WaitView } from '../core/views.ts'
import { transportChecks } from './transport-checks.ts'

const now = Date.parse('2026-11-30T03:00:00.000Z')
const ago = (ms: number): string => new Date(now - ms).toISOString()
const error = { code: 'NATS_FAILED', message: 'connection refused' }
const wait = (more: Partial<WaitView>): WaitView => ({
  op: 'orders.take',
  kind: 'call',
  for: 'orders.take',
  from: 'orders',
  since: ago(90_000),
  until: null,
  ...more,
})
const heartbeat = (progress: object, heardMs = 1000) => ({
  attempt: 1,
  at: ago(heardMs),
  progress: { created: 't', after: 7, waiting: 0, lateMs: 0, ...progress },
})
const run = (more: Partial<RunView>): RunView => ({
  id: 'orders:take',
  kind: 'operation',
  name: 'orders.take',
  version: '1',
  key: null,
  root: 'run:orders:take',
  cause: null,
  parent: null,
  status: 'running',
  waits: [],
  choices: [],
  input: { from: 'all' },
  created: ago(90_000),
  ended: null,
  ...more,
})

/** What is said of these runs by an application that takes. */
async function said(items: readonly RunView[], counts: readonly CountView[] = [], takes: readonly string[] = ['a']) {
  const operations = [{ name: 'orders.take', outcomes: [], elsewhere: 'nats:ORDERS' }]
  const services = [{ name: 'orders', takes, operations, reactions: [] }]
  const reads = {
    runs: async ({ name }: { readonly name?: string | undefined }) => ({
      items: items.filter((one) => one.name === name),
    }),
    counts: async () => ({ counts, more: false }),
    run: async (id: string) => items.find((one) => one.id === id) ?? null,
  }
  const checks = await transportChecks({ reads, app: { services }, now })
  return checks.map(({ verdict, found, todo = '-' }) => `${verdict} ${found} > ${todo}`)
}

it.each([
  ['is well', wait({ heartbeat: heartbeat({}) }), 'ok', 'all up to message 7, nothing waits behind it'],
  ['has much to do', wait({ heartbeat: heartbeat({ waiting: 12, lateMs: 900 }) }), 'ok', '7, 12 wait behind it'],
  ['lags', wait({ heartbeat: heartbeat({ waiting: 12, lateMs: 90_000 }) }), 'warn', 'it lags, by 1.5m when it took'],
  ['is silent', wait({ heartbeat: heartbeat({}, 61_000) }), 'warn', 'heard of 1.02m ago'],
  ['has not begun', wait({}), 'warn', 'nothing yet; orders:take, heard of 1.5m ago'],
  [
    'fails',
    wait({ heartbeat: heartbeat({}), attempt: { number: 1, error, next: ago(-1000) } }),
    'warn',
    'the last attempt failed: connection refused',
  ],
  [
    'has failed before',
    wait({ heartbeat: { ...heartbeat({}), attempt: 2 }, attempt: { number: 1, error, next: ago(1000) } }),
    'ok',
    'heard of',
  ],
])('a call that takes and %s', async (_, one, verdict, words) => {
  expect(await said([run({ waits: [one] })])).toEqual([expect.stringContaining(words)])
  expect((await said([run({ waits: [one] })]))[0]).toMatch(verdict === 'ok' ? /^ok .* > -$/ : /^warn .* > \w/)
})

it('one that is stuck, and none where one is to be', async () => {
  const stuck = wait({ attempt: { number: 1, error, next: null } })
  expect(await said([run({ status: 'stuck', reason: 'call', waits: [stuck] })])).toEqual([
    expect.stringMatching(/^wrong .*; stuck: connection refused > ballet show orders:take says/),
  ])
  expect(await said([])).toEqual([expect.stringMatching(/^warn .* nothing is taken from nats:ORDERS, .* never begun/)])
  expect(await said([], [], [])).toEqual([])
})

it('ends of those that took mean nothing where another does, or nothing is to be taken', async () => {
  const ended = run({ status: 'cancelled', ended: ago(5000) })
  expect(await said([ended])).toEqual([
    expect.stringMatching(
      /^warn .* orders:take was cancelled 2026-11-30 02:59:55Z > .* ballet start orders.take --input/,
    ),
  ])
  const at = run({ id: 'orders:take:ended', name: 'orders.note', input: { created: 't', after: 7 } })
  expect(await said([ended, at])).toEqual([expect.stringContaining(`--input '{ "from": 7 }' --id orders:take-2`)])
  const other = run({ id: 'orders:take-2', waits: [wait({ heartbeat: heartbeat({}) })] })
  expect(await said([other, ended])).toEqual([expect.stringMatching(/^ok .* orders:take-2, /)])
  expect(await said([ended], [], [])).toEqual([])
})

it('what is not sent: stuck, for long, or on its way', async () => {
  const count = { kind: 'reaction', name: 'orders:paid', runs: 3 } as const
  const waiting = (ms: number): RunView => run({ kind: 'reaction', name: 'orders:paid', created: ago(ms) })
  const stuck = { ...count, status: 'stuck', reason: 'call', runs: 2 } as const
  const open = { ...count, status: 'running' } as const
  expect(await said([], [stuck, open], [])).toEqual([
    expect.stringMatching(
      /^wrong orders: 2 of paid are stuck and not sent to nats:ORDERS > ballet runs --name orders:paid/,
    ),
  ])
  expect(await said([waiting(10), waiting(20)], [open], [])).toEqual([
    'ok orders: 3 of paid wait to be sent to nats:ORDERS, for 20ms > -',
  ])
  const long = await said([waiting(10), waiting(120_000)], [open], [])
  expect(long).toEqual([expect.stringMatching(/^warn orders: 3 of paid .* for 2m > It is tried again/)])
})

it('says nothing where that cannot be read', async () => {
  const away = () => Promise.reject(new Error('it is not there'))
  expect(await transportChecks({ reads: { runs: away, counts: away, run: away }, app: null, now })).toEqual([])
})
