// Flows whose keys come again: a monitor takes a flow that begins for a new one, and reads its row only when it has to. On a
// store that answers late, loses replies and dies, each flow must in the end be what its events come to.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog } from '../../test/support/applications.ts'
import { fastClock, SteppedClock } from '../../test/support/clocks.ts'
import { flowsByLog } from '../../test/support/flows-by-log.ts'
import { unsteady } from '../../test/support/mortal-stores.ts'
import { guarded } from '../../test/support/stores.ts'
import { isBalletError } from '../core/errors.ts'
import { turnStream, type Stream } from '../core/randomness.ts'
import type { Store } from '../core/store.ts'
import { ballet, choice, choreography, event, open, optional, seq, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { sqlite } from '../stores/sqlite/sqlite-store.ts'

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Created = event('order.created', Order, byOrder)
const Paid = event('payment.approved', Order, byOrder)
const Declined = event('payment.declined', Order, byOrder)
const Thanked = event('order.thanked', Order, byOrder)
/** What comes for a key at once: whole flows above all. */
const BURSTS = [
  [Created, Declined],
  [Created, Declined],
  [Created, Paid, Thanked],
  [Created],
  [Paid],
  [Declined],
  [Thanked],
]
const KEYS = ['a', 'b', 'c']

const sale = choreography(
  'sale',
  { key: 'orderId' },
  seq(Created, choice(seq(Paid, optional(Thanked)).as('paid'), Declined.as('declined'))),
)
const definition = ballet({
  services: [],
  workflows: [],
  choreographies: [sale],
  events: [Created, Paid, Declined, Thanked],
})

interface Word {
  readonly key: string
  readonly burst: (typeof BURSTS)[number]
  isSaid: boolean
}

/** Counts how often a flow that was taken for new had a row. */
const counting = (store: Store, seen: { refused: number }): Store =>
  guarded(store, 'commit', (pass) =>
    pass().catch((error: unknown) => {
      if (isBalletError(error) && error.code === 'FLOW_THERE') seen.refused += 1
      throw error
    }),
  )

const late = ['events', 'flowsOf'] as const

/** Publishes what was not acknowledged yet, in its order, and asks now and then. */
async function drive(app: Application, stream: Stream, words: readonly Word[]): Promise<void> {
  for (const [number, word] of words.entries()) {
    if (word.isSaid) continue
    const { key, burst } = word
    const source = 'client'
    await Promise.all(burst.map((one, at) => app.publish(one({ orderId: key }), { id: `${number}-${at}`, source })))
    word.isSaid = true
    for (let rounds = Math.floor(stream() ** 2 * 300); rounds > 0; rounds--)
      await new Promise((resolve) => setImmediate(resolve))
    if (stream() < 0.1) await app.flow('sale', key)
  }
  await app.flows('sale')
}

test('on a file: a flow that comes again is refused as a new one, and is what its events come to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-repeats-'))
  const own = sqlite({ file: join(folder, 'store.db') })
  const seen = { refused: 0 }
  const app = await open(definition, { store: counting(own, seen), ...settings(), clock: new SteppedClock() })
  for (let time = 0; time < 2; time++) {
    await Promise.all([Created, Declined].map((one) => app.publish(one({ orderId: 'a' }))))
    await app.flows('sale')
  }
  const flow = await app.flow('sale', 'a')
  await app.close()
  rmSync(folder, { recursive: true })
  expect([seen.refused, flow?.state, flow?.breaks]).toEqual([1, 'broken', 2])
})

const limits = { queueMs: 86_400_000, commitMs: 86_400_000 }
const settings = () => ({ log: keptLog(), graceMs: 0, limits, clock: fastClock(200) })

test('F1: keys that come again, on a store that dies and loses replies: every flow is what its events come to', async () => {
  const seen = { refused: 0, deaths: 0 }
  for (let seed = 1; seed <= 200; seed++) {
    const stream = turnStream(seed, 0, 0)
    const data = new MemoryData('s')
    const words = Array.from({ length: 16 }, () => {
      const key = KEYS[Math.floor(stream() * KEYS.length)] ?? ''
      return { key, burst: BURSTS[Math.floor(stream() * BURSTS.length)] ?? [], isSaid: false }
    })
    for (let life = 0, isOver = false; !isOver; life++) {
      const death = Promise.withResolvers<'dead'>()
      const at = 1 + Math.floor(stream() * 24)
      const died = (): void => death.resolve('dead')
      const own = counting(memory(data), seen)
      const store = unsteady(own, { stream, at: life < 3 ? at : Infinity, lost: 0.1, late, died })
      const app = await Promise.race([open(definition, { store, ...settings() }), death.promise])
      isOver = app !== 'dead' && (await Promise.race([drive(app, stream, words), death.promise])) !== 'dead'
      seen.deaths += isOver ? 0 : 1
      if (app === 'dead' || !isOver) continue
      const judged = flowsByLog(sale, data.events, data.flows.values())
      expect(
        judged.flatMap(({ key, problem }) => (problem === null ? [] : [`${key} ${problem}`])),
        `seed ${seed}`,
      ).toEqual([])
      // It may die in its last commit. A process that comes behind it finds what it left, either way.
      await Promise.race([app.close(), death.promise])
      const next = await open(definition, { store: memory(data), ...settings() })
      await next.flows('sale')
      await next.close()
      expect(flowsByLog(sale, data.events, data.flows.values()), `seed ${seed}`).toEqual(judged)
    }
  }
  expect(seen.deaths).toBeGreaterThan(150)
  expect(seen.refused).toBeGreaterThan(50)
})
