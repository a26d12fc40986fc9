// API keys while they are changed: a file that is written anew, what stands in it by mistake, one that is gone or cannot be read;
// sessions that end with their key; and who is said to have done something. On servers that listen.
import { createHmac, scryptSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../core/clock.ts'
import type { Application } from '../define/application.ts'
import { systemClock } from '../engine/clock.ts'
import { silentLog } from '../engine/log.ts'
import { digestOf, lineOf, newKey, type Scope } from './api-key.ts'
import { handler, type HandlerOptions } from './handler.ts'
import { serve, type ServeOptions, type Serving } from './serve.ts'
import { testApplication, type Asked } from './test-application.ts'

const folder = mkdtempSync(join(tmpdir(), 'ballet-keys-'))
const file = join(folder, 'keys')
const servings: Serving[] = []
const lines: string[] = []
afterAll(async () => {
  for (const one of servings) await one.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  rmSync(file, { recursive: true, force: true })
  lines.length = 0
})

let by = 0
/** That of the system, which a test sets forward. */
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() + by,
  elapsed: () => performance.now() + by,
}
const log = { ...silentLog, error: (line: string) => void lines.push(line) }

async function serving(
  options: Partial<ServeOptions>,
  answers: Partial<Application> = {},
): Promise<{ url: string; asked: Asked[] }> {
  const { app, asked } = testApplication(answers)
  const server = await serve(app, { port: 0, log, clock, ...options })
  servings.push(server)
  return { url: server.url, asked }
}

const made = (name: string, scopes: readonly Scope[], until: number | null = null) => {
  const key = newKey(name)
  return { key, line: lineOf({ name, scopes, digest: digestOf(key), until }) }
}
/** As it should be done: written in whole, and moved into its place. */
const write = (...all: readonly string[]): void => {
  writeFileSync(`${file}.new`, all.join('\n'))
  renameSync(`${file}.new`, file)
}

type Headers = Readonly<Record<string, string>>
const json = { 'content-type': 'application/json' }
const bearing = (key: string): Headers => ({ authorization: `Bearer ${key}` })
const read = async (url: string, headers: Headers): Promise<number> =>
  (await fetch(`${url}/api/app`, { headers })).status
const cookieOf = async (url: string, token: string): Promise<Headers> => {
  const response = await fetch(`${url}/api/session`, { method: 'POST', headers: json, body: JSON.stringify({ token }) })
  expect(response.status).toBe(204)
  return { cookie: /^[^;]+/.exec(response.headers.get('set-cookie') ?? '')?.[0] ?? '' }
}

