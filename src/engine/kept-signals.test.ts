// Signals that came by an inbox were acknowledged: those that were kept for a run that could take nothing all come when it
// can, however few it may hold.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Go = signal('go', z.number())

test('more signals than a run may hold, kept for it by way of the inbox, are all given', async () => {
  let broken = true
  const flow = workflow('flow', { input: z.null(), output: z.array(z.number()), signals: [Go] }, async (run) => {
    const got = [(await run.receive(Go)).data]
    if (broken) throw new TypeError('oops')
    await run.sleep('10ms')
    while (got.length < 5) got.push((await run.receive(Go)).data)
    return got
  })
  const data = new MemoryData()
  const open = () =>
    openForTest(ballet({ services: [], workflows: [flow] }), { store: memory(data), limits: { signals: 1 } })
  const first = await open()
  await first.start(flow(null), { id: 'f' })
  await first.signal('f', Go(0), { id: 's-0' })
  await until(first, null, async () => (await first.run('f'))?.status === 'stuck')
  await first.close()
  const bodies = [1, 2, 3, 4].map((n) => JSON.stringify({ run: 'f', name: 'go', data: n, id: `s-${n}` }))
  data.post(
    0,
    bodies.map((body) => ({ ns: 'default', slot: 0, kind: 'signal', target: 'f', data: body, at: 0 })),
  )
  const second = await open()
  await until(second, null, async () => data.inbox.size === 0)
  await second.close()
  broken = false
  expect(await (await open()).result('f')).toEqual([0, 1, 2, 3, 4])
})
