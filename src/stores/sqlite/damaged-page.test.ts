// A page of the file that is damaged: whoever reads it is told, everything else is read and written on. Only a write that
// meets one leaves the file in doubt.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../../core/store.ts'
import { NS, SHARD, aTurn, anEvent, commitAfter, commitFirst } from '../../testing/store-rows.ts'
import { sqlite } from './sqlite-store.ts'

const PAGE = 4_096

let folder: string
let file: string
const made: Store[] = []

async function opened(options: { readOnly?: boolean } = {}): Promise<Store> {
  const store = sqlite({ file, ...options })
  made.push(store)
  await store.open()
  return store
}

/** Overwrites the page on which a text stands first. */
function damagePageOf(text: string): void {
  const at = readFileSync(file).indexOf(text)
  expect(at).toBeGreaterThan(0)
  const handle = openSync(file, 'r+')
  writeSync(handle, Buffer.alloc(PAGE, 0xff), 0, PAGE, Math.floor(at / PAGE) * PAGE)
  closeSync(handle)
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-damaged-'))
  file = join(folder, 'store.db')
  const store = await opened()
  const filler = 'x'.repeat(1_000)
  const journal = Array.from({ length: 40 }, (_, at) =>
    aTurn(at + 1, at < 20 ? 1 : 2, at % 20, { data: `turn ${at} ${filler}` }),
  )
  const events = Array.from({ length: 20 }, (_, at) => anEvent(at + 41, { data: `event ${at} ${filler}` }))
  await commitFirst(store, { journal, events })
  await store.close()
})

afterEach(async () => {
  for (const store of made.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

test.each([{ readOnly: false }, { readOnly: true }])(
  'a read that meets a damaged page fails alone, as often as it is tried (readOnly: $readOnly)',
  async (options) => {
    damagePageOf('turn 7 ')
    const store = await opened(options)
    for (let again = 0; again < 3; again++) {
      await expect(store.journal(SHARD, 1, -1, 100)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringContaining('malformed'),
      })
      expect((await store.journal(SHARD, 2, -1, 100)).map((row) => row.seq)).toEqual(
        Array.from({ length: 20 }, (_, at) => at),
      )
      expect(await store.events(SHARD, { ns: NS, limit: 100 })).toHaveLength(20)
    }
    // Even of the run that is damaged, what stands on other pages.
    expect(await store.journal(SHARD, 1, 15, 100)).toHaveLength(4)
  },
)

test('the store that has met one writes on, and closes', async () => {
  damagePageOf('event 3 ')
  const store = await opened()
  await expect(store.events(SHARD, { ns: NS, limit: 100 })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  const tenure = await store.acquire(SHARD, 'next')
  await commitAfter(store, tenure, { journal: [aTurn(61, 1, 20)], events: [anEvent(62)] })
  expect(await store.events(SHARD, { ns: NS, after: 60, limit: 10 })).toEqual([anEvent(62)])
  await store.close()
  const again = await opened()
  expect(await again.journal(SHARD, 1, 19, 10)).toEqual([aTurn(61, 1, 20)])
})

test('F5: a write that meets a damaged page: the store ends, and nothing of it is there', async () => {
  damagePageOf('turn 39 ')
  const store = await opened()
  const tenure = await store.acquire(SHARD, 'next')
  const batch = commitAfter(store, tenure, { journal: [aTurn(61, 1, 20)], events: [anEvent(62)] })
  await expect(batch).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await expect(store.events(SHARD, { ns: NS, limit: 1 })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await store.close()
  const again = await opened()
  expect(await again.tenure(SHARD)).toEqual(tenure)
  expect(await again.events(SHARD, { ns: NS, after: 60, limit: 10 })).toEqual([])
})
