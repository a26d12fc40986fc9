// One life of one end of the wire, to be killed: a shop that places orders and hears what became of them, or a warehouse that ships
// them. node life.ts <shop|warehouse> <file> <url> <stream> <prefix> [orders] [from]. Says how many orders have come back.
import { connect } from '@nats-io/transport-node'
import { open } from '../../src/index.ts'
import { natsTransport } from '../../src/nats.ts'
import { Placed, Shipped, shopOf, warehouseOf } from './ends.ts'

type From = 'all' | 'now'
const [, , end = '', file = '', url = '', stream = '', prefix = '', orders = '0', from = 'all'] = process.argv
const wire = (sends: typeof Placed | typeof Shipped, takes: typeof Placed | typeof Shipped) =>
  natsTransport('wire', {
    connect: () => connect({ servers: url }),
    stream,
    prefix,
    sends: [sends],
    takes: [takes],
    from: from as From,
  })
const definition = end === 'shop' ? shopOf(wire(Placed, Shipped)) : warehouseOf(wire(Shipped, Placed))
const app = await open(definition, { store: `file:${file}` })

const told = async (): Promise<void> => {
  const { items } = await app.events({ types: ['order.shipped'], limit: 200 })
  console.log(`shipped ${items.length}`)
}
app.watch(null, () => void told())
for (let number = 0; number < Number(orders); number++)
  await app.publish(Placed({ orderId: `${number}`, number }), { id: `order-${number}` })
