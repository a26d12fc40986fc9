// The dashboard in a real browser over the real shop: an order in each style is found and seen through, what is stuck is told and
// mended from its page, what the shop does not take is said at its place. Nothing is looked at but what a person would see.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeShop } from '../../examples/shop/shop.ts'
import { findBrowser, openBrowser, show, type Browsing, type Shown, type Windows } from './pages.ts'

const chromium = findBrowser()
const orderOf = (sample: string): object =>
  JSON.parse(readFileSync(new URL(`../../examples/shop/orders/${sample}.json`, import.meta.url), 'utf8')) as object

let shop: ReturnType<typeof makeShop>
let shown: Shown
let browser: Windows
let window: Browsing

beforeAll(async () => {
  shop = makeShop(null)
  shown = await show(shop.definition)
  await shop.open()
  if (chromium === null) return
  browser = await openBrowser(chromium)
  window = await browser.look()
})
beforeEach((context) => context.skip(chromium === null, 'there is no Chromium here'))
afterAll(async () => {
  await browser?.close()
  await shown.close()
  await shop.close()
})

async function order(sample: string, style: string, orderId: string): Promise<void> {
  expect((await shown.post('/orders', { ...orderOf(sample), style, orderId })).status).toBe(202)
}

/** The text of the page, once it has all of these. */
async function seen(...words: readonly string[]): Promise<string> {
  for (const one of words) await window.page.locator('#content', { hasText: one }).waitFor()
  return window.page.locator('#content').innerText()
}

async function goTo(hash: string): Promise<void> {
  await window.page.goto(shown.at(hash))
}

test('an orchestrated order is found by its key and seen through', async () => {
  await order('ok', 'orchestrated', 'led-1')
  await shown.app.settled('checkout:led-1', 20_000)
  await goTo('')
  await window.page.getByRole('searchbox').fill('led-1')
  await window.page.keyboard.press('Enter')
  await seen('orderId:led-1', 'payment.charge#0')
  await window.page.getByRole('link', { name: 'checkout', exact: true }).click()
  expect(await seen('checkout:led-1', 'Completed in')).toContain('Cancel, Send a signal: it has ended.')
  await window.page.getByRole('link', { name: 'graph' }).click()
  await window.page.locator('svg', { hasText: 'order.shipped' }).waitFor()
  await window.page.getByRole('link', { name: 'sequence' }).click()
  await seen('notification', 'customer.notified')
  await window.page.getByRole('link', { name: 'journal' }).click()
  await window.page.locator('summary', { hasText: 'payment.charge#0 answered' }).click()
  await seen('receipt-led-1')
  await window.page.getByRole('link', { name: 'data' }).click()
  await seen('odette@example.com')
  expect(window.complaints).toEqual([])
})

test('a choreographed order is a flow with what has come, and the same page', async () => {
  await order('ok', 'choreographed', 'flow-1')
  await goTo('#/flows/fulfilment')
  await window.page.getByRole('link', { name: 'flow-1' }).click()
  await window.page.locator('svg', { hasText: '✓ order.shipped' }).waitFor()
  await seen('flow of fulfilment')
  await window.page.getByRole('link', { name: 'timeline' }).click()
  await seen('shipping.ship', 'reacts to payment.approved')
  await window.page.getByRole('link', { name: 'events', exact: true }).click()
  await window.page.getByRole('link', { name: 'payment.approved' }).click()
  const told = await seen('Cause', 'receipt-flow-1')
  expect(told).toContain('shipping:payment.approved')
  expect(window.complaints).toEqual([])
})

test('a flow is conducted from the page, and each of its steps stands there', async () => {
  await goTo('#/start?what=flow')
  await window.page.getByLabel('Event that begins it').selectOption('order.created')
  await window.page.getByLabel('Data').fill(JSON.stringify({ ...orderOf('ok'), orderId: 'led-2' }))
  await window.page.getByRole('button', { name: 'Conduct a flow' }).click()
  await window.page.getByRole('link', { name: 'fulfilment:led-2' }).click()
  const told = await seen('the calls of the flow that it conducts', 'customer.notified')
  expect(told).toMatch(/payment:stock\.reserved\s+payment\.charge\s+payment\.approved/)
  expect(window.complaints).toEqual([])
})

