// Deadlines that pass while processes die, and while the choreography is another one in every second life, on a store that
// answers late and loses replies: every flow is what its events come to, and of each deadline it is told once.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { flowsByLog } from '../../test/support/flows-by-log.ts'
import { unsteady } from '../../test/support/mortal-stores.ts'
import { rounds } from '../../test/support/sweeps.ts'
import { turnStream } from '../core/randomness.ts'
import {
  all,
  ballet,
  choice,
  choreography,
  event,
  many,
  open,
  optional,
  response,
  seq,
  type Application,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Created = event('order.created', Order, byOrder)
const Packed = event('order.packed', Order, byOrder)
const Paid = event('order.paid', Order, byOrder)
const Settled = event('order.settled', Order, byOrder)
const Declined = event('order.declined', Order, byOrder)
const Asked = event('order.asked', Order, byOrder)
const events = [Created, Packed, Paid, Settled, Declined, Asked]
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f']

/** The same limits under endings of other names, which makes another flow of it. */
const saleOf = (paid: string) =>
  choreography(
    'sale',
    byOrder,
    seq(
      Created,
      all(
        many(Asked),
        seq(Packed, optional(seq(Asked, Packed))).within('3s'),
        choice(seq(Paid, Settled).within('2s').as(paid), Declined.within('4s').as('declined')),
      ),
    ),
    { always: [response(Created, Packed, { within: '3s' })] },
  )
const sales = [saleOf('sold'), saleOf('paid')] as const

test('F1: deadlines pass while processes die, and while the choreography is changed: of each it is told once', async () => {
  const seen = { told: 0, deaths: 0 }
  for (let seed = 1; seed <= 60; seed++) {
    const stream = turnStream(seed, 0, 0)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(stream() * list.length)] as T
    const words = Array.from({ length: 40 }, () => ({ type: pick(events), orderId: pick(KEYS), isSaid: false }))
    const data = new MemoryData('s')
    const clock = new SteppedClock()
    /** Time passes until something is there. */
    const passing = async <T>(work: Promise<T>): Promise<T> => {
      const wait = { isOver: false }
      const over = (): void => void (wait.isOver = true)
      work.then(over, over)
      for (; !wait.isOver; clock.pass(20)) await rounds(2)
      return work
    }
    const drive = async (app: Application, life: number): Promise<void> => {
      const say = async (type: (typeof events)[number], orderId: string, id: string): Promise<void> =>
        void (await app.publish(type({ orderId }), { id, source: 'client' }))
      for (const [number, word] of words.entries()) {
        if (word.isSaid) continue
        await say(word.type, word.orderId, String(number))
        word.isSaid = true
        const until = clock.now() + Math.floor(stream() ** 2 * 3000)
        while (clock.now() < until) await rounds(2)
      }
      // Something comes for each: it is walked once more if the choreography is another one by now.
      for (const orderId of KEYS) await say(Asked, orderId, `${life}-${orderId}`)
      await app.flows('sale')
    }
    for (let life = 0, isOver = false; !isOver; life++) {
      const death = Promise.withResolvers<'dead'>()
      const at = life < 4 ? 1 + Math.floor(stream() * 40) : Number.POSITIVE_INFINITY
      const late = ['events', 'flowsOf'] as const
      const store = unsteady(memory(data), { stream, at, lost: 0.1, late, died: () => death.resolve('dead') })
      const sale = sales[life % 2 === 0 ? 0 : 1]
      const definition = ballet({ services: [], choreographies: [sale], events })
      const opening = open(definition, { store, clock, log: keptLog(), graceMs: 0 })
      const app = await passing(Promise.race([opening, death.promise]))
      isOver = app !== 'dead' && (await passing(Promise.race([drive(app, life), death.promise]))) !== 'dead'
      seen.deaths += isOver ? 0 : 1
      if (app === 'dead' || !isOver) continue
      const judged = flowsByLog(sale, data.events, data.flows.values())
      const problems = judged.flatMap(({ key, problem }) => (problem === null ? [] : [`${key} ${problem}`]))
      expect(problems, `seed ${seed}`).toEqual([])
      seen.told += data.events.filter(({ type }) => type === 'sale.overdue').length
      // A process may also die while it closes.
      await passing(Promise.race([app.close(), death.promise]))
    }
  }
  expect(seen.deaths).toBeGreaterThan(100)
  expect(seen.told).toBeGreaterThan(200)
})
