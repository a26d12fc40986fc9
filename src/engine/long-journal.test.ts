// A journal of several pages, each of which is read while the turns of the one before are replayed, and no sooner: the run goes
// on from its end, or, when a row behind the first page cannot be read, is stuck at its end.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { plainCodec, type Codec } from '../core/codec.ts'
import { ballet, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const LANES = 100
const STEPS = 13 * LANES
const Go = signal('go', z.string())

/** Takes `STEPS` steps, then waits; `begun` counts the steps whose body ran, `taken` those whose answer the code has. */
function marathon() {
  const begun: number[] = []
  const seen = { taken: 0 }
  const flow = workflow('marathon', { input: z.null(), output: z.string(), signals: [Go] }, async (run) => {
    let sum = 0
    const lane = async (number: number): Promise<void> => {
      for (let index = number; index < STEPS; index += LANES) {
        const walked = await run.step('walk', () => {
          begun.push(index)
          return index
        })
        sum += walked
        seen.taken += 1
      }
    }
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
    return `${sum} ${(await run.receive(Go)).data}`
  })
  return { begun, seen, flow, definition: ballet({ services: [], workflows: [flow] }) }
}

/** A marathon that waits at its end, in a store that nobody has open. */
async function ranOnce() {
  const data = new MemoryData()
  const { begun, seen, flow, definition } = marathon()
  const app = await openForTest(definition, { store: memory(data) })
  await app.start(flow(null), { id: 'm' })
  await until(app, null, async () => (await app.run('m'))?.waits[0]?.kind === 'receive')
  await app.close()
  expect(begun).toHaveLength(STEPS)
  return { data, begun, seen, definition }
}

/** Cannot read a row with this in it. */
const blindFor = (mark: string): Codec => ({
  ...plainCodec,
  decode: (payload, place) => {
    const text = plainCodec.decode(payload, place)
    if (text.includes(mark)) throw new Error('its key is gone')
    return text
  },
})

test('a journal of several pages is replayed to its end, and no step is taken again', async () => {
  const { data, begun, definition } = await ranOnce()
  const app = await openForTest(definition, { store: memory(data) })
  await app.signal('m', Go('done'))
  expect(await app.result('m')).toBe(`${(STEPS * (STEPS - 1)) / 2} done`)
  expect(begun).toHaveLength(STEPS)
  await app.close()
})

test('a row of a later page that cannot be read: the run is stuck, what comes is refused, and it goes on once it can be read', async () => {
  const { data, begun, definition } = await ranOnce()
  const blind = await openForTest(definition, { store: memory(data), codec: blindFor('walk#1200"') })
  expect(await blind.run('m')).toMatchObject({ status: 'stuck', reason: 'unreadable' })
  await expect(blind.signal('m', Go('lost'))).rejects.toMatchObject({ code: 'RUN_UNREADABLE' })
  await blind.close()
  const app = await openForTest(definition, { store: memory(data) })
  await app.signal('m', Go('sent'))
  expect(await app.result('m')).toBe(`${(STEPS * (STEPS - 1)) / 2} sent`)
  expect(begun).toHaveLength(STEPS)
  await app.close()
})

test('a journal is read no further than it is replayed, but for two pages', async () => {
  const { data, seen, definition } = await ranOnce()
  let read = 0
  const ahead: number[] = []
  seen.taken = 0
  const store = guarded(memory(data), 'journal', async (pass) => {
    ahead.push(read - seen.taken)
    const rows = await pass()
    read += rows.length
    return rows
  })
  const app = await openForTest(definition, { store })
  expect(seen.taken).toBe(STEPS)
  expect(ahead.length).toBeGreaterThan(3)
  expect(Math.max(...ahead)).toBeLessThan(STEPS / 2)
  await app.close()
})
