// The same orders in each style, for `ballet compare`: nine of ten go well, and the tenth is declined by the bank, out of
// stock or not deliverable, in turn. What the services did is read from their ledgers.
import type { ComparedEffect, Comparison } from 'ballet'
import { CustomerNotified, type Order } from './contracts.ts'
import { Fault } from './faults.ts'
import { Orders } from './orders.ts'
import type { makeShop } from './shop.ts'
import { deriveOrder, Style, STYLES } from './status.ts'

const well: Omit<Order, 'orderId'> = {
  items: [
    { sku: 'pointe-shoes', qty: 1 },
    { sku: 'ribbon', qty: 4 },
  ],
  customer: { name: 'Odette', email: 'odette@example.com', card: '4000-0000-0000-0002', city: 'Paris' },
}
const troubles: readonly Omit<Order, 'orderId'>[] = [
  { ...well, customer: { ...well.customer, card: 'card-declined' } },
  { ...well, items: [...well.items, { sku: 'music-box', qty: 1 }] },
  { ...well, customer: { ...well.customer, city: 'Atlantis' } },
]

/** What `ballet compare` is told of the shop. */
export const comparisonOf = (make: typeof makeShop): Comparison => ({
  styles: STYLES,
  kept: ['confirmed'],
  last: [CustomerNotified.type],
  gate: 'payment.charge',
  make(folder) {
    const { definition, desk, faults, ledgers, close } = make(folder)
    const idOf = (order: number): string => `order-${order}`
    return {
      definition,
      key: (order) => `orderId:${idOf(order)}`,
      async place(app, style, order) {
        const content = order % 10 === 9 ? troubles[Math.floor(order / 10) % troubles.length] : well
        await new Orders(app, desk).place({ ...(content ?? well), orderId: idOf(order), style: Style.parse(style) })
      },
      ending(view) {
        const status = deriveOrder(view)?.status ?? 'in progress'
        return ['in progress', 'stuck', 'failed'].includes(status) ? null : status
      },
      ledger: async () =>
        (await ledgers()).flatMap(({ service, rows }) => rows.flatMap((row) => effectOf(service, row))),
      fault: (service, fault) => faults.set(Fault.parse({ service, ...fault })),
      close,
    }
  },
})

/** The ledger of the notification calls its steps by what was told; those of the others are called as their operations. */
function effectOf(
  service: string,
  { run, step, outcome }: { readonly run: string; readonly step: string; readonly outcome: string },
): readonly ComparedEffect[] {
  if (outcome !== 'applied') return []
  const [name = '', item = ''] = step.split('#')
  if (service === 'notification') return [{ order: run, operation: 'notification.notify', item: name }]
  return [{ order: run, operation: `${service}.${name}`, item }]
}
