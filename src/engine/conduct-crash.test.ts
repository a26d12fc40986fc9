// A conducted flow whose process dies before or after any commit, on a store that answers late and loses replies: the next
// process ends what it began, with the same calls, once each by their keys.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, until } from '../../test/support/applications.ts'
import { fastClock } from '../../test/support/clocks.ts'
import { unsteady } from '../../test/support/mortal-stores.ts'
import { turnStream } from '../core/randomness.ts'
import {
  all,
  ballet,
  choice,
  choreography,
  event,
  many,
  open,
  operation,
  optional,
  seq,
  service,
  workflow,
  type Application,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Placed = event('order.placed', Order, byOrder)
const Picked = event('item.picked', Order, byOrder)
const Ready = event('order.ready', Order, byOrder)
const Charged = event('order.charged', Order, byOrder)
const Asked = event('order.asked', Order, byOrder)
const Told = event('order.told', Order, byOrder)
const ORDERS = ['a', 'b']
const ITEMS = ['1', '2']

const sale = choreography(
  'sale',
  { key: 'orderId' },
  seq(Placed, all(many(choice(Picked, Told)), optional(Asked), seq(Ready, Charged))),
  { outside: [Asked] },
)

/** What the services saw: by idempotency key, and how often what was not known is asked again. */
class Books {
  readonly keys = new Map<string, string>()
  readonly picked = new Map<string, Set<string>>()

  once(key: string, line: string): void {
    this.keys.set(key, line)
  }
}

function definitionOver(books: Books) {
  const store = service('store', {
    pick: operation({
      input: z.object({ orderId: z.string(), item: z.string() }),
      outcomes: [Picked, Ready],
      run: ({ orderId, item }, { idempotencyKey }) => {
        books.once(idempotencyKey, `${orderId} pick ${item}`)
        const known = books.picked.get(orderId) ?? new Set()
        books.picked.set(orderId, known.add(item))
        // The answer of a call is the same whenever it is asked.
        return item === '2' ? Ready({ orderId }) : Picked({ orderId })
      },
    }),
  })
  const bank = service('bank', {
    charge: operation({
      input: Order,
      outcomes: [Charged],
      run: (order, { idempotencyKey }) => (books.once(idempotencyKey, `${order.orderId} charge`), Charged(order)),
    }),
  })
  const desk = service('desk', {
    tell: operation({
      input: z.object({ orderId: z.string(), of: z.string() }),
      outcomes: [Told],
      run: ({ orderId, of }, { idempotencyKey }) => (
        books.once(idempotencyKey, `${orderId} tell ${of}`),
        Told({ orderId })
      ),
    }),
  })
  const pick = workflow('pick', { input: Order, output: z.null(), ...byOrder }, async (run, { orderId }) => {
    for (const item of ITEMS) run.start(store.pick({ orderId, item }), { id: item })
    return null
  })
  store.on(Placed, (order) => pick(order), { calls: ['store.pick'] })
  bank.on(Ready, (order) => bank.charge(order))
  desk.on(Charged, ({ orderId }) => desk.tell({ orderId, of: 'charged' }))
  desk.on(Picked, ({ orderId }) => desk.tell({ orderId, of: 'picked' }), { order: 'none' })
  desk.on(Asked, ({ orderId }) => desk.tell({ orderId, of: 'asked' }))
  return ballet({ services: [store, bank, desk], workflows: [pick], choreographies: [sale] })
}

const late = ['events', 'claims', 'run'] as const

/** What a client does, again and again until it is acknowledged. */
async function drive(app: Application): Promise<void> {
  await Promise.all(
    ORDERS.map(async (orderId) => {
      await app.conduct(sale)(Placed({ orderId }), { id: orderId })
      await app.publish(Asked({ orderId }), { id: orderId, source: 'client' })
      await app.result(`sale:${orderId}`)
    }),
  )
  // What comes after the end of the run that conducts is answered by reactions.
  await until(app, null, async () => {
    const { items } = await app.runs({ limit: 200 })
    expect(items.filter((run) => run.status === 'stuck' || run.status === 'failed')).toEqual([])
    return items.every((run) => run.ended !== null)
  })
}

const limits = { queueMs: 86_400_000, commitMs: 86_400_000 }
const settings = (liveRuns: number) => ({ log: keptLog(), graceMs: 0, liveRuns, limits, clock: fastClock(200) })

test('F1: processes that die anywhere while they conduct flows: every reaction is made once, and every flow ends', async () => {
  const wanted = ORDERS.flatMap((orderId) =>
    ['charge', 'pick 1', 'pick 2', 'tell asked', 'tell charged', 'tell picked'].map((deed) => `${orderId} ${deed}`),
  )
  let deaths = 0
  let parked = 0
  for (let seed = 1; seed <= 120; seed++) {
    const stream = turnStream(seed, 0, 0)
    const data = new MemoryData('s')
    const books = new Books()
    for (let life = 0, isOver = false; !isOver; life++) {
      const death = Promise.withResolvers<'dead'>()
      const at = 1 + Math.floor(stream() * 10)
      const died = (): void => death.resolve('dead')
      const store = life < 3 ? unsteady(memory(data), { stream, at, lost: 0.1, late, died }) : memory(data)
      const liveRuns = stream() < 0.5 ? 1 : 100
      parked += liveRuns === 1 ? 1 : 0
      const app = await Promise.race([open(definitionOver(books), { store, ...settings(liveRuns) }), death.promise])
      isOver = app !== 'dead' && (await Promise.race([drive(app), death.promise])) !== 'dead'
      deaths += isOver ? 0 : 1
      if (app === 'dead' || !isOver) continue
      // One key for each deed: a reaction that was made twice would have two.
      expect([...books.keys.values()].toSorted(), `seed ${seed}, life ${life}`).toEqual(wanted)
      const { items } = await app.runs({ kind: 'reaction', limit: 100 })
      expect(new Set(items.map(({ id }) => id)).size, `seed ${seed}`).toBe(items.length)
      expect(items.length, `seed ${seed}`).toBe(ORDERS.length * 5)
      for (const orderId of ORDERS)
        expect(await app.run(`sale:${orderId}`), `seed ${seed}`).toMatchObject({ status: 'completed' })
      // A process may also die while it closes.
      await Promise.race([app.close(), death.promise])
    }
  }
  expect(deaths).toBeGreaterThan(120)
  expect(parked).toBeGreaterThan(50)
}, 60_000)
