// An application under another name, while nodes of the one that has the store are there: it is refused, and they keep their name.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, workflow } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { connection } from './subject.ts'
import { placeForTest } from './two-versions.ts'

const flow = workflow('flow', { input: z.null(), output: z.string() }, async () => 'done')
const named = (name: string) => ballet({ name, services: [], workflows: [flow] })
const locked = { code: 'STORE_LOCKED', message: expect.stringContaining('the application "shop" at ') }

test.each([1, 8])(
  'a node under a new name is refused while those of the old one live, of %i shards',
  async (shards) => {
    const store = (await placeForTest()).url(`&shards=${shards}&lease=2&pool=4`)
    const old = await openForTest(named('shop'), { store })
    await expect(openForTest(named('store'), { store, renamedFrom: 'shop' })).rejects.toMatchObject(locked)
    // One that starts anew is none of another application.
    const again = await openForTest(named('shop'), { store })
    await old.close()
    await again.close()
    const renamed = await openForTest(named('store'), { store, renamedFrom: 'shop' })
    const { id } = await renamed.start(flow(null))
    expect(await renamed.result(id)).toBe('done')
    await expect(openForTest(named('shop'), { store })).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('the application "store" at '),
    })
    await renamed.close()
    await expect(openForTest(named('shop'), { store })).rejects.toMatchObject({ code: 'STORE_OF_ANOTHER' })
  },
)

test('another application does not take a store of an earlier layout from nodes that are there', async () => {
  const place = await placeForTest()
  const store = place.url('&shards=8&lease=2&pool=4')
  const old = await openForTest(named('shop'), { store })
  // Of before, when it was not written down whose it is.
  const sql = await connection()
  await sql.unsafe(`DELETE FROM ${place.schema}.applications`)
  await expect(openForTest(named('crm'), { store })).rejects.toMatchObject(locked)
  await old.close()
  await (await openForTest(named('shop'), { store })).close()
})
