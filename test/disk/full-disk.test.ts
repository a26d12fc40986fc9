// The SQLite store on a disk that is really full: what does not fit is refused whole, reads go on, what is urgent is
// written in the reserve, and everything goes on by itself when there is space again.
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import type { Batch, Store, Tenure } from '../../src/core/store.ts'
import { openWriter } from '../../src/stores/sqlite/database.ts'
import { RESERVE_BYTES, Reserve, reservePath } from '../../src/stores/sqlite/reserve.ts'
import { Room } from '../../src/stores/sqlite/room.ts'
import { Session } from '../../src/stores/sqlite/session.ts'
import { sqlite } from '../../src/stores/sqlite/sqlite-store.ts'
import { batchStatements } from '../../src/stores/sql/statements.ts'
import { NS, SHARD, aRun, aTurn, anItem, batchAfter, commitAfter } from '../../src/testing/store-rows.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'

const KIB = 1_024
/** Of the log: a page with its head. */
const FRAME = 4_096 + 24
let disk: SmallDisk
const stores: Store[] = []

function onDisk(context: TestContext, mib: number): string {
  const mounted = mountSmallDisk(mib)
  context.skip(mounted === undefined, 'a small disk (tmpfs) cannot be mounted here: that needs root')
  if (mounted === undefined) return ''
  disk = mounted
  onTestFinished(async () => {
    for (const store of stores.splice(0)) await store.close()
    mounted.unmount()
  })
  return join(mounted.folder, 'store.db')
}

async function opened(file: string): Promise<Store> {
  const store = sqlite({ file })
  stores.push(store)
  await store.open()
  return store
}

/** One turn that follows a tenure. */
const aCommit = (tenure: Tenure, size: number, part: Partial<Batch> = {}): Batch =>
  batchAfter(tenure, { journal: [aTurn(tenure.head + 1, 1, tenure.head, { data: 'x'.repeat(size) })], ...part })

const seqs = async (store: Store): Promise<number[]> =>
  (await store.journal(SHARD, 1, -1, 10_000)).map((row) => row.seq)
const upTo = (head: number): number[] => Array.from({ length: head }, (_, seq) => seq)

/** Commits turns of a size until one is refused: where it stands then, and the refusal. */
async function untilRefused(
  store: Store,
  tenure: Tenure,
  size: number,
  urgent = false,
): Promise<{ readonly at: Tenure; readonly refusal: unknown }> {
  for (let at = tenure; ;) {
    const batch = aCommit(at, size, { urgent })
    const refusal: unknown = await store.commit(batch).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal !== undefined) return { at, refusal }
    at = { ...at, head: batch.head }
  }
}

function integrity(file: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    return Object.values(db.prepare('PRAGMA integrity_check').get() ?? {})[0]
  } finally {
    db.close()
  }
}

test('F7: a batch that does not fit on the disk: it is refused whole, reads go on, and so do commits when there is space again', async (context) => {
  const file = onDisk(context, 24)
  const store = await opened(file)
  const first = await commitAfter(store, await store.acquire(SHARD, 'one'), { runs: [aRun(1)] })
  disk.fill(64 * KIB)
  const { at: full, refusal } = await untilRefused(store, first, 8 * KIB)
  expect(refusal).toMatchObject({ code: 'STORE_FULL', status: 507, family: 'retry' })
  const large = batchAfter(full, {
    runs: [aRun(full.head + 1)],
    journal: [aTurn(full.head + 2, 9, 0, { data: 'x'.repeat(2_000_000) })],
  })
  await expect(store.commit(large)).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect(await store.tenure(SHARD)).toEqual(full)
  expect(await store.runs(SHARD, { ns: NS, limit: 10 })).toEqual([aRun(1)])
  expect(await seqs(store)).toEqual(upTo(full.head).slice(1))
  expect(await store.hasRoom()).toBe(false)
  disk.clear()
  expect(await store.hasRoom()).toBe(true)
  await store.commit(large)
  const after = await commitAfter(
    store,
    { ...full, head: large.head },
    { journal: [aTurn(large.head + 1, 1, large.head)] },
  )
  expect(await store.tenure(SHARD)).toEqual(after)
  await store.close()
  expect(integrity(file)).toBe('ok')
})

