// A run that ends the process, in one of many shards: it alone is left alone. What dies is the process, so that a run of
// another shard which was under way at that moment was not alone either.
import { afterEach, expect, test } from 'vitest'
import { DEATHS, Lives } from '../poison/lives.ts'
import type { Told } from '../poison/main.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const isCalm = ({ completed, poison, long }: Told): boolean =>
  completed === 50 && long === 'completed' && poison.status === 'stuck'

test(
  'of runs in eight shards, of which one ends the process, that one is stuck, and no other',
  {
    timeout: 90_000,
  },
  async () => {
    const place = await newPlace()
    closing.push(() => place.drop())
    const lives = new Lives(place.url('&shards=8&lease=2'))
    closing.push(() => lives.kill())
    // How else a process may die is tried on a file (test/poison.test.ts): for the server it is the same.
    const env = { POISON: 'abort', CLOCK: '5', LONGS: '12', LONG_MS: '3000' }
    const { endings, told, last } = await lives.untilCalm(isCalm, env)
    expect([endings.length, told.stuck, last]).toEqual([DEATHS, ['poison'], '0'])
  },
)
