// The thread of raw-rows.ts: inserts what it is asked to and answers how long each batch took.
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { fullSync } from './full-sync.ts'
import type { Inserted, InsertRequest } from './raw-rows.ts'

const db = new DatabaseSync(workerData as string)
fullSync(db)
db.exec(`CREATE TABLE journal (
  pos INTEGER PRIMARY KEY, shard INTEGER, run INTEGER, seq INTEGER, kind TEXT, at INTEGER, data TEXT) STRICT`)
const insert = db.prepare('INSERT INTO journal (shard, run, seq, kind, at, data) VALUES (?, ?, ?, ?, ?, ?)')
const begin = db.prepare('BEGIN')
const commit = db.prepare('COMMIT')
let run = 0

parentPort?.on('message', ({ batches, rows, bytes }: InsertRequest) => {
  const data = 'x'.repeat(bytes)
  const durationsMs: number[] = []
  const cpu = process.threadCpuUsage()
  for (let batch = 0; batch < batches; batch++) {
    const since = performance.now()
    begin.run()
    for (let row = 0; row < rows; row++) insert.run(0, ++run, 0, 'turn', 1_700_000_000_000, data)
    commit.run()
    durationsMs.push(performance.now() - since)
  }
  const { user, system } = process.threadCpuUsage(cpu)
  const inserted: Inserted = { durationsMs, cpuUs: user + system }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(inserted)
})