test('what is urgent is written in the reserve, and nothing else until there is space for a reserve again', async (context) => {
  const file = onDisk(context, 24)
  const store = await opened(file)
  const held = statSync(reservePath(file))
  expect([held.size, held.blocks * 512, held.mode & 0o777]).toEqual([RESERVE_BYTES, RESERVE_BYTES, 0o600])
  const first = await commitAfter(store, await store.acquire(SHARD, 'one'), { runs: [aRun(1)] })
  disk.fill()
  let { at } = await untilRefused(store, first, 8 * KIB)
  await expect(store.post(SHARD, [anItem('start', { kind: 'start', data: 'x'.repeat(30_000) })])).rejects.toMatchObject(
    { code: 'STORE_FULL' },
  )
  expect(statSync(reservePath(file)).size).toBe(RESERVE_BYTES)

  // A small commit is about six pages of the log.
  for (let count = 0; count < 100; count++) at = await commitAfter(store, at, aCommit(at, 200, { urgent: true }))
  expect(statSync(reservePath(file)).size).toBe(0)
  await expect(store.commit(aCommit(at, 1))).rejects.toMatchObject({ code: 'STORE_FULL' })
  await expect(store.post(SHARD, [anItem('start', { kind: 'start' })])).rejects.toMatchObject({ code: 'STORE_FULL' })
  await store.post(SHARD, [anItem('signal')])
  expect(await store.hasRoom()).toBe(false)
  expect(await seqs(store)).toEqual(upTo(at.head).slice(1))

  disk.clear()
  at = await commitAfter(store, at, aCommit(at, 1))
  expect(statSync(reservePath(file)).size).toBe(RESERVE_BYTES)
  expect(await store.hasRoom()).toBe(true)
  await store.close()
  expect(integrity(file)).toBe('ok')
})

test('a reserve that is used up refuses what is urgent too, and loses nothing', async (context) => {
  const file = onDisk(context, 24)
  const store = await opened(file)
  const first = await store.acquire(SHARD, 'one')
  disk.fill()
  const { at, refusal } = await untilRefused(store, first, 20_000, true)
  expect(refusal).toMatchObject({ code: 'STORE_FULL' })
  expect(at.head * 20_000).toBeGreaterThan(RESERVE_BYTES / 2)
  expect(await store.tenure(SHARD)).toEqual(at)
  expect(await seqs(store)).toEqual(upTo(at.head))
  disk.clear()
  const after = await commitAfter(store, at, aCommit(at, 20_000))
  expect(await seqs(store)).toEqual(upTo(after.head))
})

test('F7: a store on a full disk: it is opened and taken over', async (context) => {
  const file = onDisk(context, 24)
  const before = await opened(file)
  const tenure = await commitAfter(before, await before.acquire(SHARD, 'one'), { runs: [aRun(1)] })
  await before.close()
  disk.fill()
  const store = await opened(file)
  const next = await store.acquire(SHARD, 'two')
  expect(next).toEqual({ ...tenure, epoch: next.epoch, crashes: 1 })
  expect(await store.run(SHARD, 1)).toEqual(aRun(1))
  const after = await commitAfter(store, next, aCommit(next, 100, { urgent: true }))
  await expect(store.commit(aCommit(after, 100))).rejects.toMatchObject({ code: 'STORE_FULL' })
  await store.close()
  // Spent once, it is so for the next process as well.
  const last = await opened(file)
  await expect(last.commit(aCommit(after, 1))).rejects.toMatchObject({ code: 'STORE_FULL' })
  await commitAfter(last, after, aCommit(after, 1, { urgent: true }))
})

test('a new store on a full disk is refused as such, and leaves the way free for a later one', async (context) => {
  const file = onDisk(context, 8)
  disk.fill(16 * KIB)
  await expect(opened(file)).rejects.toMatchObject({ code: 'STORE_FULL' })
  disk.clear()
  const store = await opened(file)
  await commitAfter(store, await store.acquire(SHARD, 'one'), { runs: [aRun(1)] })
})

