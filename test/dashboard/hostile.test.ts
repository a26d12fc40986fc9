// What strangers write is shown as text: markup, scripts and addresses that run, in inputs, states, outputs, errors, events, who did
// what and why, and in the address of the page itself. Each of them would set a mark in the window if a browser took it for more,
// and the content security policy would complain.
import { ballet, event, operation, service, signal, TerminalError, workflow } from 'ballet'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { findBrowser, openBrowser, show, type Browsing, type Shown, type Windows } from './pages.ts'

const MARK = 'document.documentElement.dataset.taken=1'
const CORPUS = [
  `<script>${MARK}</script>`,
  `<img src=x onerror="${MARK}">`,
  `"><svg onload=${MARK}>`,
  `'><iframe srcdoc="<script>parent.${MARK}</script>"></iframe>`,
  `javascript:${MARK}`,
  `</pre></textarea></title><script>${MARK}</script>`,
  `{{constructor.constructor('${MARK}')()}}\${${MARK}}`,
  `<a href="javascript:${MARK}" style="position:fixed;inset:0">x</a>`,
  '\u202eevil\u001b[31m',
]

const Text = z.object({ id: z.string(), text: z.string() })
const Said = event('said', Text, { key: 'id' })
const Nudge = signal('nudge', z.object({ text: z.string() }))
const breaking = service('breaking', {
  fail: operation({
    input: Text,
    output: z.object({}),
    retry: { attempts: 1 },
    run: ({ text }) => {
      throw new Error(text)
    },
  }),
})
const speak = workflow(
  'speak',
  { input: Text, output: Text, state: Text, key: 'id', signals: [Nudge] },
  async (run, input) => {
    run.set(input)
    run.emit(Said(input))
    await run.receive(Nudge)
    await run.call(breaking.fail(input))
    throw new TerminalError(input.text)
  },
)

const chromium = findBrowser()
let shown: Shown
let browser: Windows
let window: Browsing

beforeAll(async () => {
  shown = await show(
    ballet({ name: 'hostile', version: '1', services: [breaking], workflows: [speak], events: [Said] }),
  )
  const text = CORPUS.join('\n')
  await shown.post('/api/runs', { call: 'speak', input: { id: 'a', text } })
  await shown.post('/api/runs/speak:a/signals/nudge', { data: { text } })
  if (chromium === null) return
  browser = await openBrowser(chromium)
  window = await browser.look()
})
beforeEach((context) => context.skip(chromium === null, 'there is no Chromium here'))
afterAll(async () => {
  await browser?.close()
  await shown.close()
})

/** What of the corpus has become more than text, and what was tried that the policy forbids. */
async function harm(): Promise<readonly unknown[]> {
  const taken: unknown = await window.page.evaluate('document.documentElement.dataset.taken')
  const made = await window.page.locator('#page iframe, #page img, #page script, a[href^="javascript:"]').all()
  return [...(taken === undefined ? [] : [taken]), ...made, ...window.complaints]
}

async function goTo(hash: string): Promise<void> {
  await window.page.goto(shown.at(hash))
}

const seen = (text: string): Promise<void> => window.page.locator('#content', { hasText: text }).first().waitFor()

test.each([
  ['the overview', '', 'Error: <script>'],
  ['the list of runs', '#/runs', 'Error: <script>'],
  ['the timeline of a run', '#/runs/speak%3Aa', 'breaking.fail#0'],
  ['the graph of a run', '#/runs/speak%3Aa?view=graph', 'breaking.fail'],
  ['the sequence of a run', '#/runs/speak%3Aa?view=sequence', 'breaking'],
  ['the journal of a run', '#/runs/speak%3Aa?view=journal', '<img src=x'],
  ['the data of a run', '#/runs/speak%3Aa?view=data', '<img src=x'],
  ['everything of a key', '#/keys/id/a', 'Error: <script>'],
  ['the events', '#/events', 'said'],
])('%s', async (_page, hash, text) => {
  await goTo(hash)
  await seen(text)
  expect(await harm()).toEqual([])
})

test('an event, and its data', async () => {
  await goTo('#/events')
  await window.page.getByRole('link', { name: 'said' }).click()
  await seen('<img src=x')
  expect(await harm()).toEqual([])
})

test('who did what and why, and the answer to it', async () => {
  await goTo('#/runs/speak%3Aa')
  await window.page.getByRole('button', { name: 'Let it fail' }).click()
  const dialog = window.page.getByRole('dialog')
  await dialog.getByLabel('Message').fill(CORPUS[0] ?? '')
  await dialog.getByLabel('Who').fill(CORPUS[1] ?? '')
  await dialog.getByLabel('Why').fill(CORPUS[2] ?? '')
  await dialog.getByRole('button', { name: 'Let it fail' }).click()
  await seen('speak:a: breaking.fail#0 fails.')
  await window.page.getByRole('link', { name: 'journal' }).click()
  await seen(CORPUS[1] ?? '')
  expect(await harm()).toEqual([])
})

test('an address that somebody was sent, and words that are looked for', async () => {
  for (const evil of CORPUS) {
    const part = encodeURIComponent(evil)
    await goTo(`#/runs/${part}`)
    await seen('There is no run')
    expect(await harm()).toEqual([])
  }
  await window.page.getByRole('searchbox').fill(CORPUS[1] ?? '')
  await window.page.keyboard.press('Enter')
  await window.page.getByText('Nothing is known as').waitFor()
  await goTo(`#/runs?key=${encodeURIComponent(CORPUS[1] ?? '')}&name=${encodeURIComponent(CORPUS[2] ?? '')}`)
  await window.page.locator('.failure, .empty').first().waitFor()
  expect(await harm()).toEqual([])
})
