// Bytes of one row of the journal change on the disk: the file is sound, the row is not. The run that it belongs to waits
// for a person, the others go on, and the file that the copy was made of is as it was.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, operation, service, signal, workflow } from '../../src/index.ts'
import { openForTest, until } from '../support/applications.ts'

const Go = signal('go', z.null())
const desk = service('desk', {
  take: operation({ input: z.string(), output: z.string(), run: (value) => value }),
})
const flow = workflow('flow', { input: z.string(), output: z.string(), signals: [Go] }, async (run, input) => {
  const made = await run.step('make', () => `made for ${input}`)
  const taken = await run.call(desk.take(made))
  await run.receive(Go)
  return taken
})
const definition = ballet({ services: [desk], workflows: [flow] })
const ids = ['first', 'second', 'third']

let folder: string
let whole: string
let copy: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-damaged-row-'))
  whole = join(folder, 'whole.db')
  copy = join(folder, 'copy.db')
  const app = await openForTest(definition, { store: `file:${whole}` })
  for (const id of ids) {
    await app.start(flow(id), { id })
    await until(app, null, async () => (await app.run(id))?.waits.some((wait) => wait.kind === 'receive'))
  }
  await app.close()
  copyFileSync(whole, copy)
})

afterEach(() => rmSync(folder, { recursive: true }))

/** Changes one byte of the copy, so many places after the first mention of a text in the journal. */
function flip(text: string, offset: number, change: (byte: number) => number): void {
  const bytes = readFileSync(copy)
  const at = bytes.indexOf(text) + offset
  expect(at).toBeGreaterThan(Math.max(0, offset))
  bytes[at] = change(bytes[at] ?? 0)
  writeFileSync(copy, bytes)
}

const delivered = '{"kind":"done","op":"make#0"'

test.each<[string, 'unreadable' | 'diverged', string, number, (byte: number) => number]>([
  ['a brace', 'unreadable', delivered, 0, (byte) => byte ^ 1],
  ['the kind of what was delivered', 'diverged', delivered, 9, (byte) => byte ^ 1],
  ['the operation that it answers', 'diverged', delivered, 22, (byte) => byte ^ 2],
  ['a byte that is no UTF-8 any more', 'diverged', delivered, 10, () => 0xff],
  ['a byte of nothing', 'unreadable', delivered, 9, () => 0],
  ['the line end before the payload', 'unreadable', '"made for second"\n[{"kind":"call"', -1, () => 0x20],
  [
    'a letter of a payload that a call was made of',
    'diverged',
    '"made for second"\n[{"kind":"call"',
    12,
    (byte) => byte ^ 1,
  ],
])('%s: %s', async (_what, reason, text, offset, change) => {
  flip(text, offset, change)
  const db = new DatabaseSync(copy)
  expect(Object.values(db.prepare('PRAGMA integrity_check').get() ?? {})).toEqual(['ok'])
  db.close()

  const app = await openForTest(definition, { store: `file:${copy}` })
  const stuck = await until(app, null, async () => {
    const { items } = await app.runs({ status: ['stuck'] })
    return items.length > 0 && items
  })
  expect(stuck).toHaveLength(1)
  expect(stuck[0]).toMatchObject({ reason })
  for (const id of ids.filter((one) => one !== stuck[0]?.id)) {
    await app.signal(id, Go(null))
    expect(await app.result(id)).toBe(`made for ${id}`)
  }
  await app.close()

  const sound = await openForTest(definition, { store: `file:${whole}` })
  for (const id of ids) {
    await sound.signal(id, Go(null))
    expect(await sound.result(id)).toBe(`made for ${id}`)
  }
})
