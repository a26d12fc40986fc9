// A disk that cannot write what it was asked to keep: the fsync fails, in a real process. From then on nothing is
// acknowledged, whatever a second fsync would say, and the next process finds everything that was acknowledged before.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqlite } from '../../src/stores/sqlite/sqlite-store.ts'
import { SHARD, aTurn, commitAfter } from '../../src/testing/store-rows.ts'
import { preloadedFaults, straceFaults, type SyncFault, type SyncFaults } from './sync-faults.ts'

const sources = {
  store: new URL('../../src/stores/sqlite/sqlite-store.ts', import.meta.url).href,
  rows: new URL('../../src/testing/store-rows.ts', import.meta.url).href,
}
/** Commits until it cannot, says what was acknowledged, and what the store answers after the failure. */
const program = `
  import { writeSync } from 'node:fs'
  import { sqlite } from '${sources.store}'
  import { aTurn, batchAfter } from '${sources.rows}'
  const say = (line) => writeSync(1, line + '\\n')
  const code = (promise) => promise.then(() => 'ok', (error) => error.code)
  const store = sqlite({ file: process.env.STORE_FILE })
  const turn = (tenure, size) => {
    const pos = tenure.head + 1
    return batchAfter(tenure, { journal: [aTurn(pos, 1, pos - 1, { data: 'x'.repeat(size) })] })
  }
  const run = async () => {
    await store.open()
    let tenure = await store.acquire(0, 'child')
    say('head ' + tenure.head)
    while (tenure.head < Number(process.env.TURNS)) {
      const batch = turn(tenure, Number(process.env.TURN_BYTES))
      await store.commit(batch)
      tenure = { ...tenure, head: batch.head }
      say('head ' + tenure.head)
    }
    return tenure
  }
  const failure = await run().then(() => undefined, (error) => error)
  say('failed ' + (failure?.code ?? 'not'))
  const tenure = { shard: 0, epoch: 1, head: 0, crashes: 0 }
  say('commit ' + (await code(store.commit(turn(tenure, 1)))))
  say('post ' + (await code(store.post(0, [{ ns: 'default', slot: 0, kind: 'signal', target: 'a', data: '1', at: 0 }]))))
  say('read ' + (await code(store.journal(0, 1, -1, 1))))
  say('close ' + (await code(store.close())))
`

let folder: string
let file: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ballet-sync-')))
  file = join(folder, 'store.db')
})

afterEach(() => rmSync(folder, { recursive: true }))

async function outputOf(
  faults: SyncFaults,
  fault: Omit<SyncFault, 'log'>,
  turns: { readonly count: number; readonly bytes: number },
): Promise<string[]> {
  const { command, args, env } = faults({ ...fault, log: join(folder, 'log') }, process.execPath, [
    '--input-type=module',
    '--eval',
    program,
  ])
  const child = spawn(command, args, {
    env: { ...process.env, ...env, STORE_FILE: file, TURNS: String(turns.count), TURN_BYTES: String(turns.bytes) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  await once(child, 'close')
  expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('INJECTED')
  return lines
}

/** What was acknowledged stands in a store that is opened after the failure, and it goes on. */
async function expectDurable(acknowledged: number): Promise<void> {
  const store = sqlite({ file })
  await store.open()
  try {
    const { head } = await store.tenure(SHARD)
    // The commit that failed may have reached the disk all the same.
    expect([acknowledged, acknowledged + 1]).toContain(head)
    const rows = await store.journal(SHARD, 1, -1, 1_000)
    expect(rows.map((row) => row.pos)).toEqual(Array.from({ length: head }, (_, index) => index + 1))
    const tenure = await store.acquire(SHARD, 'next')
    await commitAfter(store, tenure, { journal: [aTurn(head + 1, 2, 0)] })
  } finally {
    await store.close()
  }
}

/** How many turns were acknowledged before the failure, and what was said from then on. */
async function failStop(faults: SyncFaults, at: number): Promise<{ readonly turns: number; readonly after: unknown }> {
  const lines = await outputOf(faults, { path: `${file}-wal`, at }, { count: 40, bytes: 100 })
  const heads = lines.filter((line) => line.startsWith('head '))
  const turns = Math.max(0, heads.length - 1)
  await expectDurable(turns)
  return { turns, after: lines.slice(heads.length) }
}

const stopped = ['failed STORE_FAILED', 'commit STORE_FAILED', 'post STORE_FAILED', 'read STORE_FAILED', 'close ok']

// The first six keep the two marks of the file and the heads of their logs, the seventh the take-over, the eighth a turn.
const counts = [1, 3, 7, 8, 20]
const BEFORE_TURNS = 7

test.for(counts)('nothing is acknowledged after the failed fsync number %i, by strace', async (at, context) => {
  const faults = straceFaults()
  context.skip(faults === undefined, 'strace is not installed, or must not trace here')
  if (faults === undefined) return
  expect(await failStop(faults, at)).toEqual({ turns: Math.max(0, at - BEFORE_TURNS), after: stopped })
})

test.for(counts)(
  'nothing is acknowledged after the failed fsync number %i, by a preloaded library',
  async (at, context) => {
    const faults = preloadedFaults(folder)
    context.skip(faults === undefined, 'there is no C compiler (cc) here')
    if (faults === undefined) return
    expect(await failStop(faults, at)).toEqual({ turns: Math.max(0, at - BEFORE_TURNS), after: stopped })
  },
)

test('F6: a log that cannot be moved into the file: it is kept, and everything in it', async (context) => {
  const faults = preloadedFaults(folder) ?? straceFaults()
  context.skip(faults === undefined, 'there is neither strace nor a C compiler (cc) here')
  if (faults === undefined) return
  // SQLite moves the log every 4,000 pages; here it is the file that cannot be synced, when it was written to by that first. The
  // one before was when it was opened.
  const lines = await outputOf(faults, { path: file, at: 2 }, { count: 200, bytes: 100_000 })
  expect(lines.filter((line) => line.startsWith('head '))).toHaveLength(201)
  expect(lines).toContain('failed not')
  expect(lines.at(-1)).toBe('close ok')
  await expectDurable(200)
  const db = new DatabaseSync(file, { readOnly: true })
  expect(Object.values(db.prepare('PRAGMA integrity_check').get() ?? {})).toEqual(['ok'])
  db.close()
})
