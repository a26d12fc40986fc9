// Schedules of a store that two nodes share: each time is fired by one of them, also when the one that has the schedule goes.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, open, schedule, workflow, type Application } from '../../src/index.ts'
import { until } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const work = workflow('work', { input: z.string(), output: z.string() }, async (_, at) => Promise.resolve(at))
const definition = ballet({
  services: [],
  workflows: [work],
  schedules: ['one', 'two', 'three'].map((name) =>
    schedule(name, { every: '1s', overlap: 'allow', catchUp: 'all', call: ({ at }) => work(`${name} ${at}`) }),
  ),
})
const log = { info() {}, warn() {}, error() {} }

const fired = async (app: Application): Promise<readonly string[]> => {
  const { items } = await app.runs({ name: 'work', limit: 1000 })
  return items.map(({ input }) => input as string).toSorted()
}

/** Until each schedule has fired so often. */
const untilFired = (app: Application, times: number): Promise<boolean> =>
  until(app, null, async () => {
    const runs = await fired(app)
    return ['one', 'two', 'three'].every((name) => runs.filter((run) => run.startsWith(`${name} `)).length >= times)
  })

test('every time once, on either node, before and after one of them is gone', async () => {
  const place = await newPlace()
  const node = () => open(definition, { store: place.url('&shards=4'), log, graceMs: 0 })
  const first = await node()
  await untilFired(first, 1)
  const second = await node()
  await second.pause('two', { by: 'ana' })
  // It may be in the middle of a firing.
  const paused = await until(first, null, async () => (await first.schedule('two')).paused ?? undefined)
  expect(paused).toMatchObject({ by: 'ana' })
  await first.resume('two')
  await untilFired(second, 3)
  await first.close()
  const before = (await fired(second)).length
  await untilFired(second, Math.ceil(before / 3) + 2)
  const runs = await fired(second)
  const { items } = await second.runs({ name: 'work', limit: 1000 })
  for (const { id, input } of items) {
    const [name, at = ''] = (input as string).split(' ')
    expect(id).toBe(`${name}@${at.replaceAll(/[-:]|\.000/g, '')}`)
  }
  // Without a gap, but for the one that was paused.
  for (const name of ['one', 'three']) {
    const times = runs.filter((run) => run.startsWith(`${name} `)).map((run) => Date.parse(run.slice(name.length + 1)))
    expect(times.map((time, index) => time - (times[0] ?? 0) - index * 1000).every((gap) => gap === 0)).toBe(true)
  }
  await second.close()
  await place.drop()
})
