// What a node of an older version took, and one of a newer version carries out: what was acknowledged is not refused behind the
// back of whoever asked.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, signal, workflow, type Application, type ApplicationDefinition } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The older one owns no shard. */
async function nodesOf(
  definition: (version: '1' | '2') => ApplicationDefinition,
): Promise<{ readonly old: Application; readonly owner: Application; readonly store: string }> {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = place.url('&shards=8&lease=2&pool=4')
  const owner = await openForTest(definition('2'), { store })
  return { owner, old: await openForTest(definition('1'), { store }), store }
}

const Grown = { 1: signal('told', z.object({ n: z.number() })), 2: signal('told', z.object({ n: z.number().max(1) })) }
const Other = signal('other', z.string())
/** Hears what it is told until somebody says so. */
const waiting = (version: '1' | '2') =>
  workflow('waiting', { input: z.null(), output: z.json(), signals: [Grown[version], Other] }, async (run) => {
    const heard: (string | { n: number })[] = []
    for (;;) {
      const one = await run.receive([Grown[version], Other])
      heard.push(one.data)
      if (one.type === 'other') return heard
    }
  })

test('a signal that an older node took is delivered as it was judged there, when the schema of the newer one refuses it', async () => {
  const { old, owner } = await nodesOf((version) =>
    ballet({ name: 'shop', version, services: [], workflows: [waiting(version)] }),
  )
  await owner.startNamed({ call: 'waiting', input: null, id: 'w' })
  await expect(owner.signalNamed({ run: 'w', name: 'told', data: { n: 2 } })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  })
  expect(await old.signal('w', Grown[1]({ n: 2 }), { id: 's' })).toEqual({ id: 's', created: true })
  await owner.signal('w', Other('over'))
  expect(await owner.result('w')).toEqual([{ n: 2 }, 'over'])
})

test('a signal that the newer version does not know waits with its run, and is there for whoever looks', async () => {
  const { old, owner } = await nodesOf((version) =>
    ballet({
      name: 'shop',
      version,
      services: [],
      workflows: [
        workflow(
          'waiting',
          { input: z.null(), output: z.json(), signals: version === '1' ? [Grown[1], Other] : [Other] },
          async (run) => (await run.receive(Other)).data,
        ),
      ],
    }),
  )
  await owner.startNamed({ call: 'waiting', input: null, id: 'w' })
  await old.signal('w', Grown[1]({ n: 2 }), { id: 's' })
  await owner.signal('w', Other('over'))
  expect(await owner.result('w')).toBe('over')
  const journal = (await owner.journal('w'))?.items ?? []
  expect(journal).toContainEqual(
    expect.objectContaining({
      delivered: expect.objectContaining({ kind: 'signal', name: 'told', id: 's', payload: { n: 2 } }),
    }),
  )
})

test('a start without an id that the newer version refuses is not answered as if it had been taken', async () => {
  const { old, owner } = await nodesOf((version) => {
    const input = version === '1' ? z.number() : z.number().max(1)
    return ballet({
      name: 'shop',
      version,
      services: [],
      workflows: [workflow('flow', { input, output: z.number() }, async (_, n) => n)],
    })
  })
  await expect(old.startNamed({ call: 'flow', input: 2 })).rejects.toMatchObject({ code: 'OWNER_REFUSED' })
  const { id } = await old.startNamed({ call: 'flow', input: 1 })
  expect(await owner.result(id)).toBe(1)
})
