// The audit must be able to find what it looks for: a good history passes, and for every rule there is a way to spoil
// that history which the rule finds, at the order that was spoiled.
import { expect, test } from 'vitest'
import type { LedgerRow } from '../../examples/shop/ledger.ts'
import { audit, ruleNames, type Exhibits, type RuleName } from './audit.ts'
import { flow } from './evidence.ts'
import { count } from './figures.ts'
import type { Ending, FaultRow, OrderRow } from './records.ts'

type Change<Row> = { -readonly [Name in keyof Row]: Row[Name] }
interface History {
  orders: OrderRow[]
  effects: Change<LedgerRow>[]
  faults: FaultRow[]
}

/** Orders that ended each in its own way, one of them through a kill. */
function history(): History {
  let t = 1_000
  const made: History = { orders: [], effects: [], faults: [] }
  const asked = (id: string, wants: readonly Ending[], items: readonly string[] = ['tutu']): void => {
    made.orders.push({ t: ++t, type: 'submit', id, flow: 'order', key: id, wants, items })
    made.orders.push({ t: ++t, type: 'ack', id, run: `orchestrated ${id}` })
  }
  const did = (run: string, step: string, more: Partial<LedgerRow> = {}): void => {
    made.effects.push({ t: ++t, run, step, key: `${run}:${step}`, outcome: 'applied', epoch: 1, ...more })
  }
  const ended = (id: string, status: Ending, amount: number, cancellation?: string): void => {
    made.orders.push({ t: ++t, type: 'final', id, status, amount, cancellation, roots: [`run:checkout:${id}`] })
  }
  asked('good', ['confirmed'], ['tutu', 'ribbon'])
  did('good', 'reserve#tutu')
  made.faults.push({ t: ++t, type: 'fault', kind: 'kill', target: 'shop', moment: 'ack 1', open: 1, cut: 0 })
  made.orders.push({ t: ++t, type: 'unknown', id: 'good' })
  did('good', 'reserve#tutu', { outcome: 'deduped', epoch: 2 })
  did('good', 'reserve#ribbon', { epoch: 2 })
  did('good', 'charge', { amount: 500, epoch: 2 })
  did('good', 'ship', { epoch: 2 })
  did('good', 'notify', { epoch: 2 })
  ended('good', 'confirmed', 500)
  asked('poor', ['declined'])
  did('poor', 'reserve#tutu')
  did('poor', 'charge', { outcome: 'refused' })
  did('poor', 'release#tutu')
  did('poor', 'apologise')
  ended('poor', 'declined', 0)
  asked('far', ['refunded'], ['tutu', 'ribbon'])
  // Whichever was reserved first: the items of an order are taken back in any order.
  did('far', 'reserve#ribbon')
  did('far', 'reserve#tutu')
  did('far', 'charge', { amount: 700 })
  did('far', 'ship', { outcome: 'refused' })
  did('far', 'refund', { amount: 700 })
  did('far', 'release#ribbon')
  did('far', 'release#tutu')
  did('far', 'apologise')
  ended('far', 'refunded', 0)
  for (const id of ['soon', 'late']) {
    asked(id, ['cancelled', 'confirmed'])
    made.orders.push({ t: ++t, type: 'cancel', id, by: 'the customer' })
    did(id, 'reserve#tutu')
    did(id, 'charge', { amount: 900 })
  }
  did('soon', 'stop')
  did('soon', 'ship', { outcome: 'refused' })
  did('soon', 'refund', { amount: 900 })
  did('soon', 'release#tutu')
  did('soon', 'apologise')
  ended('soon', 'cancelled', 0, 'in time')
  did('late', 'ship')
  did('late', 'stop', { outcome: 'refused' })
  did('late', 'regret')
  did('late', 'notify')
  ended('late', 'confirmed', 900, 'too late')
  made.orders.push({ t: ++t, type: 'nack', id: 'never' })
  return made
}

const exhibits = (made: History): Exhibits => ({
  ...made,
  flow,
  least: { acks: 5, hits: { kill: 1 }, redelivered: 1, endings: ['confirmed', 'declined', 'refunded', 'cancelled'] },
})

const at = ({ effects }: History, run: string, step: string): number =>
  effects.findIndex((effect) => effect.run === run && effect.step === step && effect.outcome === 'applied')
const take = (made: History, run: string, step: string): Change<LedgerRow> =>
  made.effects.splice(at(made, run, step), 1)[0]!