describe('a file of keys', () => {
  it('is read anew when it was changed: a key that is added gets in, one that is taken out does not, nor its session', async () => {
    const [old, fresh] = [made('ci', ['read']), made('ci', ['read'])]
    write(old.line)
    const { url } = await serving({ apiKeysFile: file })
    const session = await cookieOf(url, old.key)
    const seen = async (): Promise<number[]> =>
      Promise.all([bearing(old.key), session, bearing(fresh.key)].map((headers) => read(url, headers)))
    expect(await seen()).toEqual([200, 200, 401])
    write(old.line, fresh.line)
    by += 1000
    expect(await seen()).toEqual([200, 200, 200])
    write(fresh.line)
    by += 1000
    expect(await seen()).toEqual([401, 401, 200])
    // Of the same length, in the same moment, at the same place.
    writeFileSync(file, old.line)
    by += 1000
    expect(await seen()).toEqual([200, 200, 401])
    expect(lines).toEqual([])
  })

  it('takes the scopes of a key away, and those of its sessions', async () => {
    const { key, line } = made('ci', ['read'])
    write(line)
    const { url } = await serving({ apiKeysFile: file })
    const session = await cookieOf(url, key)
    write(line.replace(' read ', ' signal '))
    by += 1000
    expect([await read(url, bearing(key)), await read(url, session)]).toEqual([403, 403])
  })

  it('shuts out by a mistake whom it is about, says so once, and repeats nothing of it', async () => {
    const [one, other] = [made('ci', ['read']), made('look', ['read'])]
    write(one.line, other.line)
    const { url } = await serving({ apiKeysFile: file })
    write(one.line.replace('read', 'raed'), other.line, `mail signal ${one.key}`)
    for (const _ of [1, 2, 3]) {
      by += 1000
      expect([await read(url, bearing(one.key)), await read(url, bearing(other.key))]).toEqual([401, 200])
    }
    expect(lines).toEqual([expect.stringMatching(/^API keys of .* are not taken: line 1: .*; line 3: it has the key/)])
    expect(lines[0]).not.toContain(one.key.slice(-43))
    write(one.line)
    by += 1000
    expect(await read(url, bearing(one.key))).toBe(200)
  })

  it('that is gone holds no key, and lets nobody in without one', async () => {
    const { key, line } = made('ci', ['read'])
    write(line)
    const { url } = await serving({ apiKeysFile: file })
    rmSync(file)
    by += 1000
    expect([await read(url, bearing(key)), await read(url, {})]).toEqual([401, 401])
    expect(lines).toHaveLength(1)
    write('')
    by += 1000
    expect([await read(url, bearing(key)), await read(url, {})]).toEqual([401, 401])
  })

  it('that cannot be read holds what it held, for a minute', async () => {
    const { key, line } = made('ci', ['read'])
    write(line)
    const { url } = await serving({ apiKeysFile: file })
    rmSync(file)
    mkdirSync(file)
    by += 59_000
    expect(await read(url, bearing(key))).toBe(200)
    by += 2000
    expect(await read(url, bearing(key))).toBe(401)
    expect(lines).toHaveLength(1)
    rmSync(file, { recursive: true })
    write(line)
    by += 1000
    expect(await read(url, bearing(key))).toBe(200)
  })

  it('is refused at the start where it is not there, or not understood', async () => {
    const { app } = testApplication()
    const { key } = made('ci', ['all'])
    const problemOf = (options: Partial<HandlerOptions>): string => {
      try {
        handler(app, { token: null, ...options })
      } catch (error) {
        return error instanceof Error ? error.message : ''
      }
      return ''
    }
    expect(problemOf({ apiKeysFile: file })).toBe(
      `The API keys of ${file} are not understood: it cannot be read (ENOENT).`,
    )
    expect(problemOf({ apiKeysFile: folder })).toContain('it is no file')
    expect(problemOf({ apiKeys: `# none\nci all ${key}` })).toBe(
      'The API keys of BALLET_API_KEYS are not understood: line 2: it has the key itself: only its SHA-256 belongs here (make a new key).',
    )
    expect(problemOf({ token: key })).toContain('is an API key, for whoever calls')
  })

  it('lets in what looks like a key, and no word whose hash somebody has written down', async () => {
    const line = lineOf({ name: 'ci', scopes: ['all'], digest: digestOf('correct-horse'), until: null })
    const { url } = await serving({ apiKeys: line })
    expect(await read(url, bearing('correct-horse'))).toBe(401)
  })

  it('has a key once that was given besides, as it was given', async () => {
    const { key, line } = made('ci', ['read'])
    write(line.replace(' read ', ' all '))
    const { url } = await serving({ apiKeys: line, apiKeysFile: file })
    const metrics = await (await fetch(`${url}/api/metrics`, { headers: bearing(key) })).text()
    expect(metrics.match(/^ballet_api_key_requests_total\{/gm)).toHaveLength(1)
    expect((await fetch(`${url}/api/actions`, { method: 'POST', headers: bearing(key) })).status).toBe(403)
  })

  it('is all that a server needs to listen on a network', async () => {
    const { key, line } = made('ci', ['read'])
    const { url } = await serving({ host: '0.0.0.0', apiKeys: line })
    expect([await read(url, bearing(key)), await read(url, {})]).toEqual([200, 401])
    await expect(serving({ host: '0.0.0.0', apiKeys: '' })).rejects.toMatchObject({ code: 'BIND_UNSAFE' })
    // Nobody has a key yet, and everybody is asked for one.
    expect(await read((await serving({ apiKeys: '# to come' })).url, {})).toBe(401)
  })
})

describe('a session of a key', () => {
  const token = 'open-sesame'

  it('ends with its key, which is over in the middle of it', async () => {
    const { key, line } = made('ci', ['read'], clock.now() + 60_000)
    const { url } = await serving({ token, apiKeys: line })
    const session = await cookieOf(url, key)
    expect(await read(url, session)).toBe(200)
    by += 60_000
    expect([await read(url, session), await read(url, bearing(key))]).toEqual([401, 401])
    const response = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ token: key }),
    })
    expect(await response.json()).toMatchObject({ status: 401, code: 'API_KEY_OVER' })
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('is good at each node that has the token and the key, and where there is no token at its own', async () => {
    const { key, line } = made('ci', ['read'])
    const [one, two, other, keyless, bare, bare2] = await Promise.all(
      [
        { token, apiKeys: line },
        { token: ['newer', token], apiKeys: line },
        { token: 'another', apiKeys: line },
        { token },
        { apiKeys: line },
        { apiKeys: line },
      ].map((options) => serving(options)),
    )
    const where = async (headers: Headers): Promise<number[]> =>
      Promise.all([one, two, other, keyless, bare, bare2].map((at) => read(at?.url ?? '', headers)))
    expect(await where(await cookieOf(one?.url ?? '', key))).toEqual([200, 200, 401, 401, 401, 401])
    expect(await where(await cookieOf(bare?.url ?? '', key))).toEqual([401, 401, 401, 401, 200, 401])
  })

  it('is not made by whoever knows what the server is given', async () => {
    const { key, line } = made('ci', ['read'])
    const { url } = await serving({ token, apiKeys: line })
    const [, , hash = ''] = line.split(' ')
    const until = Math.floor(clock.now() / 1000) + 60
    const said = `v2.${until}.${hash.slice(0, 16)}`
    const signed = (secret: string | Buffer, text: string): string =>
      createHmac('sha256', secret).update(text).digest('base64url')
    const forged = [
      ...[hash, digestOf(key), '', 'ci', line, token].map(
        (secret) => `${said}.${signed(secret, `ballet session ${said}.${hash}`)}`,
      ),
      ...[hash, digestOf(key), ''].map((secret) => `v1.${until}.${signed(secret, `ballet session v1.${until}`)}`),
      `${said}.`,
      `${said}.${'A'.repeat(43)}`,
      `v2.${until}..${'A'.repeat(43)}`,
    ]
    for (const value of forged) expect([value, await read(url, { cookie: `ballet=${value}` })]).toEqual([value, 401])
    // This is how it is made, by whoever has the token and may do everything; to try one takes as long as scrypt.
    const stretched = scryptSync(token, 'ballet sessions of API keys', 32)
    expect(await read(url, { cookie: `ballet=${said}.${signed(stretched, `ballet session ${said}.${hash}`)}` })).toBe(
      200,
    )
    // Longer, or of another key, it is another one.
    const { cookie = '' } = await cookieOf(url, key)
    expect(await read(url, { cookie: cookie.replace(/v2\.\d+/, `v2.${until + 90_000}`) })).toBe(401)
  })

  it('says whose it is and what it may do', async () => {
    const { key, line } = made('ci', ['start', 'read'], Date.UTC(2100, 0, 1))
    const { url } = await serving({ token, apiKeys: line })
    for (const headers of [await cookieOf(url, key), bearing(key)])
      expect(await (await fetch(`${url}/api/session`, { headers })).json()).toEqual({
        required: true,
        signedIn: true,
        mayWrite: true,
        scopes: ['read', 'start'],
        key: { name: 'ci', until: '2100-01-01T00:00:00.000Z' },
      })
  })
})

