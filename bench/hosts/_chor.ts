import { open } from 'ballet'
import { serve } from 'ballet/server'
import { definition, monitored, Placed, keyedCheckout } from '../checkout.ts'
import { host } from '../host.ts'
const log = { info: () => {}, warn: () => {}, error: (m: string) => console.error(m) }
await host(async ({ store, nodeSecret }: any) => {
  const kind = process.env.KIND ?? 'monitored'
  const opened = Promise.withResolvers<any>()
  const serving = nodeSecret ? await serve(opened.promise, { port: 0, nodeSecret }) : undefined
  const app = await open(kind === 'monitored' ? monitored : definition, {
    store,
    log,
    ...(nodeSecret && { address: serving!.url }),
  })
  opened.resolve(app)
  const done = async (key: string) => {
    for (;;) {
      const f = await app.flow('orders', key)
      if (f?.state === 'complete') return
      await new Promise((r) => setTimeout(r, 50))
    }
  }
  return {
    about: {},
    order: async (order: any) => {
      if (kind === 'keyed') return app.result((await app.start(keyedCheckout(order))).id)
      await app.publish(Placed(order))
      if (kind === 'monitored') await done(order.orderId)
    },
    close: async () => {
      await serving?.close()
      await app.close()
    },
  }
})
