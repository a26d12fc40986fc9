// What somebody may still ask for is not forgotten, on files: a run that waits for another, frozen or not, gets its answer
// however long that takes. One whose answer is gone all the same says so.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { ballet, signal, sqlite, workflow, type Application, type OpenOptions } from '../index.ts'

const Go = signal('go', z.null())
const output = z.string()

let file: string
let clock: SteppedClock
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'ballet-retention-')), 'app.db')
  clock = new SteppedClock()
})
afterEach(() => rmSync(join(file, '..'), { recursive: true }))

/** A parent that asks for its child's end only when it is told to; `as` says what its code is like. */
function family(as: { code: 'sound' | 'throws' | 'differs' }) {
  const child = workflow('child', { input: z.number(), output }, async (_run, n) => `child ${n}`)
  const wait = workflow('wait', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
    return (await run.receive(Go)).data
  })
  const parent = workflow('parent', { input: z.null(), output, signals: [Go] }, async (run) => {
    if (as.code === 'differs') await run.step('new', () => null)
    const started = run.start(child(1))
    await run.receive(Go)
    if (as.code === 'throws') throw new RangeError('a bug')
    return started.result()
  })
  const loop = workflow('loop', { input: z.number(), output, signals: [Go] }, async (run, n) => {
    const started = run.start(child(n))
    await run.receive(Go)
    return n < 2 ? run.continueAs(n + 1) : started.result()
  })
  return { definition: ballet({ services: [], workflows: [child, wait, parent, loop] }), child, wait, parent, loop }
}

const openWith = (as: Parameters<typeof family>[0], options: OpenOptions = {}): Promise<Application> =>
  openForTest(family(as).definition, { store: sqlite({ file }), clock, retention: { runs: '100s' }, ...options })

const idsOf = async (app: Application): Promise<readonly string[]> =>
  (await app.runs()).items.map(({ id }) => id).toSorted()

/** Lets time pass until the run `id`, which ended before, is forgotten. */
async function forgotten(app: Application, id: string): Promise<void> {
  while ((await idsOf(app)).includes(id)) clock.pass(500)
}

const isStuck = (app: Application, id: string, reason: string): Promise<unknown> =>
  until(app, null, async () => (await app.run(id))?.reason === reason)

function change(sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

/** Freezes the parent, and says how it is brought back. */
const frozen = {
  async threw(as: Parameters<typeof family>[0], app: Application): Promise<Application> {
    as.code = 'throws'
    await app.signal('p', Go(null))
    await isStuck(app, 'p', 'threw')
    return app
  },
  async diverged(as: Parameters<typeof family>[0], app: Application): Promise<Application> {
    await app.close()
    as.code = 'differs'
    const again = await openWith(as)
    await isStuck(again, 'p', 'diverged')
    await again.signal('p', Go(null))
    return again
  },
  async poisoned(as: Parameters<typeof family>[0], app: Application): Promise<Application> {
    await app.close()
    change(`UPDATE runs SET status = 'stuck', reason = 'poisoned' WHERE id = 'p'`)
    const again = await openWith(as)
    await again.signal('p', Go(null))
    return again
  },
}

test.each(['threw', 'diverged', 'poisoned'] as const)(
  'the end of a child is kept while its parent is frozen (%s), for as long as that takes',
  async (reason) => {
    const as: Parameters<typeof family>[0] = { code: 'sound' }
    const { parent, child } = family(as)
    const first = await openWith(as)
    await first.start(parent(null), { id: 'p' })
    expect(await first.result('p~child.0')).toBe('child 1')
    const app = await frozen[reason](as, first)
    await app.start(child(2), { id: 'other' })
    await app.result('other')
    await forgotten(app, 'other')
    expect(await idsOf(app)).toEqual(['p', 'p~child.0'])
    await app.close()
    as.code = 'sound'
    const last = await openWith(as)
    if (reason === 'poisoned') await last.retry('p')
    expect(await last.result('p')).toBe('child 1')
  },
)

test('children of generations that are over are forgotten; that of the present one is kept', async () => {
  const { loop } = family({ code: 'sound' })
  const app = await openWith({ code: 'sound' })
  await app.start(loop(0), { id: 'l' })
  for (const id of ['l~child.0', 'l~1~child.0']) {
    await app.result(id)
    await app.signal('l', Go(null))
    await until(app, null, async () => (await app.run('l'))?.waits.some(({ kind }) => kind === 'receive'))
  }
  await app.result('l~2~child.0')
  await forgotten(app, 'l~1~child.0')
  await forgotten(app, 'l~child.0')
  expect(await idsOf(app)).toEqual(['l', 'l~2~child.0'])
  await app.signal('l', Go(null))
  expect(await app.result('l')).toBe('child 2')
})

test('a run on disk whose child is gone from the store is brought back, and says what is missing', async () => {
  const { parent, wait } = family({ code: 'sound' })
  const first = await openWith({ code: 'sound' })
  await first.start(parent(null), { id: 'p' })
  await first.result('p~child.0')
  await first.close()
  change(`DELETE FROM runs WHERE id = 'p~child.0'; DELETE FROM claims WHERE id = 'p~child.0'`)
  const asked = gate()
  const crowded = gate()
  const store = guarded(sqlite({ file }), 'claims', async (pass, _shard, _ns, _space, ids) => {
    if (ids.includes('p~child.0')) {
      asked.open()
      await crowded.promise
    }
    return pass()
  })
  const app = await openWith({ code: 'sound' }, { store, liveRuns: 1 })
  await app.signal('p', Go(null))
  await asked.promise
  // It leaves memory while it is looked how the child ended.
  for (let n = 0; n < 3; n++) await app.start(wait(null))
  crowded.open()
  await isStuck(app, 'p', 'threw')
  expect((await app.run('p'))?.error?.message).toContain('p~child.0')
  await app.fail('p', { error: { message: 'lost' } })
  expect(await app.run('p')).toMatchObject({ status: 'failed' })
})