describe('how often a key is borne', () => {
  it('is told of each, also of two of one name, and of none that is gone', async () => {
    const [old, fresh] = [made('ci', ['read']), made('ci', ['signal'])]
    write(old.line, fresh.line)
    const { url } = await serving({ token: 'open-sesame', apiKeysFile: file })
    const told = async (): Promise<readonly string[]> => {
      const response = await fetch(`${url}/api/metrics`, { headers: bearing('open-sesame') })
      return [...(await response.text()).matchAll(/^ballet_api_key_requests_total\{(.*)\} (\d+)$/gm)].map(
        (match) => `${match[1]} ${match[2]}`,
      )
    }
    const of = ({ line }: { readonly line: string }): string => `key="ci",sha256="${line.split(' ')[2]?.slice(0, 8)}"`
    expect(await told()).toEqual([`${of(old)} 0`, `${of(fresh)} 0`])
    await read(url, bearing(old.key))
    await read(url, await cookieOf(url, old.key))
    await read(url, bearing(fresh.key))
    expect(await told()).toEqual([`${of(old)} 2`, `${of(fresh)} 1`])
    write(fresh.line)
    by += 1000
    expect(await told()).toEqual([`${of(fresh)} 1`])
  })
})

describe('what a node passes on', () => {
  const nodeSecret = 'the secret of these nodes'
  const post = async (url: string, path: string, headers: Headers): Promise<string> => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: '{"call":"checkout"}',
    })
    return `${response.status} ${((await response.json()) as { code?: string }).code ?? ''}`.trim()
  }
  const standing = (address: string): Partial<Application> => {
    const owner = { id: 'node-1', address }
    return {
      standing: {
        role: 'standby',
        node: 'me',
        owner,
        isSure: false,
        over: new AbortController().signal,
        doubt: () => {},
      },
    }
  }

  it('is judged by both nodes, each by the keys that it has', async () => {
    const [start, act] = [made('ci', ['start']), made('night-watch', ['act'])]
    const apiKeys = [start.line, act.line].join(',')
    const owner = await serving({ nodeSecret, apiKeys })
    const node = await serving({ nodeSecret, apiKeys }, standing(owner.url))
    expect(await post(node.url, '/api/runs', bearing(start.key))).toBe('201')
    expect(await post(node.url, '/api/runs', bearing(act.key))).toBe('403 SCOPE_MISSING')
    for (const path of ['/api/runs/a/cancel', '/api/run%73/a/cancel', '/%61pi/runs/a/cancel'])
      expect([path, await post(node.url, path, bearing(start.key))]).toEqual([path, '403 SCOPE_MISSING'])
    expect(owner.asked.map(([name]) => name)).toEqual(['startNamed'])
    // A node that does not have the key any more stands for itself, whichever is asked.
    const without = await serving({ nodeSecret, apiKeys: act.line }, standing(owner.url))
    const last = await serving({ nodeSecret, apiKeys: act.line })
    const before = await serving({ nodeSecret, apiKeys }, standing(last.url))
    for (const path of ['/api/runs', '/%61pi/runs'])
      expect([
        path,
        await post(without.url, path, bearing(start.key)),
        await post(before.url, path, bearing(start.key)),
      ]).toEqual([path, '401 TOKEN_REQUIRED', '401 TOKEN_REQUIRED'])
    expect([...owner.asked, ...last.asked].map(([name]) => name)).toEqual(['startNamed'])
  })
})

