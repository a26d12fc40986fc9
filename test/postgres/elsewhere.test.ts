// What is asked of a node that does not own the shard is judged as it would be where the run is, and what is answered is true.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { contentHash } from '../../src/engine/content-hash.ts'
import { ballet, operation, service, workflow, type Application, type ApplicationDefinition } from '../../src/index.ts'
import { gate, openForTest, until } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Nodes {
  /** Owns no shard, since it is of an older version. */
  readonly old: Application
  /** Owns all of them. */
  readonly owner: Application
  readonly schema: string
}

async function nodesOf(definition: (version: string) => ApplicationDefinition): Promise<Nodes> {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = place.url('&shards=8&lease=2&pool=4')
  const owner = await openForTest(definition('2'), { store })
  const old = await openForTest(definition('1'), { store })
  return { old, owner, schema: place.schema }
}

test('a run that takes something back late is not cancelled by way of another node either', async () => {
  const answer = gate<number>()
  const entered = gate()
  const refunds: (number | null)[] = []
  const refunded = gate()
  const bank = service('bank', {
    charge: operation({
      input: z.null(),
      output: z.number(),
      timeout: '20ms',
      retry: { attempts: 1 },
      run: () => (entered.open(), answer.promise),
    }),
    refund: operation({
      input: z.number().nullable(),
      undoes: 'charge',
      retry: { attempts: 1 },
      run: async (n) => {
        if (n !== null && refunds.length === 1) {
          refunds.push(n)
          throw new Error('the bank is closed')
        }
        refunds.push(n)
        if (n !== null) refunded.open()
      },
    }),
  })
  const pay = workflow('pay', { input: z.null(), output: z.json() }, async (run) =>
    run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) }),
  )
  const { old, owner } = await nodesOf((version) =>
    ballet({ name: 'shop', version, services: [bank], workflows: [pay] }),
  )
  await owner.start(pay(null), { id: 'p' })
  await entered.promise
  await owner.cancel('p', { by: 'ann' })
  await owner.result('p').catch(() => {})
  answer.open(7)
  const late = `p~late:bank.charge.0:${contentHash({ call: 'bank.refund', input: 7 }).slice(0, 8)}`
  await until(owner, null, async () => (await owner.run(late))?.status === 'stuck')
  for (const node of [owner, old])
    await expect(node.cancel(late, { by: 'ann' })).rejects.toMatchObject({ code: 'ACTION_REFUSED' })
  await owner.retry(late)
  await refunded.promise
  expect(refunds).toEqual([null, 7, 7])
  for (const node of [owner, old])
    await expect(node.cancel('p', { by: 'x'.repeat(257) })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
})
