// A run of N effects in a row takes exactly N + 1 commits when it is alone: one for its beginning and one for each
// result, and everything else rides along. Counted twice: batches that the engine gave to its store, and transactions
// that stand in SQLite's own log.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { commitsOf } from './alone.ts'
import { openEngine, type Engine } from './contenders.ts'

const folder = mkdtempSync(join(tmpdir(), 'ballet-commits-'))
const file = join(folder, 'commits.db')
let engine: Engine

beforeAll(async () => {
  engine = await openEngine(file)
})
afterAll(async () => {
  await engine.app.close()
  rmSync(folder, { recursive: true, force: true })
})

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24

/** Transactions in a write-ahead log: the last frame of each tells the size of the file after it. */
function transactionsIn(log: Buffer): number {
  const frameBytes = FRAME_HEADER_BYTES + log.readUInt32BE(8)
  let count = 0
  for (let at = HEADER_BYTES; at + frameBytes <= log.length; at += frameBytes) {
    if (log.readUInt32BE(at + 4) !== 0) count += 1
  }
  return count
}

it.each([1, 3, 10])('a run of %i sequential effects takes one commit more', async (length) => {
  const before = transactionsIn(readFileSync(`${file}-wal`))
  expect(await commitsOf(engine, length)).toBe(length + 1)
  expect(transactionsIn(readFileSync(`${file}-wal`)) - before).toBe(length + 1)
})
