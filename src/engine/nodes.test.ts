// What a store without leases says of its one node.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { plainCodec } from '../core/codec.ts'
import type { InboxItem } from '../core/store.ts'
import { sqlite } from '../stores/sqlite/sqlite-store.ts'
import { anItem, SHARD } from '../testing/store-rows.ts'
import { asidesOf } from './aside.ts'
import { nodesOf } from './nodes.ts'

const folder = mkdtempSync(join(tmpdir(), 'ballet-nodes-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('what lies in an inbox is counted in whatever namespace it is, also what was set aside', async () => {
  const store = sqlite({ file: join(folder, 'store.db') })
  await store.open()
  const namespaces = ['default', 'tenant', ...asidesOf('tenant')]
  await store.post(
    SHARD,
    namespaces.map((ns) => anItem('p', { ns })),
  )
  expect((await nodesOf(store, null, null)).shards).toMatchObject([{ waiting: 4 }])
  await store.close()
})

test('what lies aside is told by what it is, alike together and the oldest first, of all namespaces that are known', async () => {
  const store = sqlite({ file: join(folder, 'aside.db') })
  await store.open()
  await store.belongsTo('tenant', 'shop', null)
  const [refused = '', unread = ''] = asidesOf('tenant')
  const [default_ = ''] = asidesOf('default')
  const fact = (id: string, version: string): string => JSON.stringify({ type: 'paid', key: 'orderId:1', id, version })
  const item = (ns: string, at: number, kind: InboxItem['kind'], target: string, data: string): InboxItem =>
    anItem('p', { ns, at, kind, target, data })
  await store.post(SHARD, [
    item(refused, 5000, 'fact', 'orderId:1', fact('a', '7')),
    ...['b', 'c', 'd', 'e', 'f', 'g'].map((id, index) =>
      item(refused, 2000 + index, 'fact', 'orderId:1', fact(id, '8')),
    ),
    item(unread, 3000, 'start', 'checkout:1', 'scrambled'),
    item(unread, 4000, 'event', 'paid', 'scrambled'),
    item(default_, 1000, 'start', 'checkout:2', JSON.stringify({ call: 'checkout', id: 'checkout:2' })),
    // Of no application that is known here.
    item(asidesOf('stranger')[0] ?? '', 1, 'event', 'paid', '{}'),
    item('tenant', 1, 'event', 'paid', '{}'),
  ])
  const since = (ms: number): string => new Date(ms).toISOString()
  const [owned, itself] = [{ again: 'owned anew' }, { again: 'by itself', version: null, rows: 1 }] as const
  expect((await nodesOf(store, null, null)).aside).toEqual([
    { ...owned, kind: 'start', name: 'checkout', version: null, rows: 1, since: since(1000), ids: ['checkout:2'] },
    { ...owned, kind: 'fact', name: 'paid', version: '8', rows: 6, since: since(2000), ids: ['b', 'c', 'd', 'e', 'f'] },
    { ...itself, kind: 'start', name: null, since: since(3000), ids: ['checkout:1'] },
    { ...itself, kind: 'event', name: 'paid', since: since(4000), ids: ['paid'] },
    { ...owned, kind: 'fact', name: 'paid', version: '7', rows: 1, since: since(5000), ids: ['a'] },
  ])
  const one = await nodesOf(store, null, { ns: 'default', codec: plainCodec })
  expect(one.aside.map(({ ids }) => ids)).toEqual([['checkout:2']])
  await store.close()
})
