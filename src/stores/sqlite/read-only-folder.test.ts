// A store in a folder that may only be read: a backup that is mounted so, say. What can be done is said.
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { storeChecks } from '../../cli/store-checks.ts'
import { aTurn, commitFirst } from '../../testing/store-rows.ts'
import { openReader, openWriter } from './database.ts'
import { sqlite } from './sqlite-store.ts'

const NOBODY = 65_534
let folder: string
let file: string

/** As somebody who may read the folder, and not write in it: for root no folder is so. */
function asReader<T>(work: () => T): T {
  chmodSync(folder, 0o555)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(NOBODY)
  try {
    return work()
  } finally {
    if (isRoot) process.seteuid?.(0)
    chmodSync(folder, 0o755)
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-read-only-'))
  const origin = join(folder, 'origin.db')
  file = join(folder, 'store.db')
  const store = sqlite({ file: origin })
  await store.open()
  await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
  // As a process that was killed has left it, and as one that has ended has.
  for (const part of ['', '-wal']) cpSync(`${origin}${part}`, join(folder, `killed.db${part}`))
  await store.close()
  cpSync(origin, file)
  for (const name of ['store.db', 'killed.db', 'killed.db-wal']) chmodSync(join(folder, name), 0o644)
})
afterEach(() => rmSync(folder, { recursive: true }))

test.each(['store.db', 'killed.db'])('%s is not read, and what to do is said', (name) => {
  const path = join(folder, name)
  const refusal = { code: 'STORE_UNREADABLE', details: { path } }
  expect(() => asReader(() => openReader(path))).toThrow(expect.objectContaining(refusal))
  const wrong = asReader(() => storeChecks(path)).filter(({ verdict }) => verdict === 'wrong')
  expect(wrong).toMatchObject([{ todo: expect.stringMatching(/^Copy it, with its log/) as string }])
  // And that helps.
  openReader(path).close()
})

// Whoever puts a backup back as another user than the process's leaves such a file.
test('a file of another user is not written, and whose it is is said', () => {
  chmodSync(file, 0o444)
  const whose = new RegExp(`${file} belongs to the user \\d+, and this process, of the user \\d+, may not write it`)
  expect(() => asReader(() => openWriter(file))).toThrow(whose)
})
