// Whatever people do at once to what lies aside, while keys come back and its shard looks by itself: each of it is taken, or dropped, or
// lies there, and the shard goes on.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { rounds } from '../../test/support/sweeps.ts'
import type { Codec } from '../core/codec.ts'
import { ballet, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { systemClock } from './clock.ts'

const flow = workflow('flow', { input: z.number().max(1), output: z.number() }, async (_, n) => n)
const shop = ballet({ name: 'shop', version: '2', services: [], workflows: [flow] })
const IDS = ['a', 'b', 'c', 'd', 'e', 'f']
/** What may be met by whoever acts on something of which another has been quicker. */
const LATE = ['ASIDE_UNKNOWN', 'ASIDE_DROPPED']

/** Looks that are made in no time, and a key that is away for some. */
async function opened(away: Set<string>, inputs: readonly number[]) {
  const codec: Codec = {
    encode: (text) => text,
    decode: (payload) => {
      const text = String(payload)
      if (text.includes('"call"') && [...away].some((id) => text.includes(`"id":"${id}"`))) throw new Error('no key')
      return text
    },
  }
  const after = (delayMs: number, callback: () => void) => systemClock.after(Math.min(delayMs, 1), callback)
  // What was read may be another thing by the time at which it is known.
  const store = guarded(memory(new MemoryData()), 'inbox', async (pass) => {
    const rows = await pass()
    await rounds(3)
    return rows
  })
  const app = await openForTest(shop, { store, codec, clock: { ...systemClock, after }, log: keptLog() })
  const row = { ns: 'default', slot: 0, kind: 'start', at: 1 } as const
  const dataOf = (id: string, n: number) =>
    JSON.stringify({ call: 'flow', input: inputs[n], id, hash: id, silent: true })
  await store.post(
    0,
    IDS.map((id, n) => ({ ...row, target: id, data: dataOf(id, n) })),
  )
  await app.run('nobody')
  return { app, items: new Map((await app.asides()).items.map(({ id, item }) => [id, item])) }
}

/** `done`, or the code of what refused it. */
/** Whether one lies there still, or was dropped; a code when it is neither. */
const seen = (app: Application, item: string): Promise<string> =>
  app.aside(item).then(
    ({ dropped }) => (dropped === undefined ? 'lies' : 'dropped'),
    (error: { readonly code: string }) => error.code,
  )

const outcome = (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => 'done',
    (error: { readonly code: string }) => error.code,
  )

const act = fc.record({ of: fc.nat(IDS.length - 1), what: fc.constantFrom('drop', 'retry', 'all', 'key', 'wait') })

async function carryOut(app: Application, away: Set<string>, id: string, item: string, what: string): Promise<string> {
  if (what === 'drop') return outcome(app.dropAside(item))
  if (what === 'retry') return outcome(app.retryAside(item))
  if (what === 'all') return outcome(app.actOnAsides({ action: 'retry' }))
  if (what === 'key') away.delete(id)
  return 'done'
}

test('each of it is taken, or dropped, or lies there', async () => {
  const property = fc.asyncProperty(
    fc.subarray(IDS),
    fc.array(fc.nat(2), { minLength: IDS.length, maxLength: IDS.length }),
    fc.array(act, { maxLength: 40 }),
    async (keyless, inputs, acts) => {
      const away = new Set(keyless)
      const { app, items } = await opened(away, inputs)
      const doing: Promise<string>[] = []
      for (const { of, what } of acts) {
        const id = IDS[of] ?? ''
        doing.push(carryOut(app, away, id, items.get(id) ?? '0-0000000000000000', what))
        if (what === 'wait') await new Promise((resolve) => setImmediate(resolve))
      }
      const met = await Promise.all(doing)
      expect(met.filter((one) => one !== 'done' && !LATE.includes(one))).toEqual([])
      // What could be taken by now is: the rest stays where it is.
      await app.actOnAsides({ action: 'retry' })
      // What is being looked at in this moment lies in the inbox, for which a negative answer waits.
      const runs = await Promise.all([...items.keys()].map((id) => app.run(id)))
      const lying = (await app.asides()).items.map(({ id }) => id)
      const shown = await Promise.all([...items.values()].map((item) => seen(app, item)))
      const states = [...items.keys()].map((id, n) => [runs[n] !== null, shown[n] === 'dropped', lying.includes(id)])
      expect(states.map((all) => all.filter(Boolean).length)).toEqual(states.map(() => 1))
      await app.close()
    },
  )
  await fc.assert(property, { numRuns: 40 })
})
