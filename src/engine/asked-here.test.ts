// What another node is answered: what became of what it asked, or that nothing is known of that.
import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import { fault } from '../core/errors.ts'
import type { NodeAsk } from '../define/node.ts'
import { answerAsks, type AskedHere } from './asked-here.ts'
import type { Shards } from './shards.ts'

const ask = (shard: number, ns = 'default'): NodeAsk => ({ ns, kind: 'start', shard, target: 'x', data: 't{}' })

/** Shards that are here, by what they do with what is asked; `stopped` of them. */
function here(does: Record<number, () => Promise<object>>, stopped: readonly number[] = []) {
  const clock = new SteppedClock()
  const ready = (shard: number) => {
    const fromNode = does[shard]
    return fromNode === undefined
      ? undefined
      : { shard: { isStopped: stopped.includes(shard) }, requests: { fromNode } }
  }
  const given = { ns: 'default', clock, shards: () => ({ ready }) as unknown as Shards } satisfies AskedHere
  return { given, clock }
}

const conflict = () => Promise.reject(fault('RUN_CONFLICT', { id: 'x' }))

test('each is answered by itself: done, refused, or unknown where it is not here', async () => {
  const { given } = here({ 1: () => Promise.resolve({ id: 'x', created: true }), 2: conflict })
  expect(await answerAsks(given, [ask(1), ask(2), ask(3), ask(1, 'another')])).toEqual([
    { done: { id: 'x', created: true } },
    { refused: { code: 'RUN_CONFLICT', details: { id: 'x' } } },
    { unknown: true },
    { unknown: true },
  ])
})

test('what fails with its shard, or of itself, says nothing of what was asked', async () => {
  const refused = () => Promise.reject(fault('STORE_REFUSED', { store: 's', problem: 'p', remedy: 'r' }))
  const { given } = here({ 1: refused, 2: () => Promise.reject(new RangeError('nobody has thought of it')) }, [1])
  expect(await answerAsks(given, [ask(1), ask(2)])).toEqual([{ unknown: true }, { unknown: true }])
})

test('what takes too long is unknown, and the others are answered with it', async () => {
  const { given, clock } = here({ 1: () => new Promise(() => {}), 2: conflict })
  const answers = answerAsks(given, [ask(1), ask(2)])
  await clock.moveTo(clock.now() + 2000)
  expect(await answers).toMatchObject([{ unknown: true }, { refused: { code: 'RUN_CONFLICT' } }])
})
