// The server of the overload campaign, in a process of its own: an order of three trivial steps over the HTTP API, on a
// SQLite file. Tells its parent when it is ready, then every quarter of a second how many orders have been finished and
// how much memory it has.
import { z } from 'zod'
import { ballet, open, operation, service, workflow } from '../../src/index.ts'
import { serve } from '../../src/server.ts'

const [file = ''] = process.argv.slice(2)
const Order = z.object({ orderId: z.string(), note: z.string() })
let finished = 0
const step = (last: boolean) =>
  operation({
    input: Order,
    output: z.number(),
    run: () => {
      if (last) finished += 1
      return 1
    },
  })
const shop = service('shop', { charge: step(false), ship: step(false), tell: step(true) })
const checkout = workflow('checkout', { input: Order, output: z.number(), key: 'orderId' }, async (run, order) => {
  await run.call(shop.charge(order))
  await run.call(shop.ship(order))
  return run.call(shop.tell(order))
})

const app = await open(ballet({ services: [shop], workflows: [checkout] }), { store: `file:${file}` })
const serving = await serve(app, { port: 0 })
const tell = (kind: string): void =>
  void process.send?.({
    kind,
    port: serving.port,
    finished,
    rssBytes: process.memoryUsage.rss(),
    cpu: process.cpuUsage(),
  })
const beat = setInterval(() => tell('beat'), 250)
tell('ready')

process.on('message', () => {
  clearInterval(beat)
  void (async () => {
    await serving.close()
    await app.close()
    process.disconnect()
  })()
})
