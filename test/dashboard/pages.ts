// A shop with its dashboard, and a browser that looks at it: both real. The pages are those that the server shows, built. Where
// there is no Chromium a test that asks for one is left out and says so, unless BALLET_REQUIRE names `browser`.
import { existsSync } from 'node:fs'
import { open, type Application, type ApplicationDefinition, type Codec } from 'ballet'
import { serve } from 'ballet/server'
import { chromium, type Page } from 'playwright-core'

/** Where Debian and others put it; BALLET_CHROMIUM names another. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where the browser is, or null. @throws when BALLET_REQUIRE asks for one and there is none. */
export function findBrowser(): string | null {
  const found = [process.env['BALLET_CHROMIUM'] ?? '', ...PLACES].find((path) => path !== '' && existsSync(path))
  const isRequired = (process.env['BALLET_REQUIRE'] ?? '').split(',').includes('browser')
  if (found === undefined && isRequired)
    throw new Error('BALLET_REQUIRE asks for a browser, and there is no Chromium here.')
  return found ?? null
}

export interface Browsing {
  readonly page: Page
  /** What the page has said on its console as an error, of the content security policy too, and what it threw. */
  readonly complaints: readonly string[]
}

interface Look {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
}

/** A browser that is new, and looks nothing up by itself. */
export interface Windows {
  /** A window without a cookie or a cache. */
  look(options?: Look): Promise<Browsing>
  close(): Promise<void>
}

export async function openBrowser(executablePath: string): Promise<Windows> {
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  return {
    async look({ width = 1280, height = 900, dark = false } = {}) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: dark ? 'dark' : 'light',
      })
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      const complaints: string[] = []
      page.on('console', (message) => {
        // A browser reports every answer of 4xx as an error; the page shows what it means.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
          complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
      return { page, complaints }
    },
    close: () => browser.close(),
  }
}

export interface Shown {
  readonly app: Application
  readonly url: string
  /** The address of a page. */
  at(hash?: string): string
  post(path: string, body: unknown): Promise<Response>
  close(): Promise<void>
}

const nothing = (): void => {}
const silent = { info: nothing, warn: nothing, error: nothing }

interface Served {
  readonly token?: string
  readonly readToken?: string
  readonly apiKeys?: string
  readonly store?: string
  readonly codec?: Codec
}

/** Opens an application, in memory unless there is a store, and serves it with its pages. */
export async function show(
  definition: ApplicationDefinition,
  { store = 'memory:', codec, ...served }: Served = {},
): Promise<Shown> {
  // Runs are stuck on purpose.
  const app = await open(definition, { store, log: silent, ...(codec && { codec }) })
  const server = await serve(app, { port: 0, ...served })
  return {
    app,
    url: server.url,
    at: (hash = '') => `${server.url}/dashboard/${hash}`,
    post: (path, body) =>
      fetch(`${server.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async close() {
      await server.close()
      await app.close()
    },
  }
}
