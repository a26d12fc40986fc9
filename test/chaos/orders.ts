// The orders of a campaign: as many of one style as of the other, and in each style all the ways that an order can go: well,
// declined at every place, not deliverable, and cancelled, at once or when shipping has begun; by the customer, or by
// whoever runs the shop, who cancels the run of the workflow itself. The first two are those that
// the shop places itself when its store is new; the client asks for the very same ones, and whoever comes first, each is
// one order.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Chance } from '../determinism/chance.ts'
import type { CancelledBy, Ending } from './records.ts'

const samples = new URL('../../examples/shop/orders/', import.meta.url)
const Body = z.looseObject({ items: z.array(z.object({ sku: z.string(), qty: z.number() })) })
type Body = z.infer<typeof Body>
const sample = (name: string): Body => Body.parse(JSON.parse(readFileSync(new URL(`${name}.json`, samples), 'utf8')))

const styles = ['orchestrated', 'choreographed'] as const

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
const well: Kind = { body: ok, wants: ['confirmed'] }
const kinds: readonly Kind[] = [
  well,
  { body: shippingFails, wants: ['refunded'] },
  // A cancellation comes in time or too late: both are right, and the audit knows which of them is true.
  { body: ok, wants: ['cancelled', 'confirmed'], cancel: 'at once' },
  { body: declined, wants: ['declined'] },
  { body: ok, wants: ['cancelled', 'confirmed'], cancel: 'while shipping' },
  { body: short, wants: ['declined'] },
  { body: shippingFails, wants: ['cancelled', 'refunded'], cancel: 'while shipping' },
  well,
  { body: shortOf('tutu', 'music-box'), wants: ['declined'] },
  { body: declined, wants: ['cancelled', 'declined'], cancel: 'at once' },
  { body: shortOf('music-box', 'tutu', 'poster'), wants: ['declined'] },
  { body: shortOf('music-box'), wants: ['declined'] },
  { body: ok, wants: ['cancelled', 'confirmed'], cancel: 'while shipping', by: 'the shop' },
  { body: ok, wants: ['cancelled', 'confirmed'], cancel: 'at once', by: 'the shop' },
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

/** Orders in the sequence in which they are placed: half of them in each style. */
export function planOrders(count: number, chance: Chance): PlannedOrder[] {
  const planned = Array.from({ length: count }, (_, index): PlannedOrder => {
    const style = styles[index % 2] ?? 'orchestrated'
    const { body, wants, cancel = null, by = 'the customer' } = kinds[Math.floor(index / 2) % kinds.length] ?? well
    const id = index < 2 ? `first-${style}` : `${style}-${index}`
    const items = body.items.map(({ sku }) => sku)
    // Nobody is in charge of a choreography: there is no run that could be cancelled for all of it.
    return {
      id,
      wants,
      items,
      cancel,
      by: style === 'orchestrated' ? by : 'the customer',
      body: JSON.stringify({ ...body, orderId: id, style }),
    }
  })
  const later = planned.slice(2)
  for (let index = later.length - 1; index > 0; index -= 1) {
    const other = chance.between(0, index)
    ;[later[index], later[other]] = [later[other] as PlannedOrder, later[index] as PlannedOrder]
  }
  return [...planned.slice(0, 2), ...later]
}
