// What a store without leases says of its one node.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
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
  expect((await nodesOf(store, null)).shards).toMatchObject([{ waiting: 4 }])
  await store.close()
})
