// Overload in its short form: far more is asked than can be served, over real sockets, and every order is accounted for.
// How much is finished meanwhile is measured by `npm run overload`, and not asserted here: machines differ.
import { expect, test } from 'vitest'
import { overload } from './overload/campaign.ts'

test('F16: overload: what was accepted completes, what was refused leaves nothing', async () => {
  const figures = await overload({ seconds: 4, factor: 10, connections: 300 })
  expect(figures.findings).toEqual([])
  expect(figures.unknown + figures.broken).toBe(0)
  expect(figures.accepted).toBeGreaterThan(100)
  expect(figures.completed).toBe(figures.accepted)
}, 60_000)
