// The samples that reactions are asked with: a search for a key that is like nothing else, made once for an event.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { event } from '../event.ts'
import { ownSamplesOf } from './own-key.ts'

test('the search for samples is made once for an event, and who changes one does not change those of others', () => {
  let validated = 0
  const data = z.object({ orderId: z.string(), note: z.string().optional(), state: z.enum(['a', 'b', 'c']) })
  const counted = data.refine(() => ++validated > 0)
  const Placed = event('placed', counted, { key: 'orderId' })
  const samples = ownSamplesOf(Placed)
  const searched = validated
  validated = 0
  const first = samples[0] as { orderId: string }
  const kept = structuredClone(first)
  first.orderId = 'changed'
  expect(ownSamplesOf(Placed)[0]).toEqual(kept)
  expect(samples.length).toBeGreaterThan(3)
  expect(searched).toBeGreaterThan(samples.length)
  expect(validated).toBe(samples.length)
})
