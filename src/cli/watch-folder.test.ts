import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../engine/clock.ts'
import { watchFolder, type FolderWatch } from './watch-folder.ts'

let root = ''
let watching: FolderWatch | undefined
let heard: (path: string) => void = () => {}
const seen: string[] = []

/** Resolves with the next change that is told. */
const change = (): Promise<string> =>
  new Promise((resolve) => {
    heard = resolve
  })

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ballet-watch-'))
  seen.length = 0
})
afterEach(() => {
  watching?.close()
  rmSync(root, { recursive: true, force: true })
})

function watch(): void {
  watching = watchFolder(root, systemClock, (path) => {
    seen.push(path)
    heard(path)
  })
}

it('tells a change at any depth, once for several strokes', async () => {
  mkdirSync(join(root, 'services', 'deep'), { recursive: true })
  watch()
  const told = change()
  writeFileSync(join(root, 'services', 'deep', 'payment.ts'), '1')
  writeFileSync(join(root, 'services', 'deep', 'payment.ts'), '2')
  expect(await told).toBe(join(root, 'services', 'deep', 'payment.ts'))
  expect(seen).toHaveLength(1)
})

it('follows a folder that comes later, and what already stands in it', async () => {
  watch()
  const first = change()
  mkdirSync(join(root, 'draft', 'inner'), { recursive: true })
  writeFileSync(join(root, 'draft', 'inner', 'a.ts'), '1')
  expect(await first).toBe(join(root, 'draft', 'inner', 'a.ts'))
  const second = change()
  writeFileSync(join(root, 'draft', 'inner', 'b.ts'), '1')
  expect(await second).toBe(join(root, 'draft', 'inner', 'b.ts'))
})

it('hears editors that write beside and rename', async () => {
  writeFileSync(join(root, 'app.ts'), '1')
  watch()
  const told = change()
  writeFileSync(join(root, '.app.ts.tmp'), '2')
  renameSync(join(root, '.app.ts.tmp'), join(root, 'app.ts'))
  expect(await told).toBe(join(root, 'app.ts'))
})

it('does not look at packages, output, hidden folders and what is no source', async () => {
  for (const folder of ['node_modules/x', 'dist', '.ballet', '.git', 'coverage'])
    mkdirSync(join(root, folder), { recursive: true })
  watch()
  for (const path of [
    'node_modules/x/index.js',
    'dist/app.js',
    '.ballet/process.json',
    '.git/a.ts',
    'coverage/a.js',
    'shop.db',
    'shop.db-wal',
    'notes.txt',
    '.env.ts',
  ]) {
    writeFileSync(join(root, path), '1')
  }
  const told = change()
  // Told after all that came before: a watcher reports in order, and the pause begins anew with each.
  writeFileSync(join(root, 'app.ts'), '1')
  expect(await told).toBe(join(root, 'app.ts'))
  expect(seen).toHaveLength(1)
})

it('is quiet once it is closed', async () => {
  watch()
  watching?.close()
  const other = watchFolder(root, systemClock, (path) => heard(path))
  const told = change()
  writeFileSync(join(root, 'app.ts'), '1')
  await told
  other.close()
  expect(seen).toHaveLength(0)
})
