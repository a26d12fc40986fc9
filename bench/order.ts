// The order that every system carries through, and what every operation of it answers. Apart from checkout.ts, so that a
// process which measures another system loads nothing of the engine.

export interface Order {
  readonly orderId: string
  readonly items: readonly { readonly sku: string; readonly quantity: number; readonly cents: number }[]
  readonly customer: { readonly name: string; readonly email: string; readonly city: string; readonly street: string }
}
export interface Receipt {
  readonly receipt: string
}

let orders = 0

/** An order of its own, about 300 bytes as JSON. */
export function newOrder(): Order {
  const orderId = `order-${process.pid}-${++orders}`
  const items = ['blue', 'green', 'red'].map((colour) => ({ sku: `bowl-of-${colour}-clay`, quantity: 2, cents: 1950 }))
  const customer = { name: 'First Customer', email: 'first@example.org', city: 'Rotterdam', street: 'Quay 12' }
  return { orderId, items, customer }
}

/** Of an order, one after the other, where nothing says so elsewhere. */
export const STEPS = ['charge', 'ship', 'notify'] as const

/** What every operation of every system answers. */
export const answer = (): Receipt => ({ receipt: 'r-4711' })
