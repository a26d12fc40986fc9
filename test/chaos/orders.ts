// The orders of a campaign: as many of each style, and in each style all the ways that an order can go: well,
// declined at every place, not deliverable, and cancelled, at once or when shipping has begun; by the customer, or by
// whoever runs the shop, who cancels the run of the workflow itself. Two of the first are those that
// the shop places itself when its store is new; the client asks for the very same ones, and whoever comes first, each is
// one order.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import { STYLES, type Style } from '../../examples/shop/status.ts'
import type { CancelledBy, Ending } from './records.ts'

const samples = new URL('../../examples/shop/orders/', import.meta.url)
const Body = z.looseObject({ items: z.array(z.object({ sku: z.string(), qty: z.number() })) })
type Body = z.infer<typeof Body>
const sample = (name: string): Body => Body.parse(JSON.parse(readFileSync(new URL(`${name}.json`, samples), 'utf8')))

export const styles = STYLES
export type { Style }

/** Right after the order was acknowledged, or when it is being shipped. */
export type CancelMoment = 'at once' | 'while shipping'

interface Kind {
  readonly body: Body
  readonly wants: readonly Ending[]
  readonly cancel?: CancelMoment
  readonly by?: CancelledBy
}

const [ok, declined, short, shippingFails] = ['ok', 'declined', 'short', 'shipping-fails'].map(sample) as [
  Body,
  Body,
  Body,
  Body,
]
const shortOf = (...skus: readonly string[]): Body => ({ ...short, items: skus.map((sku) => ({ sku, qty: 1 })) })

/** One order of each kind that makes a difference to how it is carried through. */
export const referenceKinds = {
  well: { body: ok, wants: ['confirmed'] },
  declined: { body: declined, wants: ['declined'] },
  'out of stock': { body: short, wants: ['declined'] },
  'not deliverable': { body: shippingFails, wants: ['refunded'] },
  // A cancellation comes in time or too late: both are right, and the audit knows which of them is true.
  'cancelled at once': { body: ok, wants: ['cancelled', 'confirmed'], cancel: 'at once' },
  'cancelled while shipping': { body: ok, wants: ['cancelled', 'confirmed'], cancel: 'while shipping' },
  'cancelled by the shop': { body: ok, wants: ['cancelled', 'confirmed'], cancel: 'while shipping', by: 'the shop' },
} as const satisfies Record<string, Kind>

const {
  well,
  declined: isDeclined,
  'not deliverable': notDeliverable,
  'cancelled at once': atOnce,
  'cancelled while shipping': whileShipping,
  'cancelled by the shop': byTheShop,
} = referenceKinds
const kinds: readonly Kind[] = [
  well,
  notDeliverable,
  atOnce,
  isDeclined,
  whileShipping,
  referenceKinds['out of stock'],
  { body: shippingFails, wants: ['cancelled', 'refunded'], cancel: 'while shipping' },
  well,
  { body: shortOf('tutu', 'music-box'), wants: ['declined'] },
  { body: declined, wants: ['cancelled', 'declined'], cancel: 'at once' },
  { body: shortOf('music-box', 'tutu', 'poster'), wants: ['declined'] },
  { body: shortOf('music-box'), wants: ['declined'] },
  byTheShop,
  { ...byTheShop, cancel: 'at once' },
]

/** One order, as the client knows it. */
export interface PlannedOrder {
  readonly id: string
  /** The ways in which it may end. */
  readonly wants: readonly Ending[]
  readonly items: readonly string[]
  readonly cancel: CancelMoment | null
  readonly by: CancelledBy
  /** What is posted, word for word the same however often. */
  readonly body: string
}

/** One order of a kind. */
export function planOrder(kind: Kind, style: Style, id: string): PlannedOrder {
  const { body, wants, cancel, by = 'the customer' } = kind
  return {
    id,
    wants,
    items: body.items.map(({ sku }) => sku),
    cancel: cancel ?? null,
    // Nobody is in charge of a choreography: there is no run that could be cancelled for all of it.
    by: style === 'orchestrated' ? by : 'the customer',
    body: JSON.stringify({ ...body, orderId: id, style }),
  }
}

/** Orders in the sequence in which they are placed: as many of each style. */
export function planOrders(count: number, chance: Chance): PlannedOrder[] {
  const planned = Array.from({ length: count }, (_, index): PlannedOrder => {
    const style = styles[index % styles.length] ?? 'orchestrated'
    const kind = kinds[Math.floor(index / styles.length) % kinds.length] ?? well
    return planOrder(kind, style, index < styles.length ? `first-${style}` : `${style}-${index}`)
  })
  return [...planned.slice(0, styles.length), ...shuffle(planned.slice(styles.length), chance)]
}

export function shuffle<T>(items: readonly T[], chance: Chance): T[] {
  const shuffled = [...items]
  for (let index = shuffled.length - 1; index > 0; index -= 1) {
    const other = chance.between(0, index)
    ;[shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T]
  }
  return shuffled
}
