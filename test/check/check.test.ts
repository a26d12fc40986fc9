// The check against seeded faults: a sound application, and more than thirty that differ from it by one mistake each.
// Every mistake is found, under its code, at its place, with the line that mends it; of the sound one nothing is said.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ballet } from '../../src/define/ballet.ts'
import { checkApplication, showFinding } from '../../src/define/check/check.ts'
import { FINDINGS } from '../../src/define/check/finding.ts'
import { all, many, optional, seq } from '../../src/define/pattern.ts'
import { operation } from '../../src/define/operation.ts'
import { service } from '../../src/define/service.ts'
import { loop, seeds } from './seeds.ts'
import {
  Approved,
  Created,
  Elsewhere,
  Overdue,
  Reserved,
  Shipped,
  Wrapped,
  build,
  id,
  never,
  services,
  sound,
  type Seed,
} from './sound.ts'

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
