// Pages of large rows end early, so that no answer keeps everybody else waiting; cursors lead through all of them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import type { Page } from '../core/views.ts'
import { ballet, event, memory, operation, service, workflow, type Application } from '../index.ts'
import { readPage, type RowSource } from './pages.ts'

const rows = (sizes: readonly number[]): { source: RowSource<[number, number]>; counts: number[] } => {
  const counts: number[] = []
  const all = sizes.map((size, at): [number, number] => [at + 1, size])
  return {
    counts,
    source: {
      read: (from = 0, count) => {
        counts.push(count)
        return Promise.resolve(all.slice(from, from + count))
      },
      place: ([at]) => at,
      payloads: ([, size]) => ['x'.repeat(size), null],
    },
  }
}
const fill = (count: number, size: number): number[] => Array.from({ length: count }, () => size)

describe('a page', () => {
  it.each<[string, number[], number, number, number, number | undefined]>([
    ['of nothing', [], 10, 100, 0, undefined],
    ['that is not full', fill(3, 1), 10, 100, 3, undefined],
    ['that is just full', fill(10, 1), 10, 100, 10, undefined],
    ['with one row more', fill(11, 1), 10, 100, 10, 10],
    ['of many rows', fill(3000, 1), 1000, 1e6, 1000, 1000],
    ['that ends by its size', fill(11, 50), 10, 100, 2, 2],
    ['whose last row brings it past its size', [90, 90, 90], 10, 100, 2, 2],
    ['of one row that is too large', [500, 1], 10, 100, 1, 1],
    ['that ends with the last row', [500], 10, 100, 1, undefined],
  ])('%s', async (_name, sizes, limit, size, length, next) => {
    const page = await readPage(rows(sizes).source, undefined, limit, size)
    expect([page.rows.length, page.next]).toEqual([length, next])
  })

  it('goes on where the one before ended, to the end', async () => {
    const { source } = rows([...fill(40, 1), ...fill(40, 60), 1])
    const seen: number[] = []
    for (let from: number | undefined; ;) {
      const page = await readPage(source, from, 30, 100)
      seen.push(...page.rows.map(([at]) => at))
      if (page.next === undefined) break
      from = page.next
    }
    expect(seen).toEqual(Array.from({ length: 81 }, (_, at) => at + 1))
  })

  it('reads few rows at first, and never many more than it needs', async () => {
    const { source, counts } = rows(fill(2000, 1))
    await readPage(source, undefined, 1000, 1e6)
    expect(counts).toEqual([16, 32, 64, 128, 256, 256, 249])
    const large = rows(fill(2000, 100))
    await readPage(large.source, undefined, 1000, 100)
    expect(large.counts).toEqual([16])
  })
})

describe('lists of an application', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-pages-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const LARGE = 'x'.repeat(400_000)
  const Noted = event('note.taken', z.object({ noteId: z.string(), text: z.string() }), { key: 'noteId' })
  const desk = service('desk', {
    echo: operation({ input: z.string(), output: z.string(), run: (text) => text }),
  })

  async function all<Item>(page: (cursor: string | undefined) => Promise<Page<Item> | null>): Promise<number[]> {
    const lengths: number[] = []
    for (let cursor: string | undefined; ;) {
      const found = await page(cursor)
      lengths.push(found?.items.length ?? 0)
      if (found?.cursor === undefined) return lengths
      cursor = found.cursor
    }
  }

  const filled = async (): Promise<Application> => {
    const app = await openForTest(ballet({ services: [desk], events: [Noted] }), {
      store: `file:${join(folder, 'pages.db')}`,
    })
    for (let at = 0; at < 7; at++) {
      await app.start(desk.echo(LARGE), { id: `r${at}` })
      await app.result(`r${at}`)
      await app.publish(Noted({ noteId: 'n', text: LARGE }))
    }
    return app
  }

  it('have as many items as their size allows, and all of them in the end', async () => {
    const app = await filled()
    // Input and output of a run are 0.8 MB.
    expect(await all((cursor) => app.runs({ cursor }))).toEqual([2, 2, 2, 1])
    expect(await all((cursor) => app.events({ cursor }))).toEqual([3, 3, 1])
    expect(await all((cursor) => app.journal('r0', cursor === undefined ? {} : { cursor }))).toEqual([1])
    const key = await app.key('noteId', 'n')
    expect([key.runs.length, key.events.length, key.cursor]).toEqual([0, 7, undefined])
    for (let at = 0; at < 7; at++) await app.publish(Noted({ noteId: 'n', text: LARGE }))
    const more = await app.key('noteId', 'n')
    // What is left comes with the cursor, each once.
    const rest = await app.key('noteId', 'n', more.cursor)
    const ids = [...more.events, ...rest.events].map(({ id }) => id)
    expect([more.events.length, new Set(ids).size, rest.runs, rest.cursor]).toEqual([11, 14, [], undefined])
    for (const cursor of ['x', '1', '1-2-3', '-1-1', 'a-b'])
      await expect(app.graph('run:r0', cursor)).rejects.toMatchObject({ code: 'QUERY_INVALID' })
  })
})

it('a list of runs names their parents, and reads each name once and no row', async () => {
  const asked: string[] = []
  const store = guarded(
    guarded(memory(), 'run', (pass) => (asked.push('row'), pass())),
    'runNames',
    (pass) => (asked.push('name'), pass()),
  )
  const child = workflow('child', { input: z.number(), output: z.number() }, async (_run, n) => n)
  const parent = workflow('parent', { input: z.string(), output: z.number() }, async (run) => {
    const all = await Promise.all([1, 2, 3].map((n) => run.call(child(n))))
    return all.length
  })
  const app = await openForTest(ballet({ services: [], workflows: [child, parent] }), { store })
  for (const id of ['p', 'q']) await app.start(parent('x'), { id })
  for (const id of ['p', 'q']) await app.result(id)
  asked.length = 0
  const { items } = await app.runs({ name: 'child' })
  expect(items.map((one) => one.parent).toSorted()).toEqual(['p', 'p', 'p', 'q', 'q', 'q'])
  expect(asked).toEqual(['name', 'name'])
})
