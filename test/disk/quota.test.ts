// A quota that is used up: the disk has space, and not for us. SQLite calls that a failed write, as it calls a broken
// disk; it is told from one by trying to write something else. The system calls of a real process are answered by strace.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { reservePath } from '../../src/stores/sqlite/reserve.ts'
import { sqlite } from '../../src/stores/sqlite/sqlite-store.ts'
import { SHARD } from '../../src/testing/store-rows.ts'

const sources = {
  store: new URL('../../src/stores/sqlite/sqlite-store.ts', import.meta.url).href,
  rows: new URL('../../src/testing/store-rows.ts', import.meta.url).href,
  ahead: new URL('../../src/core/ahead.ts', import.meta.url).href,
}
const usual = `
  import { writeSync } from 'node:fs'
  import { sqlite } from '${sources.store}'
  import { aTurn, commitFirst, commitAfter } from '${sources.rows}'
  const code = (promise) => promise.then(() => 'ok', (error) => error.code)
  const store = sqlite({ file: process.env.STORE_FILE })
  await store.open()
  const first = await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
  const large = { journal: [aTurn(2, 1, 1, { data: 'x'.repeat(4_000_000) })] }
  const said = [await code(commitAfter(store, first, large)), await code(store.journal(0, 1, -1, 10)), await code(store.close())]
  writeSync(1, said.join(' ') + '\\n')
`
/** More rows than SQLite keeps in memory come ahead of their batch: they are written before it comes. */
const givenAhead = `
  import { writeSync } from 'node:fs'
  import { sqlite } from '${sources.store}'
  import { countsOf, NO_ROWS } from '${sources.ahead}'
  import { aTurn, batchAfter, commitFirst } from '${sources.rows}'
  const code = (promise) => promise.then(() => 'ok', (error) => error.code)
  const store = sqlite({ file: process.env.STORE_FILE })
  await store.open()
  const first = await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
  const journal = Array.from({ length: 48 }, (_, at) => aTurn(at + 2, 1, at + 1, { data: 'x'.repeat(1_000_000) + at }))
  const rows = { ...NO_ROWS, journal }
  store.takeAhead(first.shard, { batch: 1, part: 0 }, rows)
  const batch = { ...batchAfter(first, { journal }), ahead: { batch: 1, parts: 1, rows: countsOf(rows) } }
  const said = [await code(store.commit(batch)), await code(store.journal(0, 1, -1, 10)), await code(store.close())]
  writeSync(1, said.join(' ') + '\\n')
`

/** What the program says when all writes of these files fail, in the log from the 100th on, or another one. */
async function said(
  file: string,
  error: string,
  paths: readonly string[],
  { program = usual, from = 100 } = {},
): Promise<string> {
  const log = join(file, '..', 'log')
  // SQLite writes by pwrite64, and the small file is written by write.
  const inject = [`inject=pwrite64:error=${error}:when=${from}+`, `inject=write:error=${error}`]
  const traced = paths.flatMap((path) => ['-P', path])
  const child = spawn(
    'strace',
    [
      '-f',
      '-o',
      log,
      ...traced,
      '-e',
      'trace=write,pwrite64',
      ...inject.flatMap((one) => ['-e', one]),
      process.execPath,
      '--input-type=module',
      '--eval',
      program,
    ],
    { env: { ...process.env, STORE_FILE: file }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  await once(child, 'close')
  expect(readFileSync(log, 'utf8')).toContain('INJECTED')
  const store = sqlite({ file })
  await store.open()
  expect(await store.journal(SHARD, 1, -1, 10)).toHaveLength(1)
  await store.close()
  return lines.join()
}

test('a quota is a full disk, and a broken disk is none', async (context) => {
  const probe = spawnSync('strace', ['-f', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO', 'true'], {
    stdio: 'ignore',
  })
  context.skip(probe.status !== 0, 'strace is not installed, or must not trace here')
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ballet-quota-')))
  const files = (file: string): string[] => [`${file}-wal`, `${reservePath(file)}.probe`]
  const [quota, broken] = [join(folder, 'quota.db'), join(folder, 'broken.db')]
  expect(await said(quota, 'EDQUOT', files(quota))).toBe('STORE_FULL ok ok')
  expect(await said(broken, 'EIO', files(broken))).toBe('STORE_FAILED STORE_FAILED ok')
  const [quotaAhead, brokenAhead] = [join(folder, 'quota-ahead.db'), join(folder, 'broken-ahead.db')]
  expect(await said(quotaAhead, 'EDQUOT', files(quotaAhead), { program: givenAhead })).toBe('STORE_FULL ok ok')
  expect(await said(brokenAhead, 'EIO', files(brokenAhead), { program: givenAhead })).toBe(
    'STORE_FAILED STORE_FAILED ok',
  )
  // A store that is well is opened when nothing more can be written, so that it can be read at least.
  const program = `
    import { writeSync } from 'node:fs'
    import { sqlite } from '${sources.store}'
    const store = sqlite({ file: process.env.STORE_FILE })
    writeSync(1, await store.open().then(() => 'ok', (error) => error.code + JSON.stringify(error.details)) + '\\n')
    await store.close()
  `
  expect(await said(quota, 'EDQUOT', files(quota), { program, from: 1 })).toBe('ok')
  rmSync(folder, { recursive: true })
})
