// Where a call that takes begins, and how it ends: what must be durable before, and what is not waited for.
import { describe, expect, test } from 'vitest'
import { fault } from '../../src/core/errors.ts'
import { take } from '../../src/transports/nats/intake.ts'
import { Standing } from '../../src/transports/nats/standing.ts'
import { cloudEvent, worldOfTests } from './applications.ts'
import { hurried, takeBare } from './bare.ts'

describe('a call that takes', () => {
  const world = worldOfTests()
  const order = (id: string): Promise<number> =>
    world.send('order.placed', cloudEvent('order.placed', id, { orderId: id, number: 1 }))

  test('what comes from now on is what came behind a place that is durable before anything is taken', async () => {
    await order('1')
    const { inlet, here, untilHeard } = takeBare(world, undefined, () => {})
    inlet.read = ({ subject }) => ({ type: 'order.placed', id: subject, data: { orderId: '1' } })
    const runs = new Map<string, unknown>()
    here.startNamed = async ({ id, input }) => {
      if (runs.has(id)) throw fault('RUN_CONFLICT', { id })
      runs.set(id, input)
    }
    here.begunWith = async (id) => runs.get(id)
    // Of this attempt nothing is kept: its process was killed.
    await untilHeard((place) => place?.after === 1, 'now')
    expect([...runs]).toEqual([['wire:take:begins', { created: expect.any(String) as string, after: 1 }]])
    await order('2')
    const places: unknown[] = []
    const again = takeBare(world, undefined, () => {})
    again.inlet.read = inlet.read
    Object.assign(again.here, { startNamed: here.startNamed, begunWith: here.begunWith })
    await again.untilHeard((place) => places.push(place?.after) > 0 && place?.after === 2, 'now')
    expect(places[0]).toBe(1)
    expect(again.published).toEqual([`${world.prefix}.order.placed`])
  })

  test('where somebody has begun what says so with something else, nothing is taken', async () => {
    const { inlet, here } = takeBare(world, undefined, () => {})
    here.begunWith = () => Promise.resolve({ after: 'all' })
    const { signal } = new AbortController()
    const standing = new Standing(hurried())
    const told = { run: 'wire:take', progress: undefined, signal, heard: () => {}, standing }
    const taking = take({ ...inlet, clock: hurried() }, here, 'now', told)
    await expect(taking).rejects.toThrow('the run wire:take:begins does not say behind which message it begins')
    await inlet.link.close()
  })

  test('whoever is told to end waits for nothing that is under way: it may be for a shard that nobody has until then', async () => {
    for (const id of ['1', '2']) await order(id)
    const { inlet, here, ending, standing, untilHeard } = takeBare(world, undefined, () => {})
    inlet.read = ({ subject }) => ({ type: 'order.placed', id: subject, data: { orderId: 'one' } })
    const { promise: taken, resolve } = Promise.withResolvers<void>()
    let asked = 0
    here.publishNamed = () => {
      asked += 1
      ending.abort()
      return taken
    }
    await untilHeard(() => false)
    expect(standing.taking).toBe(0)
    resolve()
    await new Promise((resolved) => setImmediate(resolved))
    // Nor does it begin anything more.
    expect(asked).toBe(1)
  })
})
