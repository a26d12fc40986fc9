// The frame of the dashboard in a real browser: it is reached by the keyboard alone, fits a narrow screen, is readable in light
// and dark, says when the server does not answer, and asks for a token where the server does.
import { createHash } from 'node:crypto'
import { ballet, operation, service, signal, workflow } from 'ballet'
import { elsewhere } from 'ballet/http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../support/applications.ts'
import { findBrowser, openBrowser, show, type Shown, type Windows } from './pages.ts'

const Input = z.object({ id: z.string() })
const mail = service('mail', {
  send: operation({
    input: Input,
    output: z.object({}),
    retry: { attempts: 1 },
    run: () => {
      throw new Error('the mail server is away')
    },
  }),
})
const bank = elsewhere(
  service('bank', { pay: operation({ input: Input, output: z.object({}) }) }, { limits: { atOnce: 2 } }),
  { url: 'http://127.0.0.1:9/bank' },
)
const tell = workflow('tell', { input: Input, output: z.object({}), key: 'id' }, async (run, input) =>
  run.call(mail.send(input)),
)
const definition = ballet({ name: 'post', version: '1', services: [mail, bank], workflows: [tell] })

const chromium = findBrowser()
let shown: Shown
let browser: Windows

beforeAll(async () => {
  shown = await show(definition)
  for (const id of ['a', 'b', 'a-long-one-'.repeat(12)]) await shown.post('/api/runs', { call: 'tell', input: { id } })
  if (chromium !== null) browser = await openBrowser(chromium)
})
beforeEach((context) => context.skip(chromium === null, 'there is no Chromium here'))
afterAll(async () => {
  await browser?.close()
  await shown.close()
})

