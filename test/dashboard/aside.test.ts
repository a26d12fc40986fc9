// What lies aside, in a real browser: it is told on the first page, stands among the nodes with its cause and what it says, and a person
// tries it again and drops it. What it says is what strangers have sent.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ballet, workflow } from 'ballet'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { asidesOf } from '../../src/engine/aside.ts'
import { sqlite } from '../../src/stores/sqlite/sqlite-store.ts'
import { anItem, SHARD } from '../../src/testing/store-rows.ts'
import { findBrowser, openBrowser, show, type Browsing, type Shown, type Windows } from './pages.ts'

const flow = workflow('flow', { input: z.number().max(1), output: z.number() }, async (_, n) => n)
const definition = ballet({ name: 'shop', version: '2', services: [], workflows: [flow] })
const HOSTILE = '<img src=x onerror=alert(1)>\u202e'

const chromium = findBrowser()
const folder = mkdtempSync(join(tmpdir(), 'ballet-aside-'))
let shown: Shown
let browser: Windows

beforeAll(async () => {
  if (chromium === null) return
  const file = join(folder, 'app.db')
  const store = sqlite({ file })
  await store.open()
  const [refused = ''] = asidesOf('default')
  const at = Date.parse('2026-03-01T12:00:00Z')
  const start = (id: string, input: unknown) =>
    anItem('p', {
      ns: refused,
      at,
      kind: 'start',
      target: id,
      data: JSON.stringify({ call: 'flow', input, id, silent: true, version: HOSTILE }),
    })
  await store.post(SHARD, [start('two', 2), start('three', HOSTILE)])
  await store.close()
  shown = await show(definition, { store: `file:${file}`, token: 'open-sesame', readToken: 'only-look' })
  browser = await openBrowser(chromium)
})
beforeEach((context) => context.skip(chromium === null, 'there is no Chromium here'))
afterAll(async () => {
  await browser?.close()
  await shown?.close()
  rmSync(folder, { recursive: true })
})

async function signedIn(token: string, width = 1280): Promise<Browsing> {
  const window = await browser.look({ width })
  await window.page.goto(shown.at())
  await window.page.getByLabel('Token').fill(token)
  await window.page.keyboard.press('Enter')
  return window
}

test('what lies aside is told on the first page, and one is tried again and dropped from that of the nodes', async () => {
  const { page, complaints } = await signedIn('open-sesame', 360)
  await page.getByRole('link', { name: '2 lie aside' }).click()
  await page.getByText('INPUT_INVALID').first().waitFor()
  const row = page.getByRole('row', { name: 'three' })
  await row.getByText('What it says').click()
  await row.getByText('"input": "<img src=x onerror=alert(1)>\\u202e"').waitFor()
  const deed = async (name: string): Promise<void> => {
    await page.getByRole('button', { name: `${name} three` }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Who').fill('ann')
    await dialog.getByLabel('Why').fill('ordered anew')
    await dialog.getByRole('button', { name }).click()
  }
  await deed('Try again')
  await page.getByText(/lies aside again\. .*INPUT_INVALID/).waitFor()
  await deed('Drop')
  await page.getByText('is dropped. It will never be done.').waitFor()
  await row.waitFor({ state: 'detached' })
  expect((await shown.app.asides()).items.map(({ id }) => id)).toEqual(['two'])
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
  expect(complaints).toEqual([])
})

test('with a token that only reads it is looked at, and what cannot be done with it is said', async () => {
  const { page } = await signedIn('only-look')
  await page.goto(shown.at('#/nodes'))
  await page.getByText('Try again, Drop: you have signed in with a token that only reads.').waitFor()
  expect(await page.getByRole('button', { name: 'Drop two' }).isDisabled()).toBe(true)
})
