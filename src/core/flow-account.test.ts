// The account of a flow: what its events come to, one after the other.
import { describe, expect, it } from 'vitest'
import {
  awaitsDeadline,
  keepTold,
  loadAccount,
  parseDetail,
  passDeadlines,
  saveAccount,
  takeEvent,
  type FlowAccount,
  type FlowEvent,
} from './flow-account.ts'
import { Flow } from './flow.ts'
import type { FlowPattern, FlowRule } from './flow-pattern.ts'

const event = (type: string): FlowPattern => ({ kind: 'event', type })
const within = (ms: number, part: FlowPattern): FlowPattern => ({ kind: 'within', ms, part })
const seq = (...parts: readonly FlowPattern[]): FlowPattern => ({ kind: 'seq', parts })
const all = (...parts: readonly FlowPattern[]): FlowPattern => ({ kind: 'all', parts })
const choice = (...parts: readonly FlowPattern[]): FlowPattern => ({ kind: 'choice', parts })
const many = (part: FlowPattern): FlowPattern => ({ kind: 'many', part })
const optional = (part: FlowPattern): FlowPattern => ({ kind: 'optional', part })

const never: FlowRule = { kind: 'never', event: 'theft' }
/** Placed, paid within 10 ms, shipped within 100 ms, and perhaps rated. */
const flow = new Flow(
  seq(event('placed'), within(10, event('paid')), within(100, event('shipped')), optional(event('rated'))),
  [never],
  'a flow',
)
const other = new Flow(seq(event('placed'), event('paid')), [], 'another flow')

const eventAt = (type: string, pos: number): FlowEvent => {
  return { type, pos, at: pos, source: 'shop', id: `${pos}`, root: 'event:shop:1' }
}

/** Takes events of these types, one a millisecond from 1 on. */
function take(types: readonly string[], of: Flow = flow): FlowAccount | null {
  let account: FlowAccount | null = null
  for (const [index, type] of types.entries()) {
    account = takeEvent(of, account, eventAt(type, index + 1))
  }
  return account
}

const taken = (...types: readonly string[]): FlowAccount => {
  const account = take(types)
  if (account === null) throw new Error('it has not begun')
  return account
}
const undoables = [
  { operation: 'bank.charge', undo: 'bank.refund', done: new Set(['paid']), undone: new Set(['refunded', 'shipped']) },
  { operation: 'shop.place', undo: 'shop.drop', done: new Set(['placed']), undone: new Set(['dropped']) },
]
const knowledge = {
  producers: (type: string) => (type === 'paid' ? ['bank'] : []),
  undoables: () => undoables,
}
const saved = (account: FlowAccount) => saveAccount(flow, account, knowledge)
/** The account as it is read of its row. */
const stored = (account: FlowAccount, of: Flow = flow): FlowAccount | null => {
  const { began, changed, last } = account
  return loadAccount(of, { ...saved(account), began, changed, pos: last.pos })
}

