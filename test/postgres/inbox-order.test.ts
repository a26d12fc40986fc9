// Events of one key that lie in an inbox while the network carries nothing: they come in their order when it does again.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, event } from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { guarded } from '../support/stores.ts'
import { openForTest, until } from '../support/applications.ts'
import { Proxy } from './proxy.ts'
import { connection } from './subject.ts'
import { placeForTest } from './two-versions.ts'

const Said = event('said', z.object({ k: z.string(), n: z.number() }), { key: 'k' })

test('events of a transaction whose names cannot be looked up for two reads keep their order, and the node goes on', async () => {
  const place = await placeForTest()
  const proxy = await Proxy.before(place.url())
  try {
    const real = postgres({ url: proxy.url(place.url('&deadline=1&patience=0')), clock: systemClock })
    let away = 0
    const store = guarded(real, 'claims', async (pass) => {
      if (away > 0) proxy.deafen(true)
      try {
        return await pass()
      } finally {
        // The second read fails as well, and the network is back behind it.
        if (away > 0 && --away === 0) proxy.deafen(false)
      }
    })
    const app = await openForTest(ballet({ name: 'shop', services: [], events: [Said] }), { store })
    const sql = await connection()
    const ids = ['e0', 'e1', 'e2', 'e3']
    await sql.begin(async (tx) => {
      for (const [n, id] of ids.entries()) await app.publish(Said({ k: 'a', n }), { id, tx })
      away = 2
    })
    const items = await until(app, null, async () => {
      const found = (await app.events({ key: 'k:a' }).catch(() => ({ items: [] }))).items
      return found.length === ids.length && found
    })
    expect(items.map(({ id }) => id)).toEqual(ids)
    await app.close()
    expect(await app.stopped).toBeNull()
  } finally {
    await proxy.close()
  }
})