const drop = (made: History, id: string, ...types: OrderRow['type'][]): void => {
  made.orders = made.orders.filter((row) => row.id !== id || !types.includes(row.type))
}
interface Reading {
  readonly status?: string
  readonly cancellation?: string | undefined
  readonly amount?: number
  readonly roots?: readonly string[]
}
/** Another reading of an end, beside the first or instead of it. */
const reread = (made: History, id: string, more: Reading): void => {
  made.orders.push(
    ...made.orders.flatMap((row) => (row.id === id && row.type === 'final' ? [{ ...row, ...more }] : [])),
  )
}
const misread = (made: History, id: string, more: Reading): void => {
  made.orders = made.orders.map((row) => (row.id === id && row.type === 'final' ? { ...row, ...more } : row))
}
const swap = (made: History, run: string, one: string, other: string): void => {
  const [left, right] = [at(made, run, one), at(made, run, other)]
  const [first, second] = [made.effects[left]!, made.effects[right]!]
  made.effects[left] = second
  made.effects[right] = first
}

type Spoil = readonly [rule: RuleName, about: string, what: string, (made: History) => void]
const spoils: readonly Spoil[] = [
  ['LOST', 'good', 'no end', (made) => drop(made, 'good', 'final')],
  ['LOST', 'good', 'effects after an unknown answer, and no end', (made) => drop(made, 'good', 'ack', 'final')],
  ['LOST', 'good', 'not known any more', (made) => made.orders.push({ t: 1, type: 'gone', id: 'good' })],
  ['LOST', 'good', 'an end that is none', (made) => misread(made, 'good', { status: 'stuck' })],
  ['PHANTOM', 'good', 'never placed', (made) => drop(made, 'good', 'submit')],
  [
    'PHANTOM',
    'never',
    'not taken, and carried out',
    (made) => made.effects.push({ ...take(made, 'good', 'notify'), run: 'never' }),
  ],
  [
    'SPLIT',
    'good',
    'two names',
    (made) => made.orders.push({ t: 1, type: 'ack', id: 'good', run: 'choreographed good' }),
  ],
  ['SPLIT', 'good', 'two beginnings', (made) => reread(made, 'good', { roots: ['event:shop:good'] })],
  ['SPLIT', 'good', 'cancelled by nobody', (made) => reread(made, 'good', { roots: ['event:customer:good'] })],
  ['SPLIT', 'soon', 'cancelled, and two beginnings', (made) => reread(made, 'soon', { roots: ['event:shop:soon'] })],
  ['TWICE', 'good', 'a repeat that was not known', (made) => (made.effects[1]!.outcome = 'applied')],
  [
    'TWICE',
    'far',
    'refunded twice',
    (made) => made.effects.push(structuredClone(made.effects[at(made, 'far', 'refund')]!)),
  ],
  ['KEYS', 'good', 'a repeat under another key', (made) => (made.effects[1]!.key = 'another')],
  [
    'SHARED_KEY',
    'good:charge',
    'two steps, one key',
    (made) => (made.effects[at(made, 'good', 'ship')]!.key = 'good:charge'),
  ],
  ['ORDER', 'good', 'shipped before it was paid', (made) => swap(made, 'good', 'charge', 'ship')],
  ['ORDER', 'far', 'refunded and never charged', (made) => take(made, 'far', 'charge')],
  ['ORDER', 'far', 'told before all was taken back', (made) => swap(made, 'far', 'release#tutu', 'apologise')],
  ['ORDER', 'good', 'paid before all was reserved', (made) => swap(made, 'good', 'charge', 'reserve#ribbon')],
  ['ORDER', 'late', 'too late, and not shipped yet', (made) => swap(made, 'late', 'regret', 'ship')],
  ['MISSING', 'good', 'never shipped', (made) => take(made, 'good', 'ship')],
  ['MISSING', 'good', 'an item that was never reserved', (made) => take(made, 'good', 'reserve#ribbon')],
  ['NOT_UNDONE', 'poor', 'stock never released', (made) => take(made, 'poor', 'release#tutu')],
  ['NOT_UNDONE', 'far', 'money kept', (made) => take(made, 'far', 'refund')],
  ['NOT_UNDONE', 'far', 'one of two items never released', (made) => take(made, 'far', 'release#ribbon')],
  ['UNDO_ORDER', 'far', 'released before it was refunded', (made) => swap(made, 'far', 'refund', 'release#ribbon')],
  [
    'UNDO_WRONG',
    'good',
    'taken back, and it stands',
    (made) => made.effects.push({ ...take(made, 'far', 'refund'), run: 'good' }),
  ],
  [
    'UNDO_WRONG',
    'poor',
    'a refund of nothing',
    (made) => made.effects.push({ ...take(made, 'far', 'refund'), run: 'poor' }),
  ],
  [
    'UNDO_WRONG',
    'poor',
    'an item released that was never reserved',
    (made) => (made.effects[at(made, 'poor', 'release#tutu')]!.step = 'release#poster'),
  ],
  [
    'SENT',
    'soon',
    'cancelled, and on its way',
    (made) => made.effects.push({ ...take(made, 'late', 'ship'), run: 'soon' }),
  ],
  ['CANCEL', 'soon', 'nobody says whether in time', (made) => misread(made, 'soon', { cancellation: undefined })],
  ['CANCEL', 'poor', 'cancelled, and nobody asked', (made) => misread(made, 'poor', { status: 'cancelled' })],
  ['CANCEL', 'soon', 'stopped, and shown as too late', (made) => misread(made, 'soon', { cancellation: 'too late' })],
  [
    'CANCEL',
    'late',
    'never stopped, and shown as in time',
    (made) => misread(made, 'late', { cancellation: 'in time' }),
  ],
  [
    'CANCEL',
    'poor',
    'shown as too late, and nobody asked',
    (made) => misread(made, 'poor', { cancellation: 'too late' }),
  ],
  ['CANCEL', 'soon', 'in time, and confirmed', (made) => misread(made, 'soon', { status: 'confirmed' })],
  ['CANCEL', 'late', 'too late, and the customer was not told', (made) => take(made, 'late', 'regret')],
  ['FLIP', 'far', 'two ends', (made) => reread(made, 'far', { status: 'declined' })],
  ['WRONG_END', 'poor', 'another end than it had to have', (made) => misread(made, 'poor', { status: 'refunded' })],
  ['MONEY', 'far', 'shown as paid', (made) => reread(made, 'far', { amount: 700 })],
  ['MONEY', 'good', 'charged another amount', (made) => (made.effects[at(made, 'good', 'charge')]!.amount = 501)],
  ['ZOMBIE', 'good', 'an older engine goes on', (made) => (made.effects[at(made, 'good', 'ship')]!.epoch = 1)],
  [
    'LATE',
    'far',
    'a repeat after the end',
    (made) => made.effects.push({ ...made.effects[at(made, 'far', 'apologise')]!, t: 9_999, outcome: 'deduped' }),
  ],
  [
    'VACUOUS',
    'the campaign',
    'a kill of an idle shop',
    (made) => (made.faults = made.faults.map((row) => ({ ...row, open: 0 }))),
  ],
  ['VACUOUS', 'the campaign', 'nothing asked for twice', (made) => made.effects.splice(1, 1)],
  [
    'VACUOUS',
    'the campaign',
    'an ending that never came',
    (made) => (
      drop(made, 'far', 'submit', 'ack', 'final'),
      (made.effects = made.effects.filter(({ run }) => run !== 'far'))
    ),
  ],
]