test('a run that waits for one that is stuck says so, and leads there', async () => {
  await shown.post('/shop/faults', { service: 'notification', garble: true })
  const started = { type: 'order.created', data: { ...orderOf('ok'), orderId: 'held-1' } }
  expect((await shown.post('/api/choreographies/fulfilment/runs', started)).status).toBe(201)
  await goTo('#/runs/fulfilment%3Aheld-1')
  const told = await seen('It is held up by', 'Stuck: notification.notify#0 failed after 1 attempt')
  expect(told).toContain('Waits for the run notification:order.shipped:')
  await fetch(`${shown.url}/shop/faults`, { method: 'DELETE' })
  await window.page.getByLabel('Why it waits').getByText('It is held up by').getByRole('link').click()
  await seen('Stuck: notification.notify#0 failed after 1 attempt', 'Parent')
  await shown.app.actOnAll({ action: 'retry', name: 'notification:order.shipped', by: 'ann' })
  expect((await shown.app.settled('fulfilment:held-1', 20_000))?.status).toBe('completed')
  expect(window.complaints).toEqual([])
})

test('what is stuck stands first, and is retried from its page with a reason', async () => {
  await shown.post('/shop/faults', { service: 'notification', garble: true })
  await order('ok', 'orchestrated', 'stuck-1')
  await goTo('')
  await window.page.getByRole('link', { name: 'checkout:stuck-1' }).first().click()
  await seen('Stuck: notification.notify#0 failed after 1 attempt')
  await fetch(`${shown.url}/shop/faults`, { method: 'DELETE' })
  await window.page.getByRole('button', { name: 'Retry' }).click()
  const dialog = window.page.getByRole('dialog')
  // Nothing is done without who and why.
  await dialog.getByRole('button', { name: 'Retry' }).click()
  expect((await shown.app.run('checkout:stuck-1'))?.status).toBe('stuck')
  await dialog.getByLabel('Who').fill('ann')
  await dialog.getByLabel('Why').fill('the service is mended')
  await dialog.getByRole('button', { name: 'Retry' }).click()
  await seen('checkout:stuck-1: notification.notify#0 is tried again.', 'Completed in')
  await window.page.getByRole('link', { name: 'journal' }).click()
  await seen('retry notification.notify#0, asked for by ann (the service is mended)')
  expect(window.complaints).toEqual([])
})

test('runs that are stuck alike are retried together', async () => {
  await shown.post('/shop/faults', { service: 'notification', garble: true })
  const ids = ['all-1', 'all-2']
  for (const id of ids) await order('ok', 'orchestrated', id)
  await goTo('')
  await seen('2 runs of checkout')
  await fetch(`${shown.url}/shop/faults`, { method: 'DELETE' })
  await window.page.getByRole('button', { name: 'Retry all' }).click()
  const dialog = window.page.getByRole('dialog')
  await dialog.getByLabel('Who').fill('ann')
  await dialog.getByLabel('Why').fill('the service is mended')
  await dialog.getByRole('button', { name: 'Retry all' }).click()
  await seen('Nothing is stuck.')
  for (const id of ids) expect((await shown.app.settled(`checkout:${id}`, 20_000))?.status).toBe('completed')
})

test('a call is answered in the place of its service, and what its schema does not take is said at its line', async () => {
  await shown.post('/shop/faults', { service: 'notification', garble: true })
  await order('ok', 'orchestrated', 'stuck-2')
  await goTo('#/runs/checkout%3Astuck-2')
  await window.page.getByRole('button', { name: 'Answer in its place' }).click()
  const dialog = window.page.getByRole('dialog')
  await dialog.getByLabel('Who').fill('ann')
  await dialog.getByLabel('Why').fill('told by telephone')
  await dialog.getByRole('button', { name: 'Answer in its place' }).click()
  await dialog.getByText(/^news/).waitFor()
  const value = { type: 'customer.notified', data: { orderId: 'stuck-2', news: 'confirmed', detail: 'by telephone' } }
  await dialog.getByLabel('What its service would have answered').fill(JSON.stringify(value))
  await dialog.getByRole('button', { name: 'Answer in its place' }).click()
  await seen('Completed in')
  await fetch(`${shown.url}/shop/faults`, { method: 'DELETE' })
  expect(window.complaints).toEqual([])
})

test('a run is started, and a number that cannot be kept is refused as it was written', async () => {
  await goTo('#/start?name=payment.charge')
  const input = window.page.getByLabel('Input')
  await input.fill('{\n  "orderId": "s-1",\n  "amount": 12345678901234567890\n}')
  await window.page.getByRole('button', { name: 'Start a run' }).click()
  await seen('12345678901234567890')
  await input.fill('{\n  "orderId": "s-1",\n  "amount": "much"\n}')
  await window.page.getByRole('button', { name: 'Start a run' }).click()
  await window.page.locator('.numbers .wrong').waitFor()
  expect(window.complaints).toEqual([])
})
