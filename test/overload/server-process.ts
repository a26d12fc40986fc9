// The server of the overload campaign, in a process of its own: an order of three trivial steps over the HTTP API, on a
// SQLite file. Tells its parent when it is ready, then every quarter of a second how many orders have been finished and
// how much memory it has; asked to, it collects what is unused and tells what is left.
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
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const tell = (kind: string): void =>
  void process.send?.({
    kind,
    port: serving.port,
    finished,
    rssBytes: process.memoryUsage.rss(),
    cpuMs: cpuMs(),
  })
const beat = setInterval(() => tell('beat'), 250)
tell('ready')

/** What is left when everything unused is gone; what has finalizers goes in the second collection. */
async function weigh(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await new Promise((resolve) => setImmediate(resolve))
    await globalThis.gc?.({ type: 'major', execution: 'async' })
  }
  const { heapUsed, external } = process.memoryUsage()
  process.send?.({ kind: 'weight', liveBytes: heapUsed + external })
}

process.on('message', (message) => {
  if (message === 'weigh') return void weigh()
  clearInterval(beat)
  void (async () => {
    await serving.close()
    await app.close()
    process.disconnect()
  })()
})