test('a good history passes', () => {
  expect(audit(exhibits(history()))).toEqual([])
  expect(count(history())).toEqual({
    orders: 5,
    acks: 5,
    unknown: 1,
    nacks: 1,
    blows: { kill: 1 },
    hits: { kill: 1 },
    inUndo: 0,
    inRecovery: 0,
    redelivered: 1,
    acrossKills: 1,
    outcomes: { applied: 26, deduped: 1, refused: 4 },
    endings: { confirmed: 2, declined: 1, refunded: 1, cancelled: 1 },
    cancellations: { 'in time': 1, 'too late': 1 },
  })
})

test('a kill is in an undo from the first no until the customer is told', () => {
  const during = (run: string, step: string): number => {
    const made = history()
    const effect = made.effects.find((one) => one.run === run && one.step === step)!
    made.faults = made.faults.map((row) => ({ ...row, t: effect.t + 0.5 }))
    return count(made).inUndo
  }
  expect([during('far', 'charge'), during('far', 'ship'), during('far', 'release#ribbon')]).toEqual([0, 1, 1])
  expect([during('far', 'apologise'), during('soon', 'stop'), during('late', 'stop')]).toEqual([0, 1, 0])
})

test('a service that was struck while it was carrying out nothing was not hit, whatever was under way; too few hits are told', () => {
  const made = history()
  const blow = {
    t: 1_010,
    type: 'fault',
    kind: 'kill-service',
    target: 'payment',
    moment: 'ack 1',
    open: 3,
    cut: 1,
  } as const
  made.faults.push({ ...blow, calls: 0 }, { ...blow, calls: 2 })
  expect(count(made).blows).toEqual({ kill: 1, 'kill-service': 2 })
  expect(count(made).hits).toEqual({ kill: 1, 'kill-service': 1 })
  const audited = (needed: number) =>
    audit({ ...exhibits(made), least: { acks: 5, hits: { 'kill-service': needed }, redelivered: 1, endings: [] } })
  expect(audited(1)).toEqual([])
  expect(audited(2)).toMatchObject([{ rule: 'VACUOUS', detail: '1 of kill-service met work, at least 2 are needed' }])
})

test.each(spoils)('%s finds it: %s, %s', (rule, about, _what, spoil) => {
  const made = history()
  spoil(made)
  expect(audit(exhibits(made))).toContainEqual(expect.objectContaining({ rule, about }))
})

test('every rule was tried', () => {
  expect(new Set(spoils.map(([rule]) => rule))).toEqual(new Set(ruleNames))
})
