// Calls that do not end by themselves: an application that closes tells them at once, and how they then end counts nothing.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest } from '../../test/support/applications.ts'
import type { Asked } from '../core/transport.ts'
import { placed } from '../define/elsewhere.ts'
import { ballet, operation, service } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

test.each([
  ['fails', (reason: unknown): Promise<unknown> => Promise.reject(reason instanceof Error ? reason : new Error('odd'))],
  ['answers', (): Promise<unknown> => Promise.resolve('all')],
])(
  'an attempt that %s when it is told to end is made again by the next process, as the same one',
  async (_, ending) => {
    const asked: Asked[] = []
    const begun = [gate(), gate()]
    const listener = service('listener', {
      listen: operation({
        input: z.null(),
        output: z.string(),
        timeout: '365d',
        retry: { attempts: 1 },
        heartbeat: '1h',
      }),
    })
    const definition = ballet({
      services: [
        placed(listener, {
          origin: 'somewhere',
          hears: true,
          endless: ['listener.listen'],
          ask: async (attempt, signal, heard) => {
            asked.push(attempt)
            heard?.(asked.length)
            begun[asked.length - 1]?.open()
            if (asked.length === 2) return 'until the end'
            await new Promise((resolve) => signal.addEventListener('abort', resolve))
            return ending(signal.reason)
          },
        }),
      ],
    })
    const data = new MemoryData()
    // It would wait for ten minutes, longer than this test may take.
    const first = await openForTest(definition, { store: memory(data), graceMs: 600_000 })
    await first.start(listener.listen(null), { id: 'ear' })
    await begun[0]?.promise
    await first.close()
    const second = await openForTest(definition, { store: memory(data) })
    expect(await second.result('ear')).toBe('until the end')
    expect(asked.map(({ attempt, progress }) => [attempt, progress])).toEqual([
      [1, undefined],
      [1, 1],
    ])
  },
)

test('they are no part of all that is cancelled, unless their name is said', async () => {
  const listener = service('listener', {
    listen: operation({ input: z.null(), output: z.string(), timeout: '365d', heartbeat: '1h' }),
  })
  const desk = service('desk', { wait: operation({ input: z.null(), run: () => new Promise<void>(() => {}) }) })
  const ask = (_: unknown, signal: AbortSignal): Promise<unknown> =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  const definition = ballet({
    services: [desk, placed(listener, { origin: 'somewhere', hears: true, endless: ['listener.listen'], ask })],
  })
  const app = await openForTest(definition)
  await app.start(listener.listen(null), { id: 'ear' })
  await app.start(desk.wait(null), { id: 'work' })
  expect(await app.actOnAll({ action: 'cancel', rehearse: true })).toMatchObject({ matched: 1, rehearsed: ['work'] })
  expect(await app.actOnAll({ action: 'cancel' })).toMatchObject({ matched: 1, changed: 1 })
  expect((await app.run('ear'))?.status).toBe('running')
  expect(await app.actOnAll({ action: 'cancel', name: 'listener.listen' })).toMatchObject({ matched: 1, changed: 1 })
})
