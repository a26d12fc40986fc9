// The pages of an application that lacks a key of its codec: what it cannot read is named, and the rest is shown.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ballet, event, operation, service, type Codec } from 'ballet'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { findBrowser, openBrowser, show, type Browsing, type Shown, type Windows } from './pages.ts'

const Placed = event('placed', z.object({ orderId: z.string() }), { key: 'orderId' })
const mailer = service('mailer', { send: operation({ input: z.object({ to: z.string() }), run: () => {} }) })
mailer.on(Placed, ({ orderId }) => mailer.send({ to: orderId }))
const definition = ballet({ name: 'secrets', version: '1', services: [mailer], workflows: [] })

const codecOf = (key: string): Codec => ({
  encode: (text) => `${key}${text}`,
  decode(payload) {
    if (!String(payload).startsWith(key)) throw new Error('its key is not here')
    return String(payload).slice(key.length)
  },
})

const chromium = findBrowser()
const folder = mkdtempSync(join(tmpdir(), 'ballet-lost-key-'))
const store = `file:${join(folder, 'store.db')}`
let shown: Shown
let browser: Windows
let window: Browsing

/** Has its events of one order published by an application with a key. */
async function publish(key: string, id: string): Promise<void> {
  const { app, ...served } = await show(definition, { store, codec: codecOf(key) })
  await app.publish(Placed({ orderId: 'o' }), { id })
  await app.settled(`mailer:placed:${id}`, 60_000)
  await served.close()
}

beforeAll(async () => {
  await publish('old ', 'before')
  await publish('new ', 'after')
  shown = await show(definition, { store, codec: codecOf('new ') })
  if (chromium === null) return
  browser = await openBrowser(chromium)
  window = await browser.look()
})
beforeEach((context) => context.skip(chromium === null, 'there is no Chromium here'))
afterAll(async () => {
  await browser?.close()
  await shown.close()
  rmSync(folder, { recursive: true })
})

const unread = 'the event "before" cannot be read'

test.each([
  ['the events', '#/events', unread],
  ['everything of a key', '#/keys/orderId/o', unread],
  ['what came of a key', '#/keys/orderId/o?view=events', unread],
  ['a run of its graph', '#/runs/mailer%3Aplaced%3Aafter', 'mailer:placed:after'],
  ['the list of runs', '#/runs', 'mailer:placed:before'],
])('%s: what cannot be read is named, and the rest is shown', async (_page, hash, words) => {
  await window.page.goto(shown.at(hash))
  await window.page.locator('#content', { hasText: words }).first().waitFor()
  await window.page.locator('#content', { hasText: hash.includes('runs') ? 'mailer:placed:after' : 'placed' }).waitFor()
  expect(window.complaints).toEqual([])
})

test('an event that cannot be read is not said to be missing, nor is its key', async () => {
  await window.page.goto(shown.at('#/events/event%3Asecrets%3Abefore'))
  await window.page.locator('#content', { hasText: unread }).waitFor()
  expect(await window.page.getByText('There is no such event').count()).toBe(0)
  await window.page.getByRole('searchbox').fill('event:secrets:before')
  await window.page.keyboard.press('Enter')
  await window.page.locator('#content', { hasText: unread }).waitFor()
})
