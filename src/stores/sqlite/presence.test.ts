// A file that is taken away under the process which has it open: nothing is acknowledged that would be gone with it.
import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { fastClock } from '../../../test/support/clocks.ts'
import { silentLog } from '../../engine/log.ts'
import { ballet, open, operation, service } from '../../index.ts'
import { anEvent, aTurn, commitAfter, commitFirst } from '../../testing/store-rows.ts'
import { sqlite } from './sqlite-store.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-presence-'))
  file = join(folder, 'shop', 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const waysToGo: readonly (readonly [string, () => void])[] = [
  ['removed', () => rmSync(file)],
  ['removed with its folder', () => rmSync(join(folder, 'shop'), { recursive: true })],
  ['moved with its folder', () => renameSync(join(folder, 'shop'), join(folder, 'old'))],
  [
    'replaced by a copy',
    () => {
      cpSync(file, `${file}.copy`)
      renameSync(`${file}.copy`, file)
    },
  ],
  ['robbed of its log', () => rmSync(`${file}-wal`)],
]

describe('a store whose file is', () => {
  test.each(waysToGo)('%s acknowledges nothing from then on', async (_how, go) => {
    const store = sqlite({ file })
    await store.open()
    try {
      const tenure = await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
      go()
      const gone = { code: 'STORE_REMOVED', details: { path: file } }
      await expect(commitAfter(store, tenure, { journal: [aTurn(2, 1, 1)] })).rejects.toMatchObject(gone)
      await expect(store.info()).rejects.toMatchObject(gone)
    } finally {
      await store.close()
    }
  })

  test.each(waysToGo)('%s answers nothing either, when it has been looked', async (_how, go) => {
    const store = sqlite({ file })
    await store.open()
    try {
      await commitFirst(store, { journal: [aTurn(1, 1, 0)] })
      go()
      const reads = Array.from({ length: 30 }, () => store.info())
      const answers = await Promise.allSettled(reads)
      expect(answers.map(({ status }) => status)).toContain('rejected')
      await expect(store.info()).rejects.toMatchObject({ code: 'STORE_REMOVED', details: { path: file } })
    } finally {
      await store.close()
    }
  })

  test('replaced by a copy keeps what stands in its log, for whoever opens the copy with it', async () => {
    const store = sqlite({ file })
    await store.open()
    const tenure = await commitFirst(store, {})
    cpSync(file, `${file}.copy`)
    await commitAfter(store, tenure, { events: [anEvent(1, { id: 'e' })] })
    renameSync(`${file}.copy`, file)
    await store.close()
    const again = sqlite({ file })
    await again.open()
    expect(await again.events(0, { ns: 'default', limit: 100 })).toHaveLength(1)
    await again.close()
  })

  test('left alone goes on, also when its log begins again', async () => {
    const store = sqlite({ file })
    await store.open()
    let tenure = await commitFirst(store, {})
    for (let pos = 1; pos <= 20; pos++) {
      const data = JSON.stringify(`${pos}`.repeat(1_000_000))
      tenure = await commitAfter(store, tenure, { events: [anEvent(pos, { id: `e-${pos}`, data })] })
    }
    await store.close()
    const again = sqlite({ file })
    await again.open()
    expect(await again.events(0, { ns: 'default', limit: 100 })).toHaveLength(20)
    await again.close()
  })
})

test('an application whose file is removed while it has nothing to do stops by itself', async () => {
  const echo = service('echo', { say: operation({ input: z.string(), output: z.string(), run: (text) => text }) })
  const options = { store: `file:${file}`, log: silentLog, clock: fastClock(100) }
  const app = await open(ballet({ services: [echo] }), options)
  rmSync(file)
  expect(await app.stopped).toMatchObject({ code: 'STORE_REMOVED' })
  await app.close()
})

test('an application whose file is removed stops, and says so to whoever asked', async () => {
  const echo = service('echo', { say: operation({ input: z.string(), output: z.string(), run: (text) => text }) })
  const app = await open(ballet({ services: [echo] }), { store: `file:${file}`, log: silentLog })
  await app.result((await app.start(echo.say('before'))).id)
  rmSync(file)
  await expect(app.start(echo.say('after'))).rejects.toMatchObject({ code: 'STORE_REMOVED' })
  expect(await app.stopped).toMatchObject({ code: 'STORE_REMOVED' })
  await app.close()
})
