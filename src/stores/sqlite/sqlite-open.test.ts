import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BalletError } from '../../core/errors.ts'
import { SCHEMA_VERSION, type Store } from '../../core/store.ts'
import { NS, SHARD, aTurn, anEvent, anItem, batchAfter, commitAfter, commitFirst } from '../../testing/store-rows.ts'
import { APPLICATION_ID } from './layout.ts'
import { sqlite, type SqliteOptions } from './sqlite-store.ts'

let folder: string
let file: string
const made: Store[] = []

function make(options: Partial<SqliteOptions> = {}): Store {
  const store = sqlite({ file, ...options })
  made.push(store)
  return store
}

async function opened(options: Partial<SqliteOptions> = {}): Promise<Store> {
  const store = make(options)
  await store.open()
  return store
}

async function refusal(store: Store): Promise<BalletError> {
  const error: unknown = await store.open().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(BalletError)
  return error as BalletError
}

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-open-'))
  file = join(folder, 'store.db')
})

afterEach(async () => {
  for (const store of made.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

describe('a new store', () => {
  test('is made with its folders, for its owner alone', async () => {
    file = join(folder, 'a', 'b', 'store.db')
    await opened()
    expect([mode(join(folder, 'a')), mode(join(folder, 'a', 'b'))]).toEqual(['700', '700'])
    for (const name of readdirSync(join(folder, 'a', 'b'))) {
      expect([name, mode(join(folder, 'a', 'b', name))]).toEqual([name, '600'])
    }
  })

  test('closes into one file, its lock and its reserve', async () => {
    const store = await opened()
    await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
    await store.close()
    expect(readdirSync(folder).toSorted()).toEqual(['store.db', 'store.db.lock', 'store.db.reserve'])
  })

  test('takes the place of an empty file, and of what a killed process left half made', async () => {
    writeFileSync(file, '')
    writeFileSync(`${file}.new`, 'half')
    writeFileSync(`${file}-wal`, 'a log without its file')
    writeFileSync(`${file}-wal.left`, 'another that was kept')
    const store = await opened()
    await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
    await store.close()
    const left = ['store.db-wal.left', 'store.db-wal.left-2']
    expect(readdirSync(folder).toSorted()).toEqual(['store.db', ...left, 'store.db.lock', 'store.db.reserve'])
    expect(left.map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual([
      'another that was kept',
      'a log without its file',
    ])
  })
})

describe('what is not a store is refused and left as it is', () => {
  /** What the refusal says, or that the file or its folder has changed. */
  async function refusedUntouched(readOnly: boolean): Promise<string> {
    const before = readFileSync(file)
    const beside = readdirSync(folder).join()
    const { code, message } = await refusal(make({ readOnly }))
    const same = readFileSync(file).equals(before) && readdirSync(folder).join() === beside
    return same ? `${code}: ${message}` : 'changed'
  }

  describe.each([{ readOnly: false }, { readOnly: true }])('readOnly: $readOnly', ({ readOnly }) => {
    test.each(['x', 'not a database', 'SQLite format 3\0 and then nothing', 'x'.repeat(100_000)])(
      '%#',
      async (text) => {
        writeFileSync(file, text)
        expect(await refusedUntouched(readOnly)).toMatch(/STORE_FOREIGN.*not a Ballet store/)
      },
    )

    test('an SQLite file of another application, in any journal mode', async () => {
      for (const journal of ['delete', 'wal']) {
        rmSync(file, { force: true })
        const db = new DatabaseSync(file)
        db.exec(`PRAGMA journal_mode = ${journal}; CREATE TABLE t (a); INSERT INTO t VALUES (1)`)
        db.close()
        expect(await refusedUntouched(readOnly)).toMatch(/STORE_FOREIGN.*it is another SQLite database/)
      }
    })

    test('a layout of a newer version, also one that stands in the log alone', async () => {
      const db = new DatabaseSync(file)
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1; PRAGMA journal_mode = wal`)
      db.close()
      const writer = new DatabaseSync(file)
      writer.exec('PRAGMA user_version = 7')
      expect(await refusedUntouched(readOnly)).toContain(`(layout 7, this one knows ${SCHEMA_VERSION})`)
      writer.close()
      expect(await refusedUntouched(readOnly)).toContain(`(layout 7, this one knows ${SCHEMA_VERSION})`)
    })

    test('a folder', async () => {
      mkdirSync(file)
      expect(await refusal(make({ readOnly }))).toMatchObject({ code: 'STORE_FOREIGN' })
      expect(readdirSync(folder)).toEqual(['store.db'])
    })
  })

  test('a path that cannot be written', async () => {
    writeFileSync(join(folder, 'plain'), 'a file')
    const error = await refusal(make({ file: join(folder, 'plain', 'deeper', 'store.db') }))
    expect(error).toMatchObject({ code: 'STORE_FAILED' })
    expect(readFileSync(join(folder, 'plain'), 'utf8')).toBe('a file')
  })
})

describe('a store that is in use', () => {
  test('is refused within the process too, whatever link leads to it', async () => {
    const first = await opened()
    const link = join(folder, 'link')
    symlinkSync(folder, link)
    expect(await refusal(make())).toMatchObject({ code: 'STORE_LOCKED' })
    expect(await refusal(make({ file: join(link, 'store.db') }))).toMatchObject({ code: 'STORE_LOCKED' })
    // What was refused has not taken the lock of the first.
    expect(await refusal(make())).toMatchObject({ code: 'STORE_LOCKED' })
    await commitFirst(first, { journal: [aTurn(1, 1, 0)] })
  })

  test('says where its process is, when a note about it is beside', async () => {
    await opened()
    const locked = async (): Promise<string> => (await refusal(make())).message
    expect(await locked()).toBe(`The store ${file} is in use by another process.`)
    const note = join(folder, 'process.json')
    writeFileSync(note, JSON.stringify({ pid: 123, url: 'http://127.0.0.1:4400', store: file }))
    expect(await locked()).toContain('another process (pid 123, http://127.0.0.1:4400).')
    writeFileSync(note, JSON.stringify({ pid: 123, url: 'http://127.0.0.1:4400', store: join(folder, 'other.db') }))
    expect(await locked()).toContain('another process.')
    writeFileSync(note, JSON.stringify({ pid: 123 }))
    expect(await locked()).toContain('another process (pid 123).')
    writeFileSync(note, 'not JSON')
    expect(await locked()).toContain('another process.')
  })

  test('can be opened as soon as it is closed, by a store that was refused', async () => {
    const first = await opened()
    const second = make()
    expect(await refusal(second)).toMatchObject({ code: 'STORE_LOCKED' })
    const { id } = await first.info()
    await first.close()
    expect((await second.open()).id).toBe(id)
  })
})

describe('read only', () => {
  test('a store that is not there is missing, and nothing is made', async () => {
    file = join(folder, 'deeper', 'store.db')
    expect(await refusal(make({ readOnly: true }))).toMatchObject({ code: 'STORE_MISSING' })
    expect(readdirSync(folder)).toEqual([])
  })

  test('sees what a writer commits, and refuses to write', async () => {
    const writer = await opened()
    const first = await commitFirst(writer, { events: [anEvent(1)] })
    const reader = await opened({ readOnly: true })
    expect(await reader.info()).toEqual(await writer.info())
    expect(await reader.events(SHARD, { ns: NS, limit: 10 })).toEqual([anEvent(1)])
    const second = await commitAfter(writer, first, { events: [anEvent(2)] })
    expect(await reader.events(SHARD, { ns: NS, limit: 10 })).toHaveLength(2)
    expect(await reader.tenure(SHARD)).toEqual(second)
    const readOnly = { code: 'STORE_READ_ONLY' }
    await expect(reader.acquire(SHARD, 'x')).rejects.toMatchObject(readOnly)
    await expect(reader.post(SHARD, [anItem('x')])).rejects.toMatchObject(readOnly)
    await expect(reader.commit(batchAfter(second, {}))).rejects.toMatchObject(readOnly)
    await reader.close()
    await expect(reader.info()).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await commitAfter(writer, second, { events: [anEvent(3)] })
  })

  test('works without a writer, and leaves the way free for one', async () => {
    const writer = await opened()
    await commitFirst(writer, { journal: [aTurn(1, 1, 0)] })
    await writer.close()
    const reader = await opened({ readOnly: true })
    expect(await reader.journal(SHARD, 1, -1, 10)).toEqual([aTurn(1, 1, 0)])
    const next = await opened()
    await commitAfter(next, await next.acquire(SHARD, 'next'), { journal: [aTurn(2, 1, 1)] })
    expect(await reader.journal(SHARD, 1, -1, 10)).toHaveLength(2)
  })
})

test('a store where the system takes no folder is refused', async () => {
  // To Node's own making of a whole path there is no end below /proc.
  file = '/proc/ballet-open/deep/store.db'
  expect(await refusal(make())).toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining('mkdir') as string,
  })
})

test('a store is not usable before it is open', async () => {
  await expect(make().info()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(existsSync(file)).toBe(false)
})

test('closing while it opens ends with a closed store and a free lock', async () => {
  const store = make()
  const opening = store.open().catch(() => undefined)
  await store.close()
  await opening
  await expect(store.info()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await opened()
})
