// The files of the dashboard on a server that listens, made of a small folder in the place of the built one.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '../engine/log.ts'
import { handler } from './handler.ts'
import type { Problem } from './problem.ts'
import { serve, serveWith, type ServeOptions, type Serving } from './serve.ts'
import { testApplication } from './test-application.ts'
import { connection } from './test-socket.ts'

const PAGE = '<!doctype html><title>Ballet</title><script type="module" src="./assets/app-1a2b.js"></script>'
const SCRIPT = `console.log(${JSON.stringify('Ballet '.repeat(500))})`
const SECRET = 'nobody may read this'

let root: string
let server: Serving
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'ballet-dashboard-'))
  mkdirSync(join(root, 'shown', 'assets'), { recursive: true })
  const write = (path: string, text: string): void => writeFileSync(join(root, path), text)
  write('secret.txt', SECRET)
  write('shown/index.html', PAGE)
  write('shown/favicon.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>')
  write('shown/assets/app-1a2b.js', SCRIPT)
  write('shown/assets/app-1a2b.css', 'body{}')
  write('shown/assets/logo-1a2b.png', 'x'.repeat(500))
  write('shown/assets/what.ever', 'x')
  symlinkSync(join(root, 'secret.txt'), join(root, 'shown', 'assets', 'link.txt'))
  server = await showing()
})
afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true })
})

const showing = (options: Partial<ServeOptions> = {}, folder = 'shown'): Promise<Serving> => {
  const { app } = testApplication()
  const dashboard = pathToFileURL(`${join(root, folder)}/`)
  return serveWith(app, { port: 0, log: silentLog, ...options }, { dashboard })
}

interface Raw {
  readonly status: number
  readonly headers: string
  readonly body: string
}