describe('an account', () => {
  it('begins with an event that can come first; what comes before is foreign', () => {
    expect(take(['paid', 'shipped'])).toBeNull()
    expect(take(['paid', 'placed'])).toMatchObject({ seen: ['placed'], began: 2, changed: 2, last: { pos: 2 } })
  })

  it('says what is awaited, from whom and by when, until it has ended', () => {
    const first = saved(taken('placed'))
    expect(first).toMatchObject({ standing: 'on track', ending: null, due: 11 })
    expect(parseDetail(first.detail)).toMatchObject({
      awaited: [{ type: 'paid', from: ['bank'] }],
      deadlines: [{ by: 11, types: ['paid'] }],
    })
    expect(saved(taken('placed', 'paid'))).toMatchObject({ standing: 'on track', due: 102 })
    expect(saved(taken('placed', 'paid', 'shipped'))).toMatchObject({
      standing: 'may end',
      ending: 'complete',
      due: null,
    })
    expect(saved(taken('placed', 'paid', 'shipped', 'rated'))).toMatchObject({ standing: 'complete', due: null })
  })

  it.each<[string, readonly string[], object]>([
    ['unexpected', ['placed', 'shipped'], { type: 'shipped', expected: ['paid'], rule: null }],
    ['duplicate', ['placed', 'paid', 'paid'], { type: 'paid', expected: ['shipped'] }],
    ['late', ['placed', 'paid', 'shipped', 'rated', 'shipped'], { type: 'shipped', expected: [] }],
    ['unexpected', ['placed', 'theft'], { type: 'theft', rule: 'theft must not come' }],
  ])('tells what breaks it: %s', (how, types, broken) => {
    const account = taken(...types)
    expect(account).toMatchObject({ breaks: 1, broken: { how, pos: types.length, source: 'shop', ...broken } })
    expect(saved(account).standing).toBe('broken')
  })

  it('keeps the first break, and goes on from where it stood', () => {
    const account = taken('placed', 'shipped', 'placed', 'paid', 'shipped')
    expect(account).toMatchObject({ breaks: 2, broken: { type: 'shipped', pos: 2 } })
    expect(saved(account)).toMatchObject({ standing: 'broken', ending: 'complete' })
  })

  it('is overdue once a deadline has been told to pass, and no more when what was awaited comes', () => {
    const placed = taken('placed')
    expect(passDeadlines(flow, placed, 10)).toEqual({ account: placed, passed: [] })
    const { account, passed } = passDeadlines(flow, placed, 11)
    expect(passed).toEqual([{ by: 11, types: ['paid'] }])
    expect(saved(account)).toMatchObject({ standing: 'overdue', due: null })
    expect(passDeadlines(flow, account, 12).passed).toEqual([])
    const paid = takeEvent(flow, account, { type: 'paid', pos: 9, at: 20, source: 's', id: 'x', root: 'r' })
    expect(paid).toMatchObject({ overdues: 1 })
    expect(saved(paid as FlowAccount)).toMatchObject({ standing: 'on track', due: 120 })
  })

  it('has told no more than the deadlines that passed, whatever time it was: a clock that is set back makes nothing overdue', () => {
    const { account } = passDeadlines(flow, taken('placed'), 86_400_000)
    const paid = takeEvent(flow, account, eventAt('paid', 5)) as FlowAccount
    expect(saved(paid)).toMatchObject({ standing: 'on track', due: 105 })
    expect(passDeadlines(flow, paid, 105).passed).toEqual([{ by: 105, types: ['shipped'] }])
  })

  it('says what would have to be taken back of a flow that does not go as it should, and of no other', () => {
    const owes = (account: FlowAccount) => parseDetail(saved(account).detail).owes?.map(({ undo }) => undo)
    expect(owes(taken('placed', 'paid'))).toBeUndefined()
    expect(owes(passDeadlines(flow, taken('placed'), 11).account)).toEqual(['shop.drop'])
    expect(owes(taken('placed', 'paid', 'paid'))).toEqual(['bank.refund', 'shop.drop'])
    expect(owes(taken('placed', 'paid', 'paid', 'shipped'))).toEqual(['shop.drop'])
    const none = saveAccount(flow, taken('placed', 'placed'), { ...knowledge, undoables: () => [] })
    expect(parseDetail(none.detail)).not.toHaveProperty('owes')
  })

  it('that ended as was agreed owes nothing for what comes late, but what a late event tells of for the first time', () => {
    const sold = new Flow(
      seq(event('placed'), { kind: 'choice', parts: [event('paid'), event('declined')] }),
      [],
      'sold',
    )
    const owes = (...types: readonly string[]) => {
      const account = take(types, sold) as FlowAccount
      const { standing, detail } = saveAccount(sold, account, knowledge)
      const { broken, owes: owed = [] } = parseDetail(detail)
      return [standing, broken?.how, broken?.again, ...owed.map(({ undo }) => undo)]
    }
    expect(owes('placed', 'paid', 'paid')).toEqual(['broken', 'late', true])
    expect(owes('placed', 'placed', 'paid')).toEqual(['broken', 'duplicate', undefined])
    expect(owes('placed', 'declined', 'paid')).toEqual(['broken', 'late', undefined, 'bank.refund'])
    expect(owes('placed', 'declined', 'paid', 'paid')).toEqual(['broken', 'late', undefined, 'bank.refund'])
    // What did not fit at first, and then came where it belongs, is part of what was agreed.
    const early = take(['placed', 'shipped', 'paid'], flow) as FlowAccount
    expect(stored(early)).toEqual(early)
    expect([early.strays, takeEvent(flow, early, eventAt('shipped', 9))?.strays]).toEqual([['shipped'], []])
  })

  it.each<[string, FlowAccount]>([
    ['on track', taken('placed', 'paid')],
    ['may end', taken('placed', 'paid', 'shipped')],
    ['broken', taken('placed', 'shipped', 'paid')],
    ['overdue', passDeadlines(flow, taken('placed'), 11).account],
  ])('is the same when it has been stored, and none of another flow: %s', (standing, account) => {
    expect(saved(account).standing).toBe(standing)
    expect(stored(account)).toEqual(account)
    expect(stored(account, other)).toBeNull()
  })

  it('says little when it is complete, the same of all that went the same way, and what comes late is seen as late', () => {
    const late = takeEvent(flow, passDeadlines(flow, taken('placed'), 11).account, eventAt('paid', 2)) as FlowAccount
    const account = ['shipped', 'rated'].reduce<FlowAccount>(
      (before, type, index) => takeEvent(flow, before, eventAt(type, index + 3)) as FlowAccount,
      late,
    )
    const { standing, detail } = saved(account)
    expect([standing, detail]).toEqual([
      'complete',
      '{"seen":["placed","paid","shipped","rated"],"overdues":1,"told":[{"by":11,"types":["paid"]}]}',
    ])
    expect(saved(taken('placed', 'paid', 'shipped', 'rated')).detail).toBe(
      '{"seen":["placed","paid","shipped","rated"]}',
    )
    expect(parseDetail(detail)).toMatchObject({ awaited: [], deadlines: [], broken: null, breaks: 0, overdues: 1 })
    const again = stored(account)
    expect(again).toEqual({ ...account, last: { type: '', source: '', id: '', root: '', pos: 4, at: 4 } })
    expect(takeEvent(flow, again, eventAt('paid', 5))).toMatchObject({ breaks: 1, broken: { how: 'late', pos: 5 } })
  })

  it('is read of rows that said everything', () => {
    const account = taken('placed', 'paid')
    const { state, ...rest } = account
    const row = { state: flow.save(state), pos: 2, began: 1, changed: 2 }
    const detail = JSON.stringify({ ...rest, awaited: [], deadlines: [] })
    expect(loadAccount(flow, { ...row, detail })).toEqual(account)
  })
})

