// Two applications that begin on one store in the same moment: each has looked before the other was there, and one of them is refused.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, workflow } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { connection } from './subject.ts'
import { placeForTest } from './two-versions.ts'

const flow = workflow('flow', { input: z.null(), output: z.string() }, async () => 'done')

test.each([1, 8])(
  'of two applications that begin at once one is refused, and the other carries what it is given, of %i shards',
  async (shards) => {
    const place = await placeForTest()
    const open = (name: string) =>
      openForTest(ballet({ name, services: [], workflows: [flow] }), {
        store: place.url(`&shards=${shards}&lease=6&pool=4`),
        namespace: name,
      })
    // The tables are there, so that nothing but the joining is under way.
    await (await open('first')).close()
    const sql = await connection()
    let opening: Promise<PromiseSettledResult<Awaited<ReturnType<typeof open>>>[]> | undefined
    await sql.begin(async (tx) => {
      // Both have looked when they wait for this, and neither is there.
      await tx.unsafe(`LOCK TABLE ${place.schema}.nodes IN SHARE MODE`)
      opening = Promise.allSettled([open('one'), open('two')])
      const waiting = `SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted AND relation = '${place.schema}.nodes'::regclass`
      while ((await tx.unsafe(waiting))[0]?.['count'] !== 2);
    })
    const both = (await opening) ?? []
    const [opened, ...others] = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(others).toEqual([])
    expect(both).toContainEqual({
      status: 'rejected',
      reason: expect.objectContaining({
        code: 'STORE_LOCKED',
        message: expect.stringMatching(/: the application "(one|two)\/\1" at /),
      }),
    })
    expect((await opened?.nodes())?.nodes).toHaveLength(1)
    const { id = '' } = (await opened?.start(flow(null))) ?? {}
    expect(await opened?.result(id)).toBe('done')
  },
)