describe('who has done it', () => {
  it('is the key, where the body says nobody', async () => {
    const { key, line } = made('night-watch', ['act'])
    const { url, asked } = await serving({ token: 'open-sesame', apiKeys: line })
    const page = { origin: url, 'x-ballet-csrf': '1' }
    const post = async (path: string, body: unknown, headers: Headers): Promise<unknown> => {
      asked.length = 0
      await fetch(`${url}${path}`, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) })
      return (asked[0]?.at(-1) as { by?: string } | undefined)?.by
    }
    const all: readonly (readonly [string, object])[] = [
      ['/api/runs/a/cancel', {}],
      ['/api/runs/a/retry', {}],
      ['/api/runs/a/answer', { op: 'x#0', value: 1 }],
      ['/api/runs/a/fail', { error: { message: 'no' } }],
      ['/api/actions', { action: 'retry', filter: {} }],
      ['/api/aside', { action: 'retry', filter: {} }],
      ['/api/aside/x/retry', {}],
      ['/api/aside/x/drop', {}],
      ['/api/schedules/nightly/pause', {}],
      ['/api/schedules/nightly/resume', {}],
      ['/api/schedules/nightly/runs', {}],
    ]
    const session = { ...(await cookieOf(url, key)), ...page }
    for (const [path, body] of all) {
      expect([path, await post(path, body, bearing(key))]).toEqual([path, 'night-watch'])
      expect([path, await post(path, body, session)]).toEqual([path, 'night-watch'])
      expect([path, await post(path, { ...body, by: 'ann' }, bearing(key))]).toEqual([path, 'ann'])
      expect([path, await post(path, body, bearing('open-sesame'))]).toEqual([path, undefined])
    }
  })
})
