// Payment is down for a minute: the retries carry every order over, without a person, and each is charged once. Time
// passes here when the test says so, and chance makes every delay as short as it can be, so that this is the worst case.
import { randomUUID } from 'node:crypto'
import type { Clock } from 'ballet'
import { afterEach, expect, test } from 'vitest'
import { isOver } from './follow.ts'
import { done, startShop, styles, type RunningShop } from './testing.ts'

let shop: RunningShop | undefined
afterEach(() => shop?.close())

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

test.each(styles)('%s: an order goes on by itself', async (style) => {
  const clock = handClock()
  const began = clock.now()
  shop = await startShop({ clock, random: { seed: () => 0, uuid: () => randomUUID() } })
  await shop.fault({ service: 'payment', downMs: 60_000 })
  const orderId = await shop.order('ok', style)
  let failed = 0
  for (;;) {
    const retries = (attempts = 0): boolean => attempts > failed
    const order = await shop.when(orderId, (one) => isOver(one) || one.steps.some(({ attempts }) => retries(attempts)))
    if (isOver(order)) break
    const { runs } = await shop.app.key('orderId', orderId)
    const [attempt] = runs.flatMap(({ waits }) => waits.flatMap((wait) => wait.attempt ?? []))
    failed = attempt?.number ?? failed
    clock.passUntil(Date.parse(attempt?.next ?? ''))
  }
  expect(await shop.over(orderId)).toMatchObject({ status: 'confirmed', paid: 10_700 })
  expect(done(shop.ledger(orderId))).toEqual([
    'reserve#pointe-shoes',
    'reserve#ribbon',
    'charge 10700',
    'ship',
    'notify',
  ])
  // The tenth attempt comes after 51 seconds at least, the eleventh after 81.
  expect(failed).toBe(10)
  expect(clock.now() - began).toBe(81_100)
})
