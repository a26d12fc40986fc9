// A process that is killed in the middle of a long operation: the next one goes on from what it had said, and so does the one after
// that. Real processes, a real file, and no good end.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'

const script = new URL('export.ts', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'ballet-export-'))
const file = join(folder, 'exports.db')
const processes: ChildProcess[] = []
afterEach(() => {
  for (const one of processes.splice(0)) one.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

/** One life of the process; killed when the file has something newer of how far the export is, and it is far beyond. */
async function live(before: number): Promise<{ readonly from: number; readonly kept: number }> {
  const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  processes.push(child)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  let from = -1
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, row] = line.split(' ')
    if (word === 'begins') from = Number(row)
    else break
  }
  while (keptIn(file) <= before) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGKILL')
  await gone
  return { from, kept: keptIn(file) }
}

/** How far the export is, as the file has it; -1 for nothing. */
function keptIn(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = database.prepare('SELECT data FROM journal WHERE run < 0').all()
    if (rows.length > 1) throw new Error(`there are ${rows.length} rows`)
    const told = JSON.parse(String(rows[0]?.['data'] ?? 'null')) as { ops: Record<string, { progress: number }> } | null
    return told?.ops['table.export#0']?.progress ?? -1
  } finally {
    database.close()
  }
}

test('killed twice, it goes on from where it was each time', async () => {
  const first = await live(-1)
  expect(first).toEqual({ from: 0, kept: expect.any(Number) as number })
  const second = await live(first.kept)
  expect(second.from).toBe(first.kept)
  const third = await live(second.kept)
  expect(third.from).toBe(second.kept)
  expect(third.kept).toBeGreaterThan(second.kept)
})
