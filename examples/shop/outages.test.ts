// Services that are down: for a minute, which the retries of payment carry over without a person, and for longer, which
// uses the attempts up. Time passes here when the test says so, and chance makes every delay as short as it can be, so
// that this is the worst case.
import { randomUUID } from 'node:crypto'
import type { Clock, Random } from 'ballet'
import { afterEach, expect, test } from 'vitest'
import { isOver } from './follow.ts'
import type { OrderView } from './status.ts'
import { done, startShop, styles, type RunningShop } from './testing.ts'

let shop: RunningShop | undefined
afterEach(() => shop?.close())

const random: Random = { seed: () => 0, uuid: () => randomUUID() }
const isConfirmed = ({ status }: OrderView): boolean => status === 'confirmed'

/** A clock whose time passes when the test says so. */
function handClock(): Clock & { readonly passUntil: (time: number) => void } {
  const alarms = new Set<{ readonly due: number; readonly ring: () => void }>()
  let now = Date.UTC(2026, 0, 31)
  return {
    now: () => now,
    after(delayMs, ring) {
      const alarm = { due: now + delayMs, ring }
      alarms.add(alarm)
      return () => void alarms.delete(alarm)
    },
    passUntil(time) {
      now = Math.max(now, time)
      for (const alarm of alarms) {
        if (alarm.due > now) continue
        alarms.delete(alarm)
        alarm.ring()
      }
    },
  }
}

/** Lets time pass until an order is over. Resolves with how many attempts at one call have failed before. */
async function passTime(clock: ReturnType<typeof handClock>, running: RunningShop, orderId: string): Promise<number> {
  for (let failed = 0; ;) {
    const isDue = (attempts = 0): boolean => attempts > failed
    const order = await running.when(orderId, (one) => isOver(one) || one.steps.some(({ attempts }) => isDue(attempts)))
    if (isOver(order)) return failed
    const { runs } = await running.app.key('orderId', orderId)
    const [attempt] = runs.flatMap(({ waits }) => waits.flatMap((wait) => wait.attempt ?? []))
    failed = attempt?.number ?? failed
    if (attempt?.next != null) clock.passUntil(Date.parse(attempt.next))
  }
}

const before = ['reserve#pointe-shoes', 'reserve#ribbon', 'charge 10700', 'ship']

test.each(styles)('%s: payment is down for a minute, and the order goes on by itself', async (style) => {
  const clock = handClock()
  const began = clock.now()
  shop = await startShop({ clock, random })
  await shop.fault({ service: 'payment', downMs: 60_000 })
  const orderId = await shop.order('ok', style)
  // The tenth attempt comes after 51 seconds at least, the eleventh after 81.
  expect(await passTime(clock, shop, orderId)).toBe(10)
  expect(clock.now() - began).toBe(81_100)
  expect(await shop.over(orderId)).toMatchObject({ status: 'confirmed', paid: 10_700 })
  expect(done(await shop.ledger(orderId))).toEqual([...before, 'notify'])
})

test.each(styles)('%s: nobody can be told for longer, and a person tries again', async (style) => {
  const clock = handClock()
  shop = await startShop({ clock, random })
  await shop.fault({ service: 'notification', down: true })
  const orderId = await shop.order('ok', style)
  expect(await passTime(clock, shop, orderId)).toBe(9)
  const { status, steps } = await shop.over(orderId)
  const step = steps.at(-1)
  expect({ status, step }).toMatchObject({ status: 'stuck', step: { status: 'stuck', detail: 'notification is down' } })
  await shop.fault()
  await shop.app.retry(step?.run ?? '', { op: step?.op, by: 'the support desk' })
  expect(await shop.when(orderId, isConfirmed)).toMatchObject({ paid: 10_700 })
  expect(done(await shop.ledger(orderId))).toEqual([...before, 'notify'])
})
