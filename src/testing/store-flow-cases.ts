// Conformance of stores: the flows of choreographies, by name and key, with the newest row of each.
import assert from 'node:assert/strict'
import type { Batch, FlowGone, Store, Tenure } from '../core/store.ts'
import type { FlowQuery } from '../core/store-queries.ts'
import { NS, SHARD, aFlow, commitAfter, commitFirst, type StoreCase } from './store-rows.ts'

async function keys(store: Store, query: Partial<FlowQuery>): Promise<string[]> {
  const flows = await store.flows(SHARD, { ns: NS, name: 'fulfilment', limit: 100, ...query })
  return flows.map(({ key }) => key)
}

const gone = (key: string, pos: number): FlowGone => ({ ns: NS, name: 'fulfilment', key, pos })

const refuses = async (store: Store, tenure: Tenure, rows: Partial<Batch>): Promise<void> =>
  assert.rejects(commitAfter(store, tenure, rows), { code: 'FLOW_THERE' })

export const storeFlowCases: readonly StoreCase[] = [
  {
    name: 'flows: as they were written, in the order of the keys that were asked for',
    async run({ store }) {
      const [a, b] = [aFlow('orderId:a', { due: 5, ending: 'declined' }), aFlow('orderId:b', { pos: 2, began: 1 })]
      await commitFirst(store, { flows: [a, b, aFlow('orderId:a', { name: 'returns' }), aFlow('', { pos: 9 })] })
      const found = await store.flowsOf(SHARD, NS, 'fulfilment', ['orderId:b', 'orderId:x', 'orderId:a', ''])
      assert.deepEqual(found, [b, null, a, aFlow('', { pos: 9 })])
      assert.deepEqual(await store.flowsOf(SHARD, NS, 'fulfilment', []), [])
      assert.deepEqual(await store.flowsOf(SHARD, 'other', 'fulfilment', ['orderId:a']), [null])
      assert.deepEqual(await store.choreographies(SHARD, NS), ['fulfilment', 'returns'])
      assert.deepEqual(await store.choreographies(SHARD, 'other'), [])
    },
  },
  {
    name: 'flows: a newer row replaces the one before, also within a batch, and one that is gone is gone, but a newer one is not',
    async run({ store }) {
      const tenure = await commitFirst(store, { flows: [aFlow('a'), aFlow('b'), aFlow('b', { standing: 'broken' })] })
      const done = aFlow('a', { standing: 'complete', ending: 'fulfilled', state: '', detail: '{"x":1}', changed: 7 })
      await commitAfter(store, tenure, { flows: [done], flowsGone: [gone('b', 1), gone('a', 2)] })
      assert.deepEqual(await store.flowsOf(SHARD, NS, 'fulfilment', ['a', 'b']), [done, null])
    },
  },
  {
    name: 'flows that are taken for new: none of them has a row, or nothing of the batch is written',
    async run({ store }) {
      const tenure = await commitFirst(store, {
        flows: [aFlow('a')],
        flowsNew: [aFlow('b'), aFlow('a', { name: 'returns' })],
      })
      const again = aFlow('b', { standing: 'broken' })
      await refuses(store, tenure, { flowsNew: [aFlow('c'), again] })
      await refuses(store, tenure, { flowsNew: [aFlow('a')] })
      await refuses(store, tenure, { flowsNew: [aFlow('c'), aFlow('c', { pos: 2 })] })
      await refuses(store, tenure, { flows: [aFlow('c')], flowsNew: [aFlow('c', { pos: 2 })] })
      assert.deepEqual(await store.flowsOf(SHARD, NS, 'fulfilment', ['a', 'b', 'c']), [aFlow('a'), aFlow('b'), null])
      assert.equal((await store.tenure(SHARD)).head, tenure.head)
      // One that is gone is gone with the batch behind it, and then a new one may come.
      const next = await commitAfter(store, tenure, { flowsGone: [gone('b', 1)] })
      await commitAfter(store, next, { flowsNew: [aFlow('c'), again] })
      assert.deepEqual(await store.flowsOf(SHARD, NS, 'fulfilment', ['b', 'c']), [again, aFlow('c')])
    },
  },
  {
    name: 'flows: by standing, in the order of their keys, page by page, without the row of the monitor itself',
    async run({ store }) {
      await commitFirst(store, {
        flows: [
          aFlow(''),
          aFlow('c', { standing: 'overdue' }),
          aFlow('a', { standing: 'overdue' }),
          aFlow('b', { standing: 'complete' }),
          aFlow('d', { standing: 'broken' }),
          aFlow('e', { name: 'returns', standing: 'overdue' }),
          aFlow('f', { ns: 'other', standing: 'overdue' }),
        ],
      })
      assert.deepEqual(await keys(store, {}), ['a', 'b', 'c', 'd'])
      assert.deepEqual(await keys(store, { standing: 'overdue' }), ['a', 'c'])
      assert.deepEqual(await keys(store, { standing: 'complete' }), ['b'])
      assert.deepEqual(await keys(store, { limit: 2 }), ['a', 'b'])
      assert.deepEqual(await keys(store, { limit: 2, after: 'b' }), ['c', 'd'])
      assert.deepEqual(await keys(store, { standing: 'overdue', after: 'a' }), ['c'])
    },
  },
]