/** Contrast of every text that is seen with what is behind it, the least first; as the guidelines for content reckon it. */
const LEAST_CONTRAST = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((one) => (one / 255 <= 0.03928 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const behind = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const colour = rgb(getComputedStyle(one).backgroundColor)
      if (colour[3] === 255) return colour
    }
    return [255, 255, 255, 255]
  }
  const found = []
  const texts = document.createTreeWalker(document.getElementById('page'), NodeFilter.SHOW_TEXT)
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const element = text.parentElement
    if (text.data.trim() === '' || element.closest('svg, button:disabled') || element.getClientRects().length === 0) continue
    const [one, other] = [light(rgb(getComputedStyle(element).color)), light(behind(element))]
    found.push({ contrast: (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), text: text.data })
  }
  return found.sort((one, other) => one.contrast - other.contrast)[0]
})()`

test.each([
  ['light', false],
  ['dark', true],
])('every text can be read in %s', async (_scheme, dark) => {
  const { page, complaints } = await browser.look({ dark })
  for (const [hash, text] of [
    ['', 'Newest workflows'],
    ['#/runs', 'Stuck for'],
    ['#/runs/tell%3Aa', 'Its service knows it as'],
    ['#/runs/tell%3Aa?view=journal', 'starts'],
    ['#/nodes', 'answers here'],
    ['#/start', 'Workflow or operation'],
  ] as const) {
    await page.goto(shown.at(hash))
    await page.locator('#content', { hasText: text }).waitFor()
    const least = (await page.evaluate(LEAST_CONTRAST)) as { readonly contrast: number; readonly text: string }
    expect({ hash, ...least, isEnough: least.contrast >= 4.5 }).toMatchObject({ isEnough: true })
  }
  expect(complaints).toEqual([])
})

test('on a narrow screen nothing stands beside it', async () => {
  const { page } = await browser.look({ width: 360, height: 740 })
  await page.goto(shown.at())
  const places = page.getByRole('navigation', { name: 'Pages' }).getByRole('link')
  await places.last().waitFor()
  for (const link of await places.all()) {
    const box = await link.boundingBox()
    expect((box?.x ?? 999) + (box?.width ?? 0)).toBeLessThanOrEqual(360)
  }
  for (const [hash, text] of [
    ['', 'Newest workflows'],
    ['#/runs', 'Stuck for'],
    ['#/runs/tell%3Aa', 'Its service knows it as'],
    ['#/runs/tell%3Aa?view=journal', 'not tried again'],
    ['#/start', 'Workflow or operation'],
  ] as const) {
    await page.goto(shown.at(hash))
    await page.locator('#content', { hasText: text }).waitFor()
    expect([hash, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([hash, 360])
  }
})

test('of a long list only what is seen is in the page, and it goes on', async () => {
  const long = await show(definition)
  try {
    await long.post('/api/runs', { call: 'mail.send', input: { id: 'first' } })
    await until(long.app, null, async () => (await long.app.runs({ status: ['stuck'] })).items[0])
    const ids = Array.from({ length: 230 }, (_, index) => `n${index}`)
    await Promise.all(ids.map((id) => long.post('/api/runs', { call: 'tell', input: { id } })))
    const { page } = await browser.look()
    // Many of one fault do not hide the one of another that came before them, and all are counted.
    await page.goto(long.at())
    await page.getByRole('heading', { name: '230 runs of tell' }).waitFor()
    await page.getByRole('heading', { name: '1 run of mail.send' }).waitFor()
    await page.goto(long.at('#/runs?kind=workflow'))
    for (const size of [200, 230]) {
      await page.getByRole('button', { name: 'More' }).click()
      await page.locator(`[aria-setsize="${size}"]`).first().waitFor()
    }
    expect(await page.getByRole('listitem').count()).toBeLessThan(120)
    await page.keyboard.press('End')
    await page.locator('[aria-posinset="230"]').waitFor()
    await page.keyboard.press('Home')
    await page.locator('[aria-posinset="1"]').waitFor()
    expect(await page.getByRole('button', { name: 'More' }).count()).toBe(0)
  } finally {
    await long.close()
  }
})

test('a stuck run is found, and cancelled, by the keyboard alone', async () => {
  const { page } = await browser.look()
  const { keyboard } = page
  await page.goto(shown.at('#/nodes'))
  await page.getByText('answers here').waitFor()
  await keyboard.press('/')
  await keyboard.type('tell:b')
  await keyboard.press('Enter')
  await page.getByText('Stuck: mail.send#0 failed').waitFor()
  const focused = async (words: string): Promise<boolean> =>
    (await page.evaluate('document.activeElement.textContent')) === words
  while (!(await focused('Cancel'))) await keyboard.press('Tab')
  await keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  for (const words of ['ann', 'not needed any more']) {
    while (!(await page.evaluate("document.activeElement.matches('input:placeholder-shown, input')")))
      await keyboard.press('Tab')
    await keyboard.type(words)
    await keyboard.press('Tab')
  }
  while (!(await focused('Cancel'))) await keyboard.press('Tab')
  await keyboard.press('Enter')
  await page.getByText('Cancelled by ann after').waitFor()
  expect((await shown.app.run('tell:b'))?.status).toBe('cancelled')
})

test('a retry that came to nothing says so beside what was done', async () => {
  const { page } = await browser.look()
  await page.goto(shown.at('#/runs/tell%3Aa'))
  await page.getByRole('button', { name: 'Retry' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Who').fill('ann')
  await dialog.getByLabel('Why').fill('it may be there again')
  await dialog.getByRole('button', { name: 'Retry' }).click()
  await page.getByText('tell:a: mail.send#0 is tried again. It is stuck still, or again').waitFor()
  expect((await shown.app.run('tell:a'))?.status).toBe('stuck')
})

test('where a service is carried out, and how often it may be asked, is said', async () => {
  const { page } = await browser.look()
  await page.goto(shown.at('#/nodes'))
  const services = page.getByRole('group', { name: 'Services' })
  await services.waitFor()
  const rows = await services.getByRole('row').allInnerTexts()
  expect(rows.map((row) => row.split(/\s*\t\s*/))).toEqual([
    ['Service', 'Where', 'Limit', 'Operations'],
    ['mail', 'in this application', 'none', 'mail.send'],
    ['bank', 'http://127.0.0.1:9', '2 at once', 'bank.pay'],
  ])
})

test('calls that fail again and again are said with the name of their service, also behind many that wait for something else', async () => {
  const Go = signal('go', z.object({}))
  const depot = service('depot', {
    ship: operation({
      input: Input,
      output: z.object({}),
      retry: { attempts: 100_000, backoff: '20ms', limit: '20ms' },
      run: ({ id }) => {
        if (id === 'slow') return new Promise(() => {})
        throw new Error('connect ECONNREFUSED 10.0.0.9:443.')
      },
    }),
  })
  const wait = workflow('wait', { input: Input, output: z.object({}), signals: [Go] }, async (run) => {
    await run.receive(Go)
    return {}
  })
  const long = await show(ballet({ name: 'long', version: '1', services: [depot], workflows: [wait] }))
  try {
    for (const id of ['a', 'b']) await long.post('/api/runs', { call: 'depot.ship', input: { id }, id })
    // Of the same name are more than are looked at of one.
    const away = Array.from({ length: 25 }, (_, index) => `c${index}`)
    await Promise.all(away.map((id) => long.post('/api/runs', { call: 'depot.ship', input: { id: 'slow' }, id })))
    const ids = Array.from({ length: 120 }, (_, index) => `w${index}`)
    await Promise.all(ids.map((id) => long.post('/api/runs', { call: 'wait', input: { id }, id })))
    const { page, complaints } = await browser.look()
    await page.goto(long.at())
    await page.getByRole('heading', { name: 'depot fails depot.ship in 2 calls' }).waitFor()
    expect(await page.getByText('connect ECONNREFUSED').first().innerText()).toContain(
      '10.0.0.9:443. The first was asked',
    )
    expect(complaints).toEqual([])
  } finally {
    await long.close()
  }
})

test('that the server does not answer is said', async () => {
  const { page } = await browser.look()
  const away = await show(definition)
  await page.goto(away.at())
  await page.getByText('Nothing is stuck.').waitFor()
  await away.close()
  await page.getByText('No answer from the server').waitFor()
  expect(await page.getByRole('heading', { name: 'Overview' }).isVisible()).toBe(true)
})

test('that it hangs, or a proxy has nobody behind it, is said, and what was known before is not shown as it is now', async () => {
  const quiet = await show(ballet({ name: 'quiet', version: '1', services: [mail], workflows: [tell] }))
  try {
    const { page } = await browser.look()
    const stuck = page.locator('a.number', { hasText: 'stuck' })
    const away = page.getByText('No answer from the server')
    await page.clock.install()
    await page.goto(quiet.at())
    await page.getByText('Nothing is stuck.').waitFor()
    // As a node that was stopped: it takes what comes, and answers nothing.
    await page.route('**/api/**', () => {})
    await page.clock.fastForward(5000)
    await page.clock.fastForward(11_000)
    await away.waitFor()
    await page.getByText('The server has not answered in 10 s.').first().waitFor()
    expect(await page.getByText('Nothing is stuck.').count()).toBe(0)
    expect(await stuck.innerText()).toContain('–')
    await page.unrouteAll()
    await page.clock.fastForward(5000)
    await page.getByText('Nothing is stuck.').waitFor()
    expect(await away.count()).toBe(0)
    await page.route('**/api/**', (route) =>
      route.fulfill({ status: 502, contentType: 'text/html', body: 'Bad Gateway' }),
    )
    await page.clock.fastForward(5000)
    await away.waitFor()
    // Each of the questions hears of it by itself.
    await page.getByText('Nothing is stuck.').waitFor({ state: 'detached' })
  } finally {
    await quiet.close()
  }
})

test('what the server could not be asked for is not said to be nothing', async () => {
  const { page } = await browser.look()
  const [overview, runs] = [shown.at(), shown.at('#/runs')]
  // The way to this one answer is broken, all others come.
  await page.route('**/api/runs?*', (route) => route.abort())
  await page.goto(overview)
  await page.getByRole('heading', { name: 'Where it stands' }).waitFor()
  await page.getByText('The server does not answer.').first().waitFor()
  expect(await page.getByText('Nothing is stuck.').count()).toBe(0)
  await page.goto(runs)
  await page.getByText('The server does not answer.').first().waitFor()
  expect(await page.getByText('No run fits.').count()).toBe(0)
})

test('a token is asked for where the server asks for one, and then everything is there', async () => {
  const guarded = await show(definition, { token: 'open-sesame' })
  try {
    const { page, complaints } = await browser.look()
    await page.goto(guarded.at('#/nodes'))
    await page.getByLabel('Token').fill('open-says-me')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('That is not a token of this server.').waitFor()
    await page.getByLabel('Token').fill('open-sesame')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('answers here').waitFor()
    await page.goto(guarded.at('#/start?name=tell'))
    await page.getByLabel('Input').fill('{ "id": "signed" }')
    await page.getByRole('button', { name: 'Start a run' }).click()
    await page.getByRole('link', { name: 'tell:signed' }).waitFor()
    // A session that is over is told apart from a first visit, and one goes on where one was: on a page that asks every two seconds.
    await page.goto(guarded.at('#/nodes'))
    await page.getByText('answers here').waitFor()
    await page.context().clearCookies()
    await page.getByText('Your session has ended.').waitFor()
    await page.getByLabel('Token').fill('open-sesame')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('answers here').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
    expect(complaints).toEqual([])
  } finally {
    await guarded.close()
  }
})

test('who has signed in with a token that only reads sees so before doing anything', async () => {
  const guarded = await show(definition, { token: 'open-sesame', readToken: 'only-look' })
  try {
    const started = await fetch(`${guarded.url}/api/runs`, {
      method: 'POST',
      headers: { authorization: 'Bearer open-sesame', 'content-type': 'application/json' },
      body: JSON.stringify({ call: 'tell', input: { id: 'a' } }),
    })
    expect(started.status).toBe(201)
    const { page } = await browser.look()
    await page.goto(guarded.at('#/runs/tell%3Aa'))
    await page.getByLabel('Token').fill('only-look')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Stuck: mail.send#0 failed').waitFor()
    await page.getByText('Only reads', { exact: true }).waitFor()
    for (const name of ['Retry', 'Answer in its place', 'Let it fail', 'Cancel'])
      expect([name, await page.getByRole('button', { name }).isDisabled()]).toEqual([name, true])
    await page.getByText('Cancel: you have signed in with a token that only reads.').waitFor()
    await page.goto(guarded.at('#/start'))
    await page.getByText('Not possible: you have signed in with a token that only reads.').waitFor()
    expect(await page.getByRole('button', { name: 'Start a run' }).isDisabled()).toBe(true)
  } finally {
    await guarded.close()
  }
})

test('who has signed in with an API key sees what it may not do, and why', async () => {
  const [key, over] = [`ballet_mail.${'k'.repeat(43)}`, `ballet_mail.${'o'.repeat(43)}`]
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
  const apiKeys = `mail read+signal ${hash(key)}, mail all ${hash(over)} 2026-01-31T12:00:00Z`
  const guarded = await show(definition, { token: 'open-sesame', apiKeys })
  try {
    const { page } = await browser.look()
    await page.goto(guarded.at('#/start'))
    await page.getByLabel('Token').fill(over)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The API key "mail" was good until 2026-01-31T12:00:00.000Z.').waitFor()
    await page.getByLabel('Token').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('API key mail', { exact: true }).waitFor()
    await page.getByText('Not possible: your API key mail lacks the scope start.').waitFor()
    expect(await page.getByRole('button', { name: 'Start a run' }).isDisabled()).toBe(true)
    expect(await page.getByText('Only reads', { exact: true }).count()).toBe(0)
  } finally {
    await guarded.close()
  }
})
