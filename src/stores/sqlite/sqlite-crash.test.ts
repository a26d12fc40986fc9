// What the store promises when processes and threads die, with real ones.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../../core/store.ts'
import { NS, SHARD, aTurn, batchAfter, commitAfter, commitFirst } from '../../testing/store-rows.ts'
import { sqlite } from './sqlite-store.ts'

const sources = {
  store: new URL('./sqlite-store.ts', import.meta.url).href,
  rows: new URL('../../testing/store-rows.ts', import.meta.url).href,
}
const prelude = `
  import { sqlite } from '${sources.store}'
  import { aTurn, batchAfter, commitAfter } from '${sources.rows}'
  import { writeSync } from 'node:fs'
  const say = (line) => writeSync(1, line + '\\n')
  const store = sqlite({ file: process.env.STORE_FILE })
  await store.open()
  let tenure = await store.acquire(0, 'child')
`

interface Child {
  readonly process: ChildProcessByStdio<null, Readable, null>
  readonly lines: Interface
  readonly exited: Promise<unknown>
}

let folder: string
let file: string
const stores: Store[] = []
const children: Child[] = []

/** Runs code in a process of its own, after the prelude; `limit` is the largest file it may write, in KiB. */
function run(code: string, limit?: number): Child {
  const args = ['--input-type=module', '--eval', `${prelude}${code}`]
  const shell = `ulimit -f ${(limit ?? 0) * 2}; exec "$0" "$@"`
  const [command, ...rest] =
    limit === undefined ? [process.execPath, ...args] : ['sh', '-c', shell, process.execPath, ...args]
  const child = spawn(command ?? '', rest, {
    env: { ...process.env, STORE_FILE: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const started = { process: child, lines: createInterface(child.stdout), exited: once(child, 'exit') }
  children.push(started)
  return started
}

async function opened(options: { readOnly?: boolean } = {}): Promise<Store> {
  const store = sqlite({ file, ...options })
  stores.push(store)
  await store.open()
  return store
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-crash-'))
  file = join(folder, 'store.db')
})

afterEach(async () => {
  for (const { process: child, exited } of children.splice(0)) {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await exited
  }
  for (const store of stores.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

test('F20: two processes on one store: the second is kept out, and let in the moment the first one is killed', async () => {
  const { process: first, lines, exited } = run("say('open'); setInterval(() => {}, 1_000)")
  await once(lines, 'line')
  await expect(opened()).rejects.toMatchObject({ code: 'STORE_LOCKED' })
  first.kill('SIGKILL')
  await exited
  const store = await opened()
  expect((await store.tenure(SHARD)).epoch).toBeGreaterThan(0)
})

test.each([
  [1, 'whole'],
  [7, 'whole'],
  [40, 'whole'],
  [1, 'half ahead'],
  [7, 'half ahead'],
  [40, 'half ahead'],
])('every batch that was acknowledged survives a kill, after %i of them that came %s', async (count, how) => {
  const {
    process: writer,
    lines,
    exited,
  } = run(`
    for (;;) {
      const { head } = tenure
      const rows = Array.from({ length: 20 }, (_, at) => aTurn(head + at + 1, 1, head + at, { data: 'x'.repeat(300) }))
      const ahead = { batch: head, parts: 1, rows: { runs: 0, changes: 0, claims: 0, journal: 10, events: 0 } }
      const isAhead = ${String(how === 'half ahead')}
      const part = { runs: [], changes: [], claims: [], journal: rows.slice(0, 10), events: [] }
      if (isAhead) store.takeAhead(0, { batch: head, part: 0 }, part)
      tenure = await commitAfter(store, tenure, isAhead ? { journal: rows, ahead } : { journal: rows })
      say(String(tenure.head))
    }`)
  let acknowledged = 0
  lines.on('line', (line) => {
    acknowledged = Number(line)
    if (acknowledged >= count * 20) writer.kill('SIGKILL')
  })
  await exited
  expect(existsSync(`${file}-wal`)).toBe(true)

  const check = async (store: Store): Promise<void> => {
    const { head } = await store.tenure(SHARD)
    expect(head).toBeGreaterThanOrEqual(acknowledged)
    expect(head % 20).toBe(0)
    const rows = await store.journal(SHARD, 1, -1, 1_000_000)
    expect(rows.map((row) => row.pos)).toEqual(Array.from({ length: head }, (_, index) => index + 1))
  }
  // First with the log as the killed process left it, then as the next owner.
  await check(await opened({ readOnly: true }))
  const next = await opened()
  await check(next)
  const { epoch } = await next.tenure(SHARD)
  const tenure = await next.acquire(SHARD, 'next')
  expect(tenure.epoch).toBeGreaterThan(epoch)
  await commitAfter(next, tenure, { journal: [aTurn(tenure.head + 1, 2, 0)] })
})

test.each([{ readOnly: true }, { readOnly: false }])(
  'a kill in the middle of a checkpoint loses nothing (readOnly: $readOnly)',
  async (options) => {
    const journal = Array.from({ length: 2_000 }, (_, at) => aTurn(at + 1, 1, at, { data: 'x'.repeat(300) }))
    const store = await opened()
    const { size } = statSync(file)
    await commitFirst(store, { journal })
    // The log before the checkpoint, beside a file to which none of its pages has been added.
    copyFileSync(`${file}-wal`, join(folder, 'log'))
    await store.close()
    truncateSync(file, size)
    renameSync(join(folder, 'log'), `${file}-wal`)
    const again = await opened(options)
    expect(await again.journal(SHARD, 1, -1, 10_000)).toEqual(journal)
  },
)

test('F6: a write that fails: the store ends, and what was acknowledged stays', async () => {
  const { lines, exited } = run(
    `
    const turn = (pos, data) => batchAfter(tenure, { journal: [aTurn(pos, 1, pos, { data })] })
    await store.commit(turn(1, 'first'))
    const large = await store.commit({ ...turn(2, 'x'.repeat(8_000_000)), base: 1 }).catch((error) => error)
    say(large.code)
    const small = await store.commit({ ...turn(2, 'second'), base: 1 }).catch((error) => error)
    say(String(small.code === large.code && small.message === large.message))
    const read = await store.journal(0, 1, -1, 10).catch((error) => error)
    say(read.code)
    await store.close()
    say('closed')`,
    1_000,
  )
  const said: string[] = []
  lines.on('line', (line) => said.push(line))
  await exited
  expect(said).toEqual(['STORE_FAILED', 'true', 'STORE_FAILED', 'closed'])
  const store = await opened()
  expect((await store.journal(SHARD, 1, -1, 10)).map((row) => row.data)).toEqual(['first'])
})

test('F1: the thread of a store dies: everything that waits fails, and the store with it; the lock stays until close', async () => {
  const threads: Worker[] = []
  const keep = (worker: Worker): void => {
    threads.push(worker)
  }
  process.on('worker', keep)
  const store = await opened()
  process.off('worker', keep)
  const tenure = await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
  const large = 'x'.repeat(4_000_000)
  const pending = [2, 3].map((pos) =>
    store.commit(batchAfter(tenure, { journal: [aTurn(pos, 1, pos, { data: large })] })),
  )
  const results = Promise.allSettled(pending)
  await Promise.resolve()
  await threads[0]?.terminate()
  for (const result of await results)
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } })
  await expect(store.commit(batchAfter(tenure, {}))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await expect(store.runs(SHARD, { ns: NS, limit: 1 })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await expect(opened()).rejects.toMatchObject({ code: 'STORE_LOCKED' })
  await store.close()
  const next = await opened()
  expect(await next.journal(SHARD, 1, -1, 1)).toEqual([aTurn(1, 1, 0)])
})

test('an open store does not keep a process alive, a commit in flight does', async () => {
  const {
    process: child,
    lines,
    exited,
  } = run(`
    const commit = store.commit(batchAfter(tenure, { journal: [aTurn(1, 1, 0)] }))
    commit.then(() => say('durable'))`)
  const said: string[] = []
  lines.on('line', (line) => said.push(line))
  await exited
  expect([child.exitCode, said]).toEqual([0, ['durable']])
  expect(await (await opened()).journal(SHARD, 1, -1, 10)).toEqual([aTurn(1, 1, 0)])
})