test('a disk that is too small for a reserve does without', async (context) => {
  const file = onDisk(context, 6)
  const store = await opened(file)
  expect(existsSync(reservePath(file))).toBe(false)
  const first = await store.acquire(SHARD, 'one')
  disk.fill()
  const { at: full } = await untilRefused(store, first, 8 * KIB)
  await expect(store.commit(aCommit(full, 50_000, { urgent: true }))).rejects.toMatchObject({ code: 'STORE_FULL' })
  disk.clear()
  await commitAfter(store, full, aCommit(full, 50_000))
})

/** A room on the disk in this thread, with a reserve, and a way to commit a turn of a size in it. */
function roomOn(file: string): {
  readonly db: DatabaseSync
  readonly commit: (size: number, urgent?: boolean) => void
  readonly count: () => number
} {
  const db = openWriter(file)
  onTestFinished(() => db.close())
  const session = new Session(db)
  const room = new Room(file, db, session, new Reserve(file))
  let at: Tenure = { shard: SHARD, epoch: 0, head: 0, crashes: 0 }
  const commit = (size: number, urgent = false): void => {
    const batch = aCommit(at, size)
    room.write(batchStatements(batch), urgent)
    at = { ...at, head: batch.head }
  }
  return { db, commit, count: () => rowsOf(session, at) }
}

/** The rows of the journal, which must be as many as the head says. */
function rowsOf(session: Session, { head }: Tenure): number {
  const both = { sql: 'SELECT count(*), (SELECT head FROM shards) FROM journal WHERE 1 = ?1', width: 1, values: [1] }
  expect(session.read([both])).toEqual([head, head])
  return head
}

test('F7: a log that could not be indexed: its batch is not found after a crash', async (context) => {
  const file = onDisk(context, 40)
  const { commit, count } = roomOn(file)
  const reader = new DatabaseSync(file, { readOnly: true })
  const copies = mkdtempSync(join(tmpdir(), 'ballet-crash-copy-'))
  onTestFinished(() => {
    reader.close()
    rmSync(copies, { recursive: true })
  })
  // Whoever reads keeps the log from beginning again: its index has to grow with frame 4,063.
  reader.exec('BEGIN; SELECT count(*) FROM runs')
  while (statSync(`${file}-wal`).size < 4_050 * FRAME) commit(1_000)
  // Space for the log of the commit that comes to it, and not for the index, which grows by 32 KiB.
  disk.fill(4_069 * FRAME - statSync(`${file}-wal`).size)
  const indexed = statSync(`${file}-shm`).size
  expect(() => {
    for (;;) commit(10)
  }).toThrow('disk I/O error')
  expect(statSync(`${file}-shm`).size).toBeLessThan(2 * indexed)
  for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, join(copies, `store.db${end}`))
  const head = count()
  const after = openWriter(join(copies, 'store.db'))
  expect(after.prepare('SELECT head FROM shards').get()).toMatchObject({ head })
  after.close()
  disk.clear()
  commit(10)
  expect(count()).toBe(head + 1)
})

test('a log that is moved into the file does not use up the reserve', async (context) => {
  const file = onDisk(context, 48)
  const { commit, count } = roomOn(file)
  // As long as it becomes before SQLite moves it, and nearly all of it is new to the file: four times the reserve.
  while (statSync(`${file}-wal`).size < 3_900 * FRAME) commit(16_000)
  disk.fill()
  expect(() => commit(100_000)).toThrow('full')
  const before = count()
  for (let at = 0; at < 150; at++) commit(200, true)
  expect(count()).toBe(before + 150)
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(4_000 * FRAME)
})

test('a long log is moved into the file when there is space for that alone', async (context) => {
  const file = onDisk(context, 40)
  const { db, commit, count } = roomOn(file)
  for (let at = 0; at < 60; at++) commit(16_000)
  disk.fill()
  expect(() => commit(4_000_000)).toThrow('full')
  const log = statSync(`${file}-wal`).size
  const before = count()
  for (let at = 0; at < 2_000; at++) commit(500, true)
  // Ten times what the reserve has: the log has begun again, and again, where it stood.
  expect(count()).toBe(before + 2_000)
  expect(statSync(`${file}-wal`).size).toBeLessThan(log + RESERVE_BYTES)
  expect(Object.values(db.prepare('PRAGMA integrity_check').get() ?? {})).toEqual(['ok'])
})
