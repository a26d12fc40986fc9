// The shop in a process that dies at the moment that matters most: when Payment has charged an order, and before the engine
// hears of it. It places the order that its argument names, in the style of the second. BALLET_STORE and BALLET_SERVICES say where.
import { open } from 'ballet'
import { Orders } from '../../examples/shop/orders.ts'
import { makeShop, shopPlace } from '../../examples/shop/shop.ts'
import { Style } from '../../examples/shop/status.ts'
import type { OperationDefinition } from '../../src/define/definition.ts'

const [, , orderId = '', style] = process.argv
const { store, folder, payments } = shopPlace(process.env)
const { definition, desk } = makeShop(folder, payments)

/** The same operation; nobody hears its answer. */
const dying = (operation: OperationDefinition): OperationDefinition => ({
  ...operation,
  run: async (input, context) => {
    await operation.run?.(input, context)
    process.kill(process.pid, 'SIGKILL')
    return new Promise(() => {})
  },
})

const services = definition.services.map((service) => ({
  ...service,
  operations: service.operations.map((one) => (one.name === 'payment.charge' ? dying(one) : one)),
}))
const app = await open({ ...definition, services }, { store })
const customer = { name: 'Odette', email: 'odette@example.com', card: '4000-0000-0000-0002', city: 'Paris' }
await new Orders(app, desk).place({
  orderId,
  style: Style.parse(style),
  items: [{ sku: 'tutu', qty: 1 }],
  customer,
})
