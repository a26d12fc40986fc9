// A backup that is put in the place of a store's file while the log of what was there before lies beside it: nothing is laid over
// it. And a log that is of its file is never taken for one that is not, in whatever moment its process was killed.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store, Tenure } from '../../core/store.ts'
import { anEvent, commitAfter, commitFirst } from '../../testing/store-rows.ts'
import { belongs, markAfter } from './mark.ts'
import { sqlite } from './sqlite-store.ts'

/** Behind one of them the log begins anew. */
const LARGE = 'x'.repeat(17_000_000)

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-mark-'))
  file = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const others = (path: string): readonly string[] => [`${path}-wal`, `${path}-shm`]
const mixed = { code: 'STORE_MIXED', details: { path: expect.stringContaining('.db') as string } }

/** Events one behind the other, each with a text of its own. */
async function grow(store: Store, tenure: Tenure, count: number, text: string): Promise<Tenure> {
  let now = tenure
  for (let step = 0; step < count; step++) {
    const pos = now.head + 1
    now = await commitAfter(store, now, {
      events: [anEvent(pos, { id: `e-${pos}`, data: JSON.stringify(`${pos}${text}`) })],
    })
  }
  return now
}

/** The files as a process that is killed now leaves them. */
function killed(at: string): string {
  mkdirSync(join(folder, at))
  const left = join(folder, at, 'store.db')
  copyFileSync(file, left)
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${left}-wal`)
  return left
}

async function eventsOf(path: string): Promise<number> {
  const store = sqlite({ file: path })
  try {
    await store.open()
    return (await store.events(0, { ns: 'default', limit: 1000 })).length
  } finally {
    await store.close()
  }
}

/** How, and what has to come behind it before its log is another. */
const waysToCopy: readonly (readonly [string, (to: string) => Promise<void>, string])[] = [
  [
    'by the online backup',
    async (to) => {
      const db = new DatabaseSync(file, { readOnly: true })
      await backup(db, to)
      db.close()
    },
    '',
  ],
  [
    'by VACUUM INTO',
    (to) => {
      const db = new DatabaseSync(file, { readOnly: true })
      db.exec(`VACUUM INTO '${to}'`)
      db.close()
      return Promise.resolve()
    },
    '',
  ],
  ['of the file alone, as it was when its process was started', (to) => Promise.resolve(copyFileSync(file, to)), LARGE],
]

describe.each(waysToCopy)('a copy that was made %s', (_how, copy, text) => {
  test('is not opened with the log of a process that was killed, and left as it is', async () => {
    const store = sqlite({ file })
    await store.open()
    const copied = join(folder, 'copy.db')
    await copy(copied)
    await grow(store, await commitFirst(store, {}), 1, text)
    const left = killed('later')
    await store.close()
    copyFileSync(copied, left)
    await expect(sqlite({ file: left }).open()).rejects.toMatchObject(mixed)
    await expect(sqlite({ file: left, readOnly: true }).open()).rejects.toMatchObject(mixed)
    expect(readFileSync(left)).toEqual(readFileSync(copied))
    for (const other of others(left)) rmSync(other, { force: true })
    expect(await eventsOf(left)).toBe(0)
  })

  test('ends a store over which it is put, at the next commit', async () => {
    const store = sqlite({ file })
    await store.open()
    const copied = join(folder, 'copy.db')
    await copy(copied)
    const tenure = await grow(store, await commitFirst(store, {}), 1, text)
    copyFileSync(copied, file)
    await expect(grow(store, tenure, 1, '')).rejects.toMatchObject(mixed)
    await store.close()
    expect(readFileSync(file)).toEqual(readFileSync(copied))
  })

  test('is left as it is by a store over which it is put, and that closes without another commit', async () => {
    const store = sqlite({ file })
    await store.open()
    const copied = join(folder, 'copy.db')
    await copy(copied)
    await grow(store, await commitFirst(store, {}), 1, text)
    copyFileSync(copied, file)
    await store.close()
    expect(readFileSync(file)).toEqual(readFileSync(copied))
    await expect(sqlite({ file }).open()).rejects.toMatchObject(mixed)
  })
})

test('a file that was replaced by a backup of an earlier life does not get the log of the one that was there', async () => {
  const store = sqlite({ file })
  await store.open()
  await grow(store, await commitFirst(store, {}), 1, '')
  await store.close()
  copyFileSync(file, join(folder, 'copy.db'))
  const later = sqlite({ file })
  await later.open()
  await grow(later, await later.acquire(0, 'test'), 1, '')
  const left = killed('later')
  await later.close()
  copyFileSync(join(folder, 'copy.db'), `${left}.new`)
  renameSync(`${left}.new`, left)
  await expect(sqlite({ file: left }).open()).rejects.toMatchObject(mixed)
})

test('a file that was moved away without its log finds it again, though a new store was begun in its place', async () => {
  const store = sqlite({ file })
  await store.open()
  await grow(store, await commitFirst(store, {}), 1, '')
  const left = killed('moved')
  await store.close()
  const away = `${left}.away`
  renameSync(left, away)
  expect(await eventsOf(left)).toBe(0)
  copyFileSync(`${left}-wal.left`, `${away}-wal`)
  expect(await eventsOf(away)).toBe(1)
})

test('whatever a process leaves when it is killed is opened, also when somebody reads while its log should begin anew', async () => {
  const store = sqlite({ file })
  await store.open()
  let tenure = await commitFirst(store, {})
  const reader = new DatabaseSync(file, { readOnly: true })
  for (let at = 0; at < 4; at++) {
    tenure = await grow(store, tenure, 1, LARGE)
    if (at === 0) reader.exec('BEGIN; SELECT count(*) FROM events')
    if (at === 2) reader.exec('COMMIT')
    expect(await eventsOf(killed(`at-${at}`))).toBe(at + 1)
  }
  reader.close()
  await store.close()
})

test('indexes that somebody makes by hand beside the store change nothing', async () => {
  const store = sqlite({ file })
  await store.open()
  const tenure = await commitFirst(store, {})
  const hand = new DatabaseSync(file)
  for (let count = 0; count < 30; count++) hand.exec(`CREATE INDEX mine_${count} ON timers (due)`)
  hand.close()
  const then = await grow(store, tenure, 1, LARGE)
  expect(await eventsOf(killed('later'))).toBe(1)
  await grow(store, then, 1, '')
  await store.close()
})

test.each([
  ['the same', 5, [5], true],
  ['the next', 5, [markAfter(5)], true],
  ['none', 5, [], true],
  ['one that was moved into the file', markAfter(5), [5, markAfter(5)], true],
  ['one that somebody counted up', 5, [6], true],
  ['the one behind the next', 5, [markAfter(markAfter(5))], false],
  ['the one before', markAfter(5), [5], false],
  ['one less', 6, [5], false],
  ['that of a store of before, beside a backup', 1, [32], false],
])('a log that begins with %s', (_what, mark, marks, is) => {
  expect(belongs(mark, marks)).toBe(is)
})
