// A store that is put back from a backup, while the services know what happened after it was taken: they go on answering, each call
// as before, and none of what is made anew is taken for a process that was replaced.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, operation, service, signal, sqlite, TerminalError, workflow } from '../src/index.ts'
import { anItem, SHARD } from '../src/testing/store-rows.ts'
import { openForTest } from './support/applications.ts'

test('the backup of the guide has what was acknowledged, while the application runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-backup-'))
  mkdirSync(join(folder, '.ballet'))
  const Go = signal('go', z.null())
  const order = workflow('order', { input: z.string(), output: z.null(), signals: [Go] }, async (run) => {
    await run.receive(Go)
    return null
  })
  const open = (file: string) =>
    openForTest(ballet({ services: [], workflows: [order] }), { store: sqlite({ file: join(folder, file) }) })
  const guide = readFileSync(join(import.meta.dirname, '../docs/guides/production.md'), 'utf8')
  const [, command = ''] = /```sh\n( *node --input-type[^]*?)```/.exec(guide) ?? []
  try {
    const app = await open('.ballet/app.db')
    await app.start(order('a'), { id: 'a' })
    execFileSync('sh', ['-c', command], { cwd: folder })
    await app.start(order('b'), { id: 'b' })
    await app.close()
    const restored = await open('copy.db')
    expect((await restored.runs({})).items.map(({ id }) => id)).toEqual(['a'])
    await restored.signal('a', Go(null))
    expect(await restored.result('a')).toBe(null)
    await restored.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('F20: a backup is restored: services that keep fences and keys go on, and nothing happens twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-backup-'))
  const [file, backup] = [join(folder, 'app.db'), join(folder, 'backup.db')]
  const charged = new Map<string, number>()
  let newest: readonly number[] = []
  const bank = service('bank', {
    charge: operation({
      input: z.string(),
      output: z.number(),
      run: (_order, { fence, idempotencyKey }) => {
        const seen = fence.split('.').map(Number)
        if (isBefore(seen, newest)) throw new TerminalError(`${fence} is of a process that was replaced`)
        newest = seen
        const before = charged.get(idempotencyKey)
        if (before === undefined) charged.set(idempotencyKey, charged.size + 1)
        return charged.get(idempotencyKey) ?? 0
      },
    }),
  })
  const Go = signal('go', z.null())
  const order = workflow('order', { input: z.string(), output: z.number(), signals: [Go] }, async (run, id) => {
    await run.receive(Go)
    return run.call(bank.charge(id))
  })
  const open = () => openForTest(ballet({ services: [bank], workflows: [order] }), { store: sqlite({ file }) })
  try {
    const first = await open()
    for (const id of ['a', 'b']) await first.start(order(id), { id })
    await first.close()
    copyFileSync(file, backup)
    // Life goes on, with one process after the other.
    for (const id of ['a', 'c', 'd']) {
      const app = await open()
      if (id !== 'a') await app.start(order(id), { id })
      await app.signal(id, Go(null))
      await app.result(id)
      await app.close()
    }
    copyFileSync(backup, file)
    const restored = await open()
    for (const id of ['a', 'b']) await restored.signal(id, Go(null))
    expect(await Promise.all(['a', 'b'].map((id) => restored.result(id)))).toEqual([1, 4])
    expect(charged.size).toBe(4)
    await restored.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what lies aside is in a backup that is made while the process runs: put back it lies there again, is taken by a version that takes it, and can be dropped', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-backup-'))
  const [file, backup] = [join(folder, 'app.db'), join(folder, 'backup.db')]
  const open = (version: string, most: number) => {
    const flow = workflow('flow', { input: z.number().max(most), output: z.number() }, async (_, n) => n)
    return openForTest(ballet({ name: 'shop', version, services: [], workflows: [flow] }), { store: sqlite({ file }) })
  }
  const startOf = (id: string, input: number) => {
    const data = JSON.stringify({ call: 'flow', input, id, hash: id, silent: true })
    return anItem('p', { kind: 'start', target: id, data, at: Date.parse('2026-03-01T12:00:00Z') })
  }
  try {
    const store = sqlite({ file })
    await store.open()
    await store.post(SHARD, [startOf('two', 2), startOf('three', 3), startOf('nine', 9)])
    await store.close()
    const first = await open('2', 1)
    expect(await first.run('two')).toBeNull()
    const named = new Map((await first.asides()).items.map(({ id, item }) => [id, item]))
    const itemOf = (id: string): string => named.get(id) ?? ''
    await first.dropAside(itemOf('nine'), { by: 'ann' })
    const database = new DatabaseSync(file)
    database.exec(`VACUUM INTO '${backup}'`)
    database.close()
    await first.dropAside(itemOf('two'), { by: 'ann' })
    await first.close()
    // By the guide: the file and its log are moved away, and the backup takes their place.
    for (const part of ['', '-wal', '-shm']) if (existsSync(file + part)) renameSync(file + part, `${file}${part}.away`)
    renameSync(backup, file)
    const restored = await open('2', 1)
    await restored.run('two')
    const lying = async () => (await restored.asides()).items.map(({ id }) => id).toSorted()
    expect(await lying()).toEqual(['three', 'two'])
    // They have the names that they had, and what was dropped before the backup is known as that.
    expect(await restored.aside(itemOf('nine'))).toMatchObject({ dropped: { by: 'ann' }, content: { input: 9 } })
    expect(await restored.retryAside(itemOf('two'))).toMatchObject({
      outcome: 'aside',
      cause: { code: 'INPUT_INVALID' },
    })
    expect(await restored.dropAside(itemOf('two'), { by: 'bob' })).toMatchObject({ changed: true })
    await restored.close()
    const taking = await open('3', 9)
    expect(await taking.result('three')).toBe(3)
    expect(await taking.run('two')).toBeNull()
    expect((await taking.asides()).items).toEqual([])
    await taking.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** As numbers, part by part. */
function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((part, index) => part !== other[index])
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0)
}
