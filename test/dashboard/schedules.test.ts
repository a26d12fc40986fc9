// The page of the schedules in a real browser: what fires when, what keeps one from firing, and what a person can do about it.
import { ballet, schedule, workflow } from 'ballet'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { findBrowser, openBrowser, show, type Shown, type Windows } from './pages.ts'

const reconcile = workflow(
  'reconcile',
  { input: z.object({ at: z.string() }), output: z.object({}), key: 'at' },
  async () => ({}),
)
const nightly = schedule('nightly', {
  cron: '0 3 1 1 *',
  timezone: 'Europe/Lisbon',
  call: ({ at }) => reconcile({ at }),
})
const broken = schedule('broken', {
  every: '1s',
  call: () => {
    throw new Error('no such book')
  },
})
const definition = ballet({ name: 'books', services: [], workflows: [reconcile], schedules: [nightly, broken] })

const chromium = findBrowser()
let shown: Shown
let browser: Windows

beforeAll(async () => {
  if (chromium === null) return
  shown = await show(definition)
  browser = await openBrowser(chromium)
})
beforeEach((context) => context.skip(chromium === null, 'there is no Chromium here'))
afterAll(async () => {
  await browser?.close()
  await shown?.close()
})

test('a stuck schedule is on the first page, and says why it does not fire', async () => {
  const { page, complaints } = await browser.look()
  await page.goto(shown.at())
  await page.getByRole('link', { name: '2 schedules, 1 stuck' }).click()
  await page.getByRole('link', { name: 'why it is stuck, and what can be done' }).click()
  await page.getByText('Stuck: judge#0 failed after 1 attempt (Error: no such book)').waitFor()
  expect(await page.getByRole('button', { name: 'Cancel' }).isDisabled()).toBe(true)
  await page.getByRole('link', { name: 'among the schedules' }).click()
  await page.getByText('0 3 1 1 *').waitFor()
  expect(complaints).toEqual([])
})

test('a person pauses a schedule, fires it by hand, and lets it go on', async () => {
  const { page } = await browser.look({ width: 360, height: 740 })
  await page.goto(shown.at('#/schedules'))
  const deed = async (name: string): Promise<void> => {
    await page.getByRole('button', { name: `${name} nightly` }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Who').fill('ana')
    await dialog.getByLabel('Why').fill('the bank is closed')
    await dialog.getByRole('button', { name }).click()
  }
  await deed('Pause')
  await page.getByText('the bank is closed').waitFor()
  expect((await shown.app.schedule('nightly')).paused).toMatchObject({ by: 'ana', why: 'the bank is closed' })
  await deed('Fire')
  await page.getByText('Fired: nightly@').waitFor()
  expect((await shown.app.runs({ name: 'reconcile' })).items).toHaveLength(1)
  await deed('Resume')
  await page.getByRole('button', { name: 'Pause nightly' }).waitFor()
  expect((await shown.app.schedule('nightly')).state).toBe('active')
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
})
