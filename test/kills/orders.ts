// The orders of a campaign: as many of one style as of the other, and in each style all four ways that an order can go.
// The first two are those that the shop places itself when its store is new; the client asks for the very same ones, and
// whoever comes first, each is one order.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Chance } from '../determinism/chance.ts'
import type { Ending } from './records.ts'

const samples = new URL('../../examples/shop/orders/', import.meta.url)
const Body = z.record(z.string(), z.unknown())
const sample = (name: string): z.infer<typeof Body> =>
  Body.parse(JSON.parse(readFileSync(new URL(`${name}.json`, samples), 'utf8')))

const styles = ['orchestrated', 'choreographed'] as const

const ok = { body: sample('ok'), wants: 'confirmed' } as const
const kinds: readonly { readonly body: z.infer<typeof Body>; readonly wants: Ending }[] = [
  ok,
  { body: sample('shipping-fails'), wants: 'refunded' },
  ok,
  { body: sample('declined'), wants: 'declined' },
  { body: { ...sample('ok'), items: [{ sku: 'music-box', qty: 1 }] }, wants: 'declined' },
]

/** One order, as the client knows it. */
export interface PlannedOrder {
  readonly id: string
  /** How it has to end. */
  readonly wants: Ending
  /** What is posted, word for word the same however often. */
  readonly body: string
}

/** Orders in the sequence in which they are placed: half of them in each style. */
export function planOrders(count: number, chance: Chance): PlannedOrder[] {
  const planned = Array.from({ length: count }, (_, index): PlannedOrder => {
    const style = styles[index % 2] ?? 'orchestrated'
    const { body, wants } = kinds[Math.floor(index / 2) % kinds.length] ?? ok
    const id = index < 2 ? `first-${style}` : `${style}-${index}`
    return { id, wants, body: JSON.stringify({ ...body, orderId: id, style }) }
  })
  const later = planned.slice(2)
  for (let index = later.length - 1; index > 0; index -= 1) {
    const other = chance.between(0, index)
    ;[later[index], later[other]] = [later[other] as PlannedOrder, later[index] as PlannedOrder]
  }
  return [...planned.slice(0, 2), ...later]
}