describe('what was told of a flow', () => {
  const at = (type: string, time: number): FlowEvent => ({ ...eventAt(type, time), at: time })
  /** A flow as it goes: events come at their times, and at times alone it is looked which deadlines have passed. */
  function go(of: Flow, ...steps: readonly (readonly [string, number] | number)[]) {
    let account: FlowAccount | null = null
    const told: string[] = []
    for (const step of steps) {
      if (typeof step !== 'number') account = takeEvent(of, account, at(...step))
      else if (account !== null) {
        const { passed, account: after } = passDeadlines(of, account, step)
        told.push(...passed.map(({ by, types }) => `${types.join(' or ')} by ${by}`))
        // It is the same after it was stored.
        account = again(of, after)
      }
    }
    return { account: account as unknown as FlowAccount, told }
  }
  const row = (of: Flow, account: FlowAccount) => {
    const { began, changed, last } = account
    return { ...saveAccount(of, account, knowledge), began, changed, pos: last.pos }
  }
  const again = (of: Flow, account: FlowAccount): FlowAccount => {
    const read = loadAccount(of, row(of, account)) as FlowAccount
    expect(read).toEqual(account)
    return read
  }
  const standing = (of: Flow, account: FlowAccount) => {
    const { standing: how, due, detail } = row(of, account)
    return { standing: how, due, deadlines: parseDetail(detail).deadlines }
  }

  const order = new Flow(
    seq(
      event('placed'),
      all(
        within(50, event('packed')),
        choice(within(10, seq(event('paid'), event('settled'))), within(100, event('declined'))),
      ),
    ),
    [],
    'an order',
  )

  it('is remembered of each deadline: one that is known only behind a later one that was told is told as well', () => {
    const { account, told } = go(order, ['placed', 0], 50, 60, ['paid', 60])
    expect(told).toEqual(['packed by 50'])
    expect(standing(order, account)).toEqual({
      standing: 'overdue',
      due: 10,
      deadlines: [
        { by: 10, types: ['settled'] },
        { by: 50, types: ['packed'], passed: true },
      ],
    })
    const both = go(order, ['placed', 0], 50, 60, ['paid', 60], 61, 62)
    expect(both.told).toEqual(['packed by 50', 'settled by 10'])
    expect([awaitsDeadline(order, account), awaitsDeadline(order, both.account)]).toEqual([true, false])
  })

  it('is remembered of each deadline: what is awaited by a clock that was set back has not passed behind one that was told', () => {
    const { account, told } = go(flow, ['placed', 1000], 1010, ['paid', 500])
    expect(standing(flow, account)).toEqual({
      standing: 'on track',
      due: 600,
      deadlines: [{ by: 600, types: ['shipped'] }],
    })
    expect(told).toEqual(['paid by 1010'])
    expect(go(flow, ['placed', 1000], 1010, ['paid', 500], 599, 600, 601).told).toEqual([...told, 'shipped by 600'])
  })

  it('holds for the limit: what is left of one that has run out is late still, and is not told anew', () => {
    const pair = new Flow(seq(event('placed'), within(10, seq(event('paid'), event('shipped')))), [], 'a pair')
    const late = go(pair, ['placed', 0], 10, ['paid', 20], 30)
    expect(late.told).toEqual(['paid by 10'])
    const deadlines = [{ by: 10, types: ['shipped'], passed: true }]
    expect(standing(pair, late.account)).toEqual({ standing: 'overdue', due: null, deadlines })
    // Of alternatives all that have run out were told with the latest; what is left of them is one of them.
    const told = ['declined or paid by 100', 'packed by 50']
    expect(go(order, ['placed', 0], 100, ['paid', 120], 130).told.toSorted()).toEqual(told)
    const either = new Flow(
      seq(event('z'), choice(all(within(5, event('a')), within(50, event('b'))), within(20, event('c')))),
      [],
      'either',
    )
    // Of which one limit had not run out then.
    expect(go(either, ['z', 0], 20, ['a', 25], 49, 50).told).toEqual(['a or b or c by 20', 'b by 50'])
    // What is foreign to it changes nothing of that.
    expect(go(order, ['placed', 0], 100, ['rain', 110], ['paid', 120], 130).told.toSorted()).toEqual(told)
  })

  it('is forgotten with the limit: that of another round counts for itself', () => {
    const rounds = new Flow(many(seq(event('asked'), within(10, event('answered')))), [], 'rounds')
    const steps = Array.from({ length: 60 }, (_, round) => [
      ['asked', round * 20] as const,
      round * 20 + 10,
      ['answered', round * 20 + 15] as const,
    ])
    const { account, told } = go(rounds, ...steps.flat())
    expect([told.length, account.overdues]).toEqual([60, 60])
    // Not all of them for ever.
    expect([account.told.length, account.told[0]]).toEqual([50, { by: 210, types: ['answered'] }])
    expect(account.ranOut).toEqual([])
  })

  it.each<[string, readonly (readonly [string, number] | number)[], object]>([
    ['what had passed by then', [['placed', 0], 10], { told: [{ by: 10, types: ['paid'] }], ranOut: [0] }],
    ['and nothing else', [['placed', 0], 10, ['paid', 20]], { told: [], ranOut: [] }],
  ])('is read of rows that say up to when deadlines were told: %s', (_, steps, wanted) => {
    const { account } = go(flow, ...steps)
    const { detail, ...rest } = row(flow, account)
    const { deadlines } = parseDetail(detail)
    const before: unknown = JSON.parse(detail)
    const unsaid = { ranOut: undefined, deadlines: deadlines.map(({ by, types }) => ({ by, types })) }
    const old = JSON.stringify({ ...(before as object), ...unsaid, told: 10 })
    expect(loadAccount(flow, { ...rest, detail: old })).toEqual({ ...account, ...wanted })
    expect(parseDetail(old).deadlines).toEqual(deadlines)
  })

  it('stays told when the flow is made anew of its events by another choreography, also what was left of a limit', () => {
    const pair = (ms: number, ...more: readonly FlowPattern[]) =>
      new Flow(seq(event('placed'), within(ms, seq(event('paid'), event('shipped'))), ...more), [], 'a pair')
    const [short, long, more] = [pair(10), pair(30), pair(10, event('rated'))]
    const before = go(short, ['placed', 0], 10, ['paid', 20]).account
    const anew = (of: Flow, from: Flow, account: FlowAccount) =>
      keepTold(of, go(of, ['placed', 0], ['paid', 20]).account, row(from, account).detail)
    const told = ['paid', 'shipped'].map((type) => ({ by: 10, types: [type] }))
    // By a longer limit it is not late, and by the one that it had it is not late once more.
    const longer = anew(long, short, before)
    expect(longer).toMatchObject({ overdues: 1, told, ranOut: [] })
    expect(standing(long, longer)).toMatchObject({ standing: 'on track', due: 30 })
    expect(anew(short, long, longer)).toMatchObject({ overdues: 1, told })
    const same = anew(more, short, before)
    expect(same).toMatchObject({ overdues: 1, told, ranOut: [0] })
    expect(passDeadlines(more, same, 25).passed).toEqual([])
    expect(passDeadlines(long, longer, 30)).toMatchObject({ passed: [{ by: 30 }], account: { overdues: 2 } })
    // Rows of before say up to when.
    const { detail } = row(short, before)
    const old = JSON.stringify({ ...(JSON.parse(detail) as object), told: 10, ranOut: undefined })
    const read = keepTold(more, go(more, ['placed', 0], ['paid', 20]).account, old)
    expect(read).toMatchObject({ overdues: 1, told: [{ by: 10, types: ['shipped'] }] })
  })

  it('is one thing of two limits that ask for the same by the same time', () => {
    const rule: FlowRule = { kind: 'response', cause: 'placed', answer: 'paid', ms: 10 }
    const twice = new Flow(
      seq(event('placed'), within(10, event('paid')), within(20, event('shipped'))),
      [rule],
      'twice',
    )
    const { account, told } = go(twice, ['placed', 0], 10, 11)
    expect([told, account.overdues, account.ranOut.toSorted()]).toEqual([['paid by 10'], 1, [0, 1]])
    expect(standing(twice, account).deadlines).toEqual([{ by: 10, types: ['paid'], passed: true }])
  })
})