/** As it is written on the wire, whatever a client would make of the path. */
async function raw(path: string, { method = 'GET', port = server.port, host = 'localhost' } = {}): Promise<Raw> {
  const client = await connection(port)
  client.send(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  const [headers = '', body = ''] = (await client.ended()).split(/\r\n\r\n([^]*)/)
  return { status: Number(headers.slice(9, 12)), headers, body }
}

describe('the dashboard', () => {
  it.each([
    ['', 'text/html; charset=utf-8', PAGE],
    ['index.html', 'text/html; charset=utf-8', PAGE],
    ['favicon.svg', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['assets/app-1a2b.js', 'text/javascript; charset=utf-8', SCRIPT],
    ['assets/app-1a2b.css', 'text/css; charset=utf-8', 'body{}'],
    ['assets/logo-1a2b.png', 'image/png', 'x'.repeat(500)],
    ['assets/what.ever', 'application/octet-stream', 'x'],
  ])('has the file %j', async (path, type, text) => {
    const response = await fetch(`${server.url}/dashboard/${path}`)
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([200, type, text])
    const isAsset = path.startsWith('assets/')
    expect(response.headers.get('cache-control')).toBe(isAsset ? 'public, max-age=31536000, immutable' : 'no-store')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-security-policy':
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    })
    expect([...response.headers.keys()]).not.toContain('access-control-allow-origin')
  })

  it.each([
    'runs',
    'runs/',
    'runs/checkout:8841~gift-wrap.0',
    'runs/payment:order.created:web%2F7',
    'keys/a/b?c=d.e#f',
  ])('answers the path of a page, %s, with the page', async (path) => {
    const response = await fetch(`${server.url}/dashboard/${path}`)
    expect([response.status, await response.text()]).toEqual([200, PAGE])
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it.each(['none.js', 'assets/none-1a2b.js', 'assets/', 'assets/none', 'assets/link.txt', 'index.htm'])(
    'has no file %s',
    async (path) => {
      const response = await fetch(`${server.url}/dashboard/${path}`)
      expect([response.status, ((await response.json()) as Problem).code]).toEqual([404, 'ROUTE_UNKNOWN'])
    },
  )

  it('stands at a path that ends with a slash', async () => {
    const { status, headers } = await raw('/dashboard?a=b')
    expect([status, /^location: (.*)$/im.exec(headers)?.[1]?.trim()]).toEqual([307, '/dashboard/?a=b'])
  })

  it('is sent as small as the other side can read it', async () => {
    const sent = async (accepted: string): Promise<[string | null, number, string | null]> => {
      const headers = { 'accept-encoding': accepted }
      const got = await fetch(`${server.url}/dashboard/assets/app-1a2b.js`, { headers })
      expect([got.headers.get('vary'), await got.text()]).toEqual(['accept-encoding', SCRIPT])
      return [got.headers.get('content-encoding'), Number(got.headers.get('content-length')), got.headers.get('etag')]
    }
    const all = [await sent('gzip, br'), await sent('GZIP;q=0.5'), await sent('br;q=0, gzip'), await sent('deflate')]
    expect(all.map(([encoding]) => encoding)).toEqual(['br', 'gzip', 'gzip', null])
    expect(all[0]?.[1]).toBeLessThan(SCRIPT.length / 10)
    expect(all[1]?.[1]).toBeLessThan(SCRIPT.length / 10)
    expect(new Set(all.map(([, , tag]) => tag)).size).toBe(3)
    // Not by what `fetch` makes of it.
    const { app } = testApplication()
    const dashboard = pathToFileURL(`${join(root, 'shown')}/`)
    await using other = await serveWith(app, { port: 0 }, { dashboard })
    const bytes = async (encoding: string): Promise<Buffer> => {
      const client = await connection(other.port)
      const chunks: Buffer[] = []
      client.socket.setEncoding('latin1').on('data', (chunk: string) => chunks.push(Buffer.from(chunk, 'latin1')))
      client.send(
        `GET /dashboard/assets/app-1a2b.js HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: ${encoding}\r\nConnection: close\r\n\r\n`,
      )
      await client.ended()
      const answer = Buffer.concat(chunks)
      return answer.subarray(answer.indexOf('\r\n\r\n') + 4)
    }
    expect(brotliDecompressSync(await bytes('br')).toString()).toBe(SCRIPT)
    expect(gunzipSync(await bytes('gzip')).toString()).toBe(SCRIPT)
    // Nothing is gained there.
    const headers = { 'accept-encoding': 'br' }
    const small = await fetch(`${server.url}/dashboard/assets/app-1a2b.css`, { headers })
    const dense = await fetch(`${server.url}/dashboard/assets/logo-1a2b.png`, { headers })
    expect([small.headers.get('content-encoding'), dense.headers.get('content-encoding')]).toEqual([null, null])
  })

  it('is not sent again to whoever has it', async () => {
    const ask = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${server.url}/dashboard/assets/app-1a2b.js`, { headers: { 'accept-encoding': 'gzip', ...headers } })
    const tag = (await ask({})).headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[\w-]{27}-gzip"$/)
    for (const known of [tag, `"x", W/${tag}`]) {
      const response = await ask({ 'if-none-match': known })
      expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([304, tag, ''])
    }
    expect((await ask({ 'if-none-match': '"x"' })).status).toBe(200)
  })

  it('is read only', async () => {
    const { status, headers, body } = await raw('/dashboard/index.html', { method: 'HEAD' })
    expect([status, body]).toEqual([200, ''])
    expect(headers).toMatch(new RegExp(`^content-length: ${PAGE.length}\\r?$`, 'im'))
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await fetch(`${server.url}/dashboard/`, { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
  })

  it('is shown to everybody who may reach the server, whatever the application does; to nobody else', async () => {
    await using guarded = await showing({ token: 'open-sesame' })
    expect((await fetch(`${guarded.url}/dashboard/`)).status).toBe(200)
    expect((await raw('/dashboard/', { host: 'evil.com' })).body).toContain('HOST_FORBIDDEN')
    const dashboard = pathToFileURL(`${join(root, 'shown')}/`)
    await using recovering = await serveWith(new Promise(() => {}), { port: 0 }, { dashboard })
    expect((await fetch(`${recovering.url}/dashboard/`)).status).toBe(200)
  })
})

describe('a path', () => {
  const up = [
    '../',
    '..%2f',
    '%2e%2e/',
    '%2e%2e%2f',
    '..\\',
    '..%5c',
    '%252e%252e%252f',
    '..%c0%af',
    '%00../',
    '.../',
    '....//',
  ]
  const corpus = [
    ...up.flatMap((step) =>
      [1, 2, 8].flatMap((times) => [`${step.repeat(times)}secret.txt`, `assets/${step.repeat(times)}secret.txt`]),
    ),
    ...up.map((step) => `runs/${step.repeat(2)}secret.txt`),
    'index.html%00.js',
    'assets/app-1a2b.js%00',
    'assets//app-1a2b.js',
    '/etc/passwd',
    '//etc/passwd',
    'file:///etc/passwd',
    'C:%5cWindows%5cwin.ini',
    'assets/link.txt',
    'assets/.',
    '__proto__',
    'constructor',
    'assets/__proto__',
    'INDEX.HTML',
    'index.html/',
    'index.html::$DATA',
    '%',
    '%zz',
    `assets/${'../'.repeat(500)}secret.txt`,
    `${'a/'.repeat(3000)}b`,
  ]
  const known = new Set([PAGE, SCRIPT])

  it.each(corpus.map((path) => [path.length > 80 ? `${path.slice(0, 80)}…` : path, path]))(
    'never reaches the file system: %s',
    async (_what, path) => {
      for (const target of [`/dashboard/${path}`, `/dashboard${path}`]) {
        const { status, body } = await raw(target)
        expect(body).not.toContain(SECRET)
        expect(body).not.toContain('root:')
        // A page, a file of the folder, or a problem: the page is there whatever its path.
        expect([400, 404].includes(status) || known.has(body)).toBe(true)
      }
    },
  )

  it('in a spelling of its own is the application’s, or nobody’s', async () => {
    const seen: string[] = []
    const routes = () => (request: Request) => {
      seen.push(new URL(request.url).pathname)
      return new Response('own')
    }
    await using other = await showing({ routes })
    for (const path of ['/dashboards', '/Dashboard/', '/x/dashboard/', '/dashboard', '/dashboard/', '/?/dashboard/'])
      await fetch(`${other.url}${path}`)
    expect(seen).toEqual(['/dashboards', '/Dashboard/', '/x/dashboard/', '/'])
  })
})

describe('without a dashboard', () => {
  it('that was built, its paths say how to build it, until it is', async () => {
    await using other = await showing({}, 'later')
    const response = await fetch(`${other.url}/dashboard/runs`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      code: 'DASHBOARD_ABSENT',
      hint: expect.stringContaining('npm run build') as string,
    })
    mkdirSync(join(root, 'later'))
    expect((await fetch(`${other.url}/dashboard/`)).status).toBe(404)
    writeFileSync(join(root, 'later', 'index.html'), PAGE)
    expect((await fetch(`${other.url}/dashboard/runs`)).status).toBe(200)
    rmSync(join(root, 'later', 'index.html'))
    expect((await fetch(`${other.url}/dashboard/runs`)).status).toBe(200)
  })

  it('its paths are the application’s', async () => {
    const { app } = testApplication()
    const routes = () => () => new Response('own')
    await using other = await serve(app, { port: 0, routes, dashboard: false })
    expect(await (await fetch(`${other.url}/dashboard/`)).text()).toBe('own')
    const answers = handler(app, { token: 'open-sesame', routes, dashboard: false })
    expect(await (await answers(new Request('http://localhost/dashboard'))).text()).toBe('own')
  })
})
