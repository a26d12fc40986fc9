// What it costs to look at what lies aside where there are many shards: a statement for many of them.
import { expect, test, vi } from 'vitest'
import { plainCodec } from '../../src/core/codec.ts'
import { asidesOf } from '../../src/engine/aside.ts'
import { nodesOf } from '../../src/engine/nodes.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { Link } from '../../src/stores/postgres/link.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { anItem } from '../../src/testing/store-rows.ts'
import { newPlace } from './subject.ts'

test('the nodes of a store with 64 shards, in each of which something lies aside, are told in ten statements', async () => {
  const place = await newPlace()
  const store = postgres({ url: place.url('&shards=64&pool=4'), clock: systemClock })
  await store.open()
  const [refused = ''] = asidesOf('default')
  const lying = Array.from({ length: 64 }, (_, slot) =>
    store.post(slot, [anItem('p', { ns: refused, slot, kind: 'start', target: 'flow', data: '{}' })]),
  )
  await Promise.all(lying)
  // Every statement goes its way, and is counted.
  const sent = vi.spyOn(Link.prototype, 'send')
  try {
    const view = await nodesOf(store, null, { ns: 'default', codec: plainCodec })
    expect(view.aside).toMatchObject([{ rows: 64 }])
    // The nodes and the leases, and what lies in each of the two places, of 16 shards at a time.
    expect(sent).toHaveBeenCalledTimes(10)
  } finally {
    sent.mockRestore()
    await store.close()
    await place.drop()
  }
})
