// What is to happen in one round of a campaign: what the services of the shop do wrong, with which blow it ends, and at
// which moment. Moments are counted in things that happen (an acknowledgement, a write to one of the databases) and not
// in milliseconds alone, so that a blow meets the shop at work on a fast machine as on a slow one: between an effect and
// its record, between a record and its acknowledgement, in the middle of a commit, and while it takes up again what an
// earlier blow left.
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { Blow } from './blows.ts'

const services = ['catalog', 'payment', 'shipping', 'notification'] as const
type Service = (typeof services)[number]

export type Database = 'store' | Service

/** Answers that are lost in a row: when a single call meets them all, it still has attempts left, and soon. */
const LOST_MOST = 6

/** Roughly how often an order makes the file system tell of a write to each database, as counted on Linux. */
const WRITES = { store: 10, catalog: 8, payment: 4, shipping: 3, notification: 4 } as const

/** When to strike: `delayMs` after something has happened `count` times, counted from the start or once it takes orders. */
export interface Moment {
  readonly since: 'start' | 'ready'
  readonly of: 'ack' | 'time' | Database
  readonly count: number
  readonly delayMs: number
}

/** What a service is told to do wrong: to be slow, to break, or to lose its answers after the work. */
export type Misdeed =
  | { readonly kind: 'slow'; readonly service: Service; readonly slowMs: number }
  | { readonly kind: 'fail'; readonly service: Service; readonly failTimes: number }
  | { readonly kind: 'lose'; readonly service: Service; readonly loseAnswers: number }

export interface Round {
  readonly misdeeds: readonly Misdeed[]
  readonly moment: Moment
  readonly blow: Blow
}

/** Blows, each with how often it is drawn; the first of them is the one that is counted. */
export type Arsenal = readonly [first: readonly [weight: number, blow: Blow], ...others: (readonly [number, Blow])[]]

/**
 * The rounds of a campaign that has so many blows of the first kind. The first round loses answers, and ends with that
 * blow before they were asked for again: so every campaign with a fatal one has at least one step that is asked for by
 * two processes. Each kind comes at least once.
 * @param orders how many orders are placed in all.
 */
export function planRounds(arsenal: Arsenal, count: number, orders: number, chance: Chance): Round[] {
  const blows = arsenal.slice(0, count > 1 ? undefined : 1).map(([, blow]) => blow)
  const [first] = blows
  for (let left = count - 1; left > 0;) {
    const blow = chance.weighted(arsenal)
    blows.push(blow)
    if (blow === first) left -= 1
  }
  const share = Math.max(1, Math.round(orders / (blows.length + 1)))
  return blows.map((blow, index) => ({ blow, ...(index === 0 ? firstRound(share) : randomRound(share, chance)) }))
}

type Plan = Omit<Round, 'blow'>

const firstRound = (orders: number): Plan => ({
  misdeeds: [{ kind: 'lose', service: 'catalog', loseAnswers: orders + 2 }],
  moment: { since: 'ready', of: 'catalog', count: Math.ceil((WRITES.catalog * orders) / 2), delayMs: 2 },
})

function randomRound(orders: number, chance: Chance): Plan {
  const service = chance.pick(services)
  const moment = chance.weighted<Moment>([
    [3, { since: 'ready', of: 'ack', count: chance.between(1, orders), delayMs: 0 }],
    [2, { since: 'ready', of: 'ack', count: chance.between(1, orders), delayMs: chance.between(1, 30) }],
    [
      4,
      { since: 'ready', of: 'store', count: chance.between(1, WRITES.store * orders), delayMs: chance.between(0, 3) },
    ],
    [
      6,
      {
        since: 'ready',
        of: service,
        count: chance.between(1, WRITES[service] * orders),
        delayMs: chance.between(0, 2),
      },
    ],
    [2, { since: 'ready', of: 'time', count: 0, delayMs: chance.between(0, 20 * orders) }],
    [2, { since: 'start', of: 'store', count: chance.between(1, 6), delayMs: chance.between(0, 3) }],
    [1, { since: 'start', of: service, count: 1, delayMs: chance.between(0, 2) }],
    [1, { since: 'start', of: 'time', count: 0, delayMs: chance.between(100, 1500) }],
  ])
  // Half of the time shipping is slow, so that somebody can cancel meanwhile.
  const slow = { kind: 'slow', service: 'shipping', slowMs: chance.between(20, 300) } as const
  return {
    misdeeds: [...(chance.is(0.5) ? [slow] : []), ...(chance.is(0.5) ? [misdeed(orders, chance)] : [])],
    moment,
  }
}

function misdeed(orders: number, chance: Chance): Misdeed {
  const service = chance.pick(services)
  return chance.weighted<Misdeed>([
    [2, { kind: 'slow', service, slowMs: chance.between(20, 400) }],
    [1, { kind: 'fail', service, failTimes: chance.between(1, 3) }],
    [2, { kind: 'lose', service, loseAnswers: chance.between(1, Math.min(orders, LOST_MOST)) }],
  ])
}

/** `store 3 +2 ms, while it starts` */
export function momentText({ since, of, count, delayMs }: Moment): string {
  return `${of}${of === 'time' ? '' : ` ${count}`} +${delayMs} ms${since === 'start' ? ', while it starts' : ''}`
}
