// The check against seeded faults: a sound application, and more than thirty that differ from it by one mistake each.
// Every mistake is found, under its code, at its place, with the line that mends it; of the sound one nothing is said.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ballet } from '../../src/define/ballet.ts'
import { checkApplication, showFinding } from '../../src/define/check/check.ts'
import { FINDINGS } from '../../src/define/check/finding.ts'
import { all, many, optional, seq } from '../../src/define/pattern.ts'
import { reactionFacts } from '../../src/define/check/reaction-facts.ts'
import { choreography } from '../../src/define/choreography.ts'
import { event } from '../../src/define/event.ts'
import { operation } from '../../src/define/operation.ts'
import { service } from '../../src/define/service.ts'
import { declinedBehind, quietSeeds } from './quiet-seeds.ts'
import { loop, seeds as loudSeeds } from './seeds.ts'
import {
  Approved,
  Created,
  Elsewhere,
  Notified,
  Overdue,
  Reserved,
  Shipped,
  Wrapped,
  build,
  id,
  never,
  reactions,
  services,
  sound,
  type Seed,
} from './sound.ts'

const seeds = [...loudSeeds, ...quietSeeds]

describe('the check', () => {
  it('says nothing of a sound application', () => {
    expect(checkApplication(build())).toEqual([])
    expect(checkApplication(ballet({ services: Object.values(services()) }))).toEqual([])
  })

  it.each(seeds)('finds: %s', (_what, seed, code, place, mend) => {
    const findings = checkApplication(build(seed))
    expect(findings.map((one) => one.code)).toContain(code)
    expect(findings.filter((one) => one.code === code)).toContainEqual({
      code,
      level: FINDINGS[code].level,
      place: expect.stringContaining(place),
      problem: expect.any(String),
      mend: expect.stringContaining(mend),
    })
  })

  it('has a seed for every fault that it can find', () => {
    const seeded = new Set<string>(seeds.map(([, , code]) => code))
    const faults = Object.entries(FINDINGS).filter(
      ([code, { level }]) => level === 'fault' && !code.startsWith('schema-'),
    )
    expect(faults.map(([code]) => code).filter((code) => !seeded.has(code))).toEqual([])
    expect(seeds.length).toBeGreaterThanOrEqual(25)
  })

  it('concludes nothing from what it cannot see, and says so', () => {
    const blind = build({
      without: ['ship'],
      workflows: [loop],
      with: ({ shipping }) => shipping.on(Approved, ({ orderId }) => loop({ orderId })),
    })
    const findings = checkApplication(blind)
    expect(findings.map(({ code, place }) => [code, place])).toEqual([
      ['reaction-unknown', 'reaction "shipping:payment.approved"'],
    ])
    expect(findings.map(showFinding)).toEqual([
      `note reaction-unknown: reaction "shipping:payment.approved": what it calls is not known: its call is a workflow, which is code.\n    { calls: ['service.operation'] } as its options`,
    ])
    const told = build({
      without: ['ship'],
      workflows: [loop],
      with: ({ shipping }) => shipping.on(Approved, ({ orderId }) => loop({ orderId }), { calls: ['shipping.ship'] }),
    })
    expect(checkApplication(told)).toEqual([])
  })

  it('says of a reaction that throws for every sample that it does, and not that there were none', () => {
    const throws = build({ without: ['ship'], with: ({ shipping }) => shipping.on(Approved, never) })
    expect(checkApplication(throws).map(showFinding)).toEqual([
      `fault reaction-threw: reaction "shipping:payment.approved": it throws for data that payment.approved can have: not run.\n    Let it give null where there is nothing to call`,
      `note reaction-unknown: reaction "shipping:payment.approved": what it calls is not known: it throws for all data of payment.approved that were made up.\n    Let it throw for none, or { calls: ['service.operation'] } as its options`,
    ])
    const Red = event('red', z.object({ id: z.string().regex(/^(never|such) a word$/) }), { key: 'id' })
    const paint = service('paint', {})
    paint.on(Red, () => null)
    const [facts] = reactionFacts(ballet({ services: [paint] }))
    expect(facts?.findings.map(({ problem, mend }) => [problem, mend])).toEqual([
      [
        'what it calls is not known: no data of its event could be made up',
        `examples in the schema of red, or { calls: ['service.operation'] } as its options`,
      ],
    ])
  })

  it('has no fault for a call that no sample brings about, and no note either when it is declared', () => {
    const wraps = (most: number, calls?: readonly string[]): Seed => {
      const gifts = service('gifts', { wrap: operation({ input: id, outcomes: [Wrapped], run: never }) })
      // Samples of the total are 1.
      gifts.on(Created, ({ orderId, total }) => (total > most ? gifts.wrap({ orderId }) : null), { calls })
      return { services: () => [gifts], flow: seq(sound, optional(Wrapped)) }
    }
    expect(checkApplication(build(wraps(0)))).toEqual([])
    expect(checkApplication(build({ ...wraps(1000, ['gifts.wrap']), declared: true }))).toEqual([])
    expect(checkApplication(build(wraps(1000))).map(showFinding)).toEqual([
      `note event-uncalled: choreography "order", event "gift.wrapped": only gifts.wrap answers with it, and no reaction called that for a sample of its data.\n    gifts.on(..., (data) => gifts.wrap({ ... })), or { calls: ['gifts.wrap'] } as options of the one that does for other data`,
    ])
    const large: Seed = {
      without: ['charge'],
      with: ({ payment }) => payment.on(Reserved, (order) => (order.total > 1000 ? payment.charge(order) : null)),
    }
    expect(checkApplication(build(large)).map(({ code, level }) => `${level} ${code}`)).toEqual([
      'note event-uncalled',
      'note event-uncalled',
      'note answer-missing',
    ])
  })

  it('has no fault for what somebody brings about who reacts to an earlier event, unless that has come already', () => {
    const gifts = (flow: NonNullable<Seed['flow']>): readonly string[] => {
      const wrapping = service('gifts', { wrap: operation({ input: id, outcomes: [Wrapped], run: never }) })
      wrapping.on(Created, ({ orderId }) => wrapping.wrap({ orderId }))
      const seed: Seed = {
        without: Object.keys(reactions),
        services: () => [wrapping],
        with: ({ notification }) => notification.on(Created, ({ orderId }) => notification.notify({ orderId })),
        flow,
      }
      return checkApplication(build(seed)).map(({ level, code, problem }) => `${level} ${code}: ${problem}`)
    }
    expect(gifts(seq(Created, Wrapped, Notified))).toEqual([
      'note event-unanswered: after order.created, gift.wrapped the flow waits for customer.notified, and nobody reacts to gift.wrapped, though who reacts to order.created may have brought it about',
    ])
    expect(gifts(seq(Created, Notified, Wrapped, Notified)).filter((one) => one.includes('gift.wrapped the'))).toEqual([
      'fault event-unanswered: after order.created, customer.notified, gift.wrapped the flow waits for customer.notified, and nobody reacts to gift.wrapped',
    ])
  })

  it('takes another word in the place of the key for a loss of it, unless it may be the key by another name', () => {
    const approved = (by: 'receipt' | 'order'): Seed => ({
      without: ['ship'],
      with: ({ shipping }) => {
        const Paid = event('payment.approved', id.extend({ receipt: z.string(), order: id }), { key: 'orderId' })
        shipping.on(Paid, (data) => shipping.ship(by === 'order' ? data.order : { orderId: data.receipt }))
      },
    })
    const lost = (seed: Seed) => reactionFacts(build(seed)).flatMap(({ findings }) => findings)
    expect(lost(approved('order'))).toEqual([])
    expect(lost(approved('receipt')).map(showFinding)).toEqual([
      'note key-lost: reaction "shipping:payment.approved": the input of shipping.ship does not hold the key of the event, so that its outcome cannot have it, unless another field has the same.\n    shipping.ship({ orderId: data.orderId, ... })',
    ])
  })

  it('does not ask for the key where what is answered has another', () => {
    const Stacked = event('shelf.filled', z.object({ shelf: z.string() }), { key: 'shelf' })
    const shelves = service('shelves', {
      stack: operation({ input: z.object({ shelf: z.string() }), outcomes: [Stacked], run: never }),
    })
    const flow: Seed = {
      services: () => [shelves],
      with: () => shelves.on(Shipped, () => shelves.stack({ shelf: 'a' })),
    }
    expect(checkApplication(build(flow))).toEqual([])
  })

  it('has no fault for an outcome behind another one that may come of another call', () => {
    const misplaced = (seed: Seed) =>
      checkApplication(build({ flow: declinedBehind, ...seed })).flatMap(({ code, level }) =>
        code === 'outcome-misplaced' ? level : [],
      )
    expect(misplaced({ declared: true })).toEqual(['fault'])
    expect(misplaced({})).toEqual(['note'])
    const again: Seed = {
      with: ({ payment }) => payment.on(Created, (order) => payment.charge(order), { name: 'again' }),
    }
    expect(misplaced(again)).toEqual([])
    expect(misplaced({ workflows: [loop] })).toEqual([])
    expect(misplaced({ more: { outside: [Approved] } })).toEqual([])
  })

  it('takes what reactions do for every sample for no more than that', () => {
    const twice: Seed = {
      without: ['tellShipped'],
      with: ({ notification }) => {
        const tell = (is: (tracking: string) => boolean, name: string) =>
          notification.on(
            Shipped,
            ({ orderId, tracking }) => (is(tracking) ? notification.notify({ orderId }) : null),
            { name },
          )
        tell((tracking) => tracking.length < 20, 'short')
        tell((tracking) => tracking.length < 30, 'long')
      },
    }
    expect(checkApplication(build(twice))).toMatchObject([{ code: 'answer-doubled', level: 'note' }])
  })

  it('takes an event from outside when it is said to be', () => {
    const more = { outside: [Wrapped] }
    expect(checkApplication(build({ flow: all(sound, optional(Wrapped)), more }))).toEqual([])
    expect(checkApplication(build({ flow: seq(sound, many(Wrapped)), more }))).toEqual([])
    const heard: Seed = { with: ({ shipping }) => shipping.on(Elsewhere, () => null), events: [Elsewhere] }
    expect(checkApplication(build(heard))).toEqual([])
  })

  it('takes an outcome that is foreign to a flow for one of the other flow that has it', () => {
    const Order = z.object({ orderId: z.string() })
    const Begun = event('begun', Order, { key: 'orderId' })
    const Paid = event('paid', Order, { key: 'orderId' })
    const Rated = event('rated', Order, { key: 'orderId' })
    const desk = service('desk', {
      pay: operation({ input: Order, outcomes: [Paid], run: (order) => Paid(order) }),
      rate: operation({ input: Order, outcomes: [Rated], run: (order) => Rated(order) }),
    })
    desk.on(Begun, (order) => desk.pay(order), { name: 'paying', calls: ['desk.pay'] })
    desk.on(Begun, (order) => desk.rate(order), { name: 'rating', calls: ['desk.rate'] })
    const paying = choreography('paying', { key: 'orderId' }, seq(Begun, Paid))
    const rating = choreography('rating', { key: 'orderId' }, seq(Begun, Rated))
    const codes = (...choreographies: readonly (typeof paying | typeof rating)[]) =>
      checkApplication(ballet({ services: [desk], choreographies })).map(({ code }) => code)
    expect([codes(paying, rating), codes(paying)]).toEqual([[], ['outcome-unknown']])
  })

  it('takes a number of the event that stands in the input for what may say whose it is', () => {
    const Order = z.object({ orderId: z.string(), paymentId: z.int() })
    const Paid = event('paid', Order, { key: 'orderId' })
    const Sent = event('sent', Order, { key: 'orderId' })
    const desk = service('desk', {
      send: operation({
        input: z.object({ paymentId: z.int() }),
        outcomes: [Sent],
        run: () => Sent({ orderId: 'o', paymentId: 1 }),
      }),
    })
    desk.on(Paid, ({ paymentId }) => desk.send({ paymentId }))
    const flow = choreography('sending', { key: 'orderId' }, seq(Paid, Sent))
    const found = checkApplication(ballet({ services: [desk], choreographies: [flow] }))
    expect(found.filter(({ code }) => code === 'key-lost')).toMatchObject([{ level: 'note' }])
  })

  it('knows that a deadline which passes is an event, unless it is recorded only', () => {
    const heard: Seed = { with: ({ shipping }) => shipping.on(Overdue, () => null) }
    expect(checkApplication(build(heard))).toEqual([])
    const unheard = [{ code: 'reaction-unheard', place: 'reaction "shipping:order.overdue"' }]
    expect(checkApplication(build({ ...heard, more: { onDeadline: 'record' } }))).toMatchObject(unheard)
  })

  it('finds what docs/reference/check.md lists', () => {
    const page = readFileSync(new URL('../../docs/reference/check.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (\w+) +\| (.+?) +\|$/gm)]
    expect(rows.map(([, code, level, about]) => [code, level, about])).toEqual(
      Object.entries(FINDINGS).map(([code, { level, about }]) => [code, level, about]),
    )
  })
})
