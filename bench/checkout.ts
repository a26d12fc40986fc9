// The work that is measured: an order of about 300 bytes is charged, shipped and notified, by operations that do
// nothing, so that what remains is the engine's own cost. As a workflow, as a workflow whose operations answer with
// events, and as a chain of reactions to those events. The schemas accept everything: a schema library has its own price.
import {
  ballet,
  choreography,
  event,
  operation,
  seq,
  service,
  signal,
  workflow,
  type ApplicationDefinition,
  type Schema,
} from 'ballet'
import { answer, type Order, type Receipt } from './order.ts'

const as = <T>(): Schema<T> => ({
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as T }) },
})
const order = as<Order>()
const receipt = as<Receipt>()

const step = () => operation({ input: order, output: receipt, run: answer })
const desk = service('desk', { charge: step(), ship: step(), notify: step() })

/** Three durable steps, one after the other. */
export const checkout = workflow('checkout', { input: order, output: receipt }, async (run, input) => {
  await run.call(desk.charge(input))
  await run.call(desk.ship(input))
  return run.call(desk.notify(input))
})

/** The same with a business key, which is the id of the run: the engine looks first whether the order exists. */
export const keyedCheckout = workflow(
  'keyed-checkout',
  { input: order, output: receipt, key: 'orderId' },
  async (run, input) => {
    await run.call(desk.charge(input))
    await run.call(desk.ship(input))
    return run.call(desk.notify(input))
  },
)

/** As many steps as asked for. */
export const chain = workflow(
  'chain',
  { input: as<{ readonly order: Order; readonly length: number }>(), output: as<null>() },
  async (run, input) => {
    for (let index = 0; index < input.length; index++) await run.call(desk.charge(input.order))
    return null
  },
)

const key = { key: 'orderId' } as const
export const Placed = event('order.placed', order, key)
const Charged = event('order.charged', order, key)
const Shipped = event('order.shipped', order, key)
export const Notified = event('order.notified', order, key)

const shop = service('shop', {
  charge: operation({ input: order, outcomes: [Charged], run: (input) => Charged(input) }),
  ship: operation({ input: order, outcomes: [Shipped], run: (input) => Shipped(input) }),
  notify: operation({ input: order, outcomes: [Notified], run: (input) => Notified(input) }),
})
shop.on(Placed, (input) => shop.charge(input))
shop.on(Charged, (input) => shop.ship(input))
shop.on(Shipped, (input) => shop.notify(input))

/** The operations of the choreography, called by a workflow. */
export const orchestrated = workflow(
  'orchestrated',
  { input: order, output: receipt, key: 'orderId' },
  async (run, input) => {
    await run.call(shop.charge(input))
    await run.call(shop.ship(input))
    await run.call(shop.notify(input))
    return answer()
  },
)

const Go = signal('go', as<null>())

/** Waits for a signal that does not come. */
export const waiting = workflow('waiting', { input: order, output: as<null>(), signals: [Go] }, async (run) => {
  const { data } = await run.receive(Go)
  return data
})

/** `lanes` chains of `length` steps beside each other, then waits: a long journal, quickly made. */
export const long = workflow(
  'long',
  {
    input: as<{ readonly order: Order; readonly lanes: number; readonly length: number }>(),
    output: as<null>(),
    signals: [Go],
  },
  async (run, input) => {
    const lane = async (): Promise<void> => {
      for (let index = 0; index < input.length; index++) await run.call(desk.charge(input.order))
    }
    await Promise.all(Array.from({ length: input.lanes }, lane))
    await run.receive(Go)
    return null
  },
)

export const definition: ApplicationDefinition = ballet({
  name: 'bench',
  version: '1',
  services: [desk, shop],
  workflows: [checkout, keyedCheckout, chain, orchestrated, waiting, long],
})

/** The choreography of the chain of reactions, with a deadline for each of its steps. */
const orderFlow = choreography(
  'orders',
  { key: 'orderId' },
  seq(Placed, Charged.within('1m'), Shipped.within('1m'), Notified.within('1m').as('done')),
)

/** The chain of reactions, and a monitor that follows it. */
export const monitored: ApplicationDefinition = ballet({
  name: 'bench',
  version: '1',
  services: [shop],
  choreographies: [orderFlow],
})
