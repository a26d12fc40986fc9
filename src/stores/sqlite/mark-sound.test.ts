// A store that is sound is opened, and a process that has it open goes on, whatever others do to it beside the process, and in
// whatever moment it ends: a mark that is another is taken for another file only where it must be one.
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { closeWriter, inspect, markOfFile, moveLog, openWriter } from './database.ts'
import { isMixed, markAnew, markOf } from './mark.ts'
import { Presence } from './presence.ts'

let folder: string
let file: string
let db: DatabaseSync
let count: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-sound-'))
  file = join(folder, 'store.db')
  db = openWriter(file)
  // Nobody loses power here.
  db.exec('PRAGMA synchronous = OFF')
  count = 0
})
afterEach(() => {
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

const made = (): string => `CREATE INDEX mine_${++count} ON timers (due)`
const indexes = (howMany: number): string => Array.from({ length: howMany }, made).join(';')

function byHand(sql: string): void {
  const hand = new DatabaseSync(file, { timeout: 0 })
  try {
    hand.exec(`PRAGMA synchronous = OFF; ${sql}`)
  } finally {
    hand.close()
  }
}

function read(): DatabaseSync {
  const reader = new DatabaseSync(file, { readOnly: true, timeout: 0 })
  reader.exec('BEGIN; SELECT count(*) FROM events')
  return reader
}

function post(text = ''): void {
  db.prepare("INSERT INTO inbox (shard, ns, slot, kind, target, data, at) VALUES (0, 'n', 1, 'k', 't', ?, 1)").run(text)
}

/** The files as a process that is killed now leaves them. */
function killed(): string {
  const left = join(folder, 'left.db')
  for (const end of ['-wal', '-shm']) rmSync(`${left}${end}`, { force: true })
  copyFileSync(file, left)
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${left}-wal`)
  return left
}

const EMPTY = 'PRAGMA wal_checkpoint(TRUNCATE)'

test('a script that has changed much in one transaction, and was killed', () => {
  byHand(EMPTY)
  byHand(`BEGIN; ${indexes(60)}; COMMIT`)
  expect(inspect(killed())).toBe(true)
})

test('indexes that somebody makes by the dozen before and after a part of the log, or all of it, was moved into the file', () => {
  const presence = new Presence(file, db)
  byHand(indexes(30))
  const reader = read()
  moveLog(db)
  byHand(indexes(30))
  post()
  presence.check()
  reader.close()
  byHand(indexes(30))
  byHand(EMPTY)
  byHand(indexes(30))
  post()
  presence.check()
  byHand(EMPTY)
  byHand(`BEGIN; ${indexes(30)}; COMMIT`)
  post()
  expect(() => presence.check()).not.toThrow()
})

test('a number that was counted over its largest, by hand', () => {
  db.enableDefensive(false)
  db.exec(`PRAGMA schema_version = ${2 ** 31 - 1}`)
  byHand(indexes(1))
  expect(markOf(db)).toBe(2 ** 31)
  moveLog(db)
  expect(inspect(killed())).toBe(true)
})

test('a log of which a loss of power has left the beginning, and behind that what was there before', () => {
  const left = killed()
  const log = readFileSync(`${left}-wal`)
  // The first page of the file, in the first frame, of which the sums are wrong then.
  log.writeUInt32BE(7, 32 + 24 + 40)
  writeFileSync(`${left}-wal`, log)
  const again = openWriter(left)
  expect(again.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  again.close()
})

test('a log that begins anew while somebody looks at it', () => {
  const whileItIsRead = (): number | undefined => {
    const mark = markOfFile(file)
    post()
    moveLog(db)
    markAnew(db)
    return mark
  }
  expect(isMixed(file, whileItIsRead)).toBe(false)
})

test('a log whose process was in doubt about it, and left it, time after time', () => {
  for (let life = 0; life < 4; life++) {
    closeWriter(file, db, true)
    expect(inspect(file)).toBe(true)
    db = openWriter(file)
  }
  expect(inspect(killed())).toBe(true)
})

/** Mulberry32. */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

test.each(Array.from({ length: 5 }, (_, seed) => seed))(
  'a life by chance, of which each moment is one to die (%i)',
  (seed) => {
    const pick = chance(seed)
    const presence = new Presence(file, db)
    db.exec(`PRAGMA wal_autocheckpoint = ${[5, 15, 40][pick(3)]}`)
    const readers: DatabaseSync[] = []
    const deeds = [
      () => post('x'.repeat(pick(20_000))),
      () => post(),
      () => db.exec('DELETE FROM inbox WHERE id % 3 = 0'),
      () => void (readers.length < 3 && readers.push(read())),
      () => readers.splice(pick(readers.length + 1), 1)[0]?.close(),
      () => byHand(`PRAGMA wal_checkpoint(${['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'][pick(4)]})`),
      () => byHand(`PRAGMA wal_autocheckpoint = 5; ${indexes(1 + pick(2) * pick(30))}`),
      () => byHand(`BEGIN; ${indexes(1 + pick(2) * pick(30))}; COMMIT`),
      () => byHand('VACUUM'),
    ]
    for (let step = 0; step < 25; step++) {
      deeds[pick(deeds.length)]?.()
      expect(inspect(killed())).toBe(true)
      if (pick(3) > 0) presence.check()
      expect(inspect(killed())).toBe(true)
    }
    for (const reader of readers) reader.close()
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  },
)
