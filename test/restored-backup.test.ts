// A store that is put back from a backup, while the services know what happened after it was taken: they go on answering, each call
// as before, and none of what is made anew is taken for a process that was replaced.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, operation, service, signal, sqlite, TerminalError, workflow } from '../src/index.ts'
import { openForTest } from './support/applications.ts'

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

/** As numbers, part by part. */
function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((part, index) => part !== other[index])
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0)
}
