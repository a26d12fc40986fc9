// How an application is served, ended, killed and found again: real processes and signals on a real file.
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

let box: Sandbox
const processFile = (): string => join(box.folder, '.ballet', 'process.json')
const record = (): Record<string, unknown> => JSON.parse(readFileSync(processFile(), 'utf8')) as Record<string, unknown>
const order = (orderId: string): string => JSON.stringify({ orderId, total: 5 })

beforeEach(() => {
  box = new Sandbox({ 'app.ts': application })
})
afterEach(() => box.remove())

describe('a file that says how it runs', () => {
  it('sets limits, and an error that comes of one names it', async () => {
    box.write(
      'app.ts',
      `${application}\nexport const options = { limits: { openRuns: 1 }, retention: { runs: '30d' } }\n`,
    )
    await box.serve()
    const start = async (orderId: string) => box.json(['start', 'checkout', '--input', order(orderId)])
    expect(await start('1')).toMatchObject({ code: 0 })
    expect((await start('2')).value).toMatchObject({
      error: { code: 'OVERLOADED', detail: expect.stringContaining('1 runs are open (limits.openRuns)') as string },
    })
  })

  it('says of a run that is forgotten, and whose id is given again, that nothing is left of it', async () => {
    box.write('app.ts', `${application}\nexport const options = { retention: { runs: '1s' } }\n`)
    const [, url = ''] = await (await box.serve()).until(/ serves (http\S+)/)
    const start = ['start', 'shipping.ship', '--input', '{"orderId":"9"}', '--id', 'f-9']
    await box.run([...start, '--wait'])
    while ((await fetch(`${url}/api/runs/f-9`)).status !== 410);
    const again = await box.run(start)
    expect(again).toMatchObject({ code: 0, stdout: 'f-9\n' })
    expect(again.stderr).toBe(
      'f-9 was started before, ended long ago and is forgotten; nothing new was started. Use another id to start one.\n',
    )
  })

  it.each([
    ['{ limit: { turns: 5 } }', 'there is no option "limit". Did you mean "limits"?'],
    ['{ limits: { turns: 0 } }', 'turns must be a whole number from 1, not 0'],
    ['{ retention: { runs: 30 } }', 'runs must be a duration, for example "30d"'],
    ['{ codec: { encode: String } }', 'codec must have the functions encode and decode'],
    ['5', 'it must be an object such as { limits, retention }'],
  ])('is refused when that is wrong: %s', async (options, problem) => {
    box.write('app.ts', `${application}\nexport const options = ${options}\n`)
    const { code, value } = await box.json(['serve', 'app.ts', '--port', '0'])
    expect([code, value]).toMatchObject([2, { error: { code: 'DEFINITION_INVALID' } }])
    expect(JSON.stringify(value)).toContain(JSON.stringify(problem).slice(1, -1))
  })
})

describe('a process that serves', () => {
  it('is reached by way of a proxy on its machine, by the name that the browser knows', async () => {
    const asked = async (url: string, host: string): Promise<readonly [number | undefined, unknown]> => {
      const answered = once(get(`${url}/readyz`, { headers: { host } }), 'response') as Promise<[IncomingMessage]>
      const [{ statusCode, headers }] = await answered
      return [statusCode, headers['keep-alive']]
    }
    const serving = await box.serve(['--hosts', 'shop.example, www.shop.example', '--keepalive', '75s'])
    const [, url = ''] = await serving.until(/ serves (http\S+)/)
    expect(await asked(url, 'www.shop.example:8443')).toEqual([200, 'timeout=75'])
    expect(await asked(url, 'evil.example')).toEqual([403, 'timeout=75'])
    const wrong = await box.run(['serve', 'app.ts', '--port', '0', '--hosts', 'https://shop.example'])
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"https://shop.example" is none') as string,
    })
  })

  it('leaves its address for its owner alone, and takes it away when it has drained', async () => {
    const serving = await box.serve()
    const [, url] = await serving.until(/serves (http\S+) on \.ballet\/app\.db \(no open run\)/)
    expect(statSync(processFile()).mode & 0o777).toBe(0o600)
    expect(record()).toEqual({
      pid: serving.child.pid,
      url,
      token: null,
      store: `file:${join(box.folder, '.ballet', 'app.db')}`,
      storeId: expect.stringMatching(/./) as string,
      app: join(box.folder, 'app.ts'),
      ballet: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    })
    serving.child.kill('SIGTERM')
    expect(await serving.ended).toMatchObject({ code: 0 })
    expect(existsSync(processFile())).toBe(false)
    expect((await box.run(['runs'])).stderr).toContain('Reading .ballet/app.db itself')
  })

  it('goes on where its address cannot be left, as in a container whose folder is not its own, and says how it is found', async () => {
    box.write('.ballet', 'no folder')
    const serving = await box.serve(['--store', 'memory:'])
    const [, url = ''] = await serving.until(
      /Commands find this process by --url (http\S+) alone, since .+: .*\.ballet/,
    )
    expect((await box.json(['start', 'checkout', '--input', order('1'), '--url', url])).code).toBe(0)
    serving.child.kill('SIGTERM')
    expect(await serving.ended).toMatchObject({ code: 0 })
  })

  it('is found from a folder below, and by its store from elsewhere', async () => {
    await box.serve(['--store', 'file:data/shop.db'])
    box.write('below/deep/note.txt', '')
    expect(await box.run(['runs', '--store', '../../data/shop.db'], { cwd: 'below/deep' })).toMatchObject({
      code: 0,
      stderr: 'No run fits.\n',
    })
    expect(await box.run(['runs'], { cwd: 'below/deep' })).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('ballet serve <app.ts>') as string,
    })
    const other = await box.run(['runs', '--store', 'file:data/other.db'])
    expect(other.code).toBe(3)
    expect(other.stderr).toContain('data/process.json is about another store')
    await box.serve()
    expect(await box.run(['runs'], { cwd: 'below/deep' })).toMatchObject({ code: 0, stderr: 'No run fits.\n' })
  })

  it('ends at once on a second signal; its runs go on at the next start', async () => {
    const serving = await box.serve()
    await box.run(['start', 'payment.hang', '--input', '{}', '--id', 'h-1'])
    serving.child.kill('SIGTERM')
    await serving.until(/Ending \(SIGTERM\)/)
    serving.child.kill('SIGINT')
    expect(await serving.ended).toMatchObject({ code: 130 })
    expect(existsSync(processFile())).toBe(false)
    const next = await box.serve()
    await next.until(/1 open run recovered/)
    expect(await box.json(['show', 'h-1'])).toMatchObject({ value: { run: { status: 'running' } } })
  })

  it('prints one JSON document when it is asked to', async () => {
    const serving = box.begin(['serve', 'app.ts', '--port', '0', '--json'])
    await serving.until(/"url":"http/)
    expect(JSON.parse(serving.stdout)).toMatchObject({ pid: serving.child.pid, app: 'shop', recovered: { runs: 0 } })
  })
})

describe('the dashboard of a process', () => {
  const code = async (url: string): Promise<unknown> => {
    const response = await fetch(`${url}/dashboard/`, { method: 'POST' })
    return ((await response.json()) as { code: unknown }).code
  }

  it('is there unless it is switched off', async () => {
    const [on, word, env] = await Promise.all([
      box.serve(),
      box.serve(['--dashboard', 'off', '--store', 'memory:']),
      box.serve(['--store', 'memory:'], { env: { BALLET_DASHBOARD: 'off' } }),
    ])
    const urls = await Promise.all([on, word, env].map(async (serving) => (await serving.until(/serves (http\S+)/))[1]))
    expect(await Promise.all(urls.map((url = '') => code(url)))).toEqual([
      'METHOD_NOT_ALLOWED',
      'ROUTE_UNKNOWN',
      'ROUTE_UNKNOWN',
    ])
    expect(await on.until(/Its dashboard: (\S+)/)).toMatchObject({ 1: `${urls[0]}/dashboard/` })
    expect([word, env].map(({ stdout }) => stdout.includes('dashboard'))).toEqual([false, false])
  })

  it.each([
    [['--dashboard', 'no'], {}],
    [[], { BALLET_DASHBOARD: '0' }],
  ])('is on or off, not %j %j', async (words, env) => {
    const { code: exit, stderr } = await box.run(['serve', 'app.ts', '--port', '0', ...words], { env })
    expect([exit, stderr]).toEqual([2, expect.stringContaining('must be on or off') as string])
  })
})

describe('a process that was killed', () => {
  it('is said to be gone; reads go on, writes say what to start, and nothing is lost', async () => {
    const serving = await box.serve()
    await box.run(['start', 'checkout', '--input', order('k-1')])
    serving.child.kill('SIGKILL')
    await serving.ended
    const reading = await box.run(['show', 'checkout:k-1'])
    expect(reading.code).toBe(0)
    expect(reading.stderr).toContain(`.ballet/process.json is stale: process ${serving.child.pid} is gone.`)
    expect(reading.stderr).toContain('Reading .ballet/app.db itself')
    expect((await box.run(['why', 'k-1'])).stdout).toContain('workflow checkout checkout:k-1  running')
    const writing = await box.json(['start', 'checkout', '--input', order('k-2')])
    expect(writing).toMatchObject({
      code: 5,
      value: {
        error: { code: 'PROCESS_MISSING', hint: 'Start it with: ballet serve app.ts --store file:.ballet/app.db' },
      },
    })
    await box.serve()
    await box.run(['signal', 'checkout:k-1', 'approve', '--data', '{"by":"ann"}'])
    expect(await box.json(['start', 'checkout', '--input', order('k-1'), '--wait', '10s'])).toMatchObject({
      code: 0,
      value: { created: false, run: { status: 'completed' } },
    })
  })

  it('is not taken for another process that answers nothing', async () => {
    const serving = await box.serve()
    serving.child.kill('SIGSTOP')
    box.write('.ballet/process.json', JSON.stringify({ ...record(), pid: process.pid, url: 'http://127.0.0.1:1' }))
    expect(await box.json(['publish', 'order.created', '--data', order('x')])).toMatchObject({
      code: 5,
      value: { error: { code: 'PROCESS_UNREACHABLE' } },
    })
    const reading = await box.run(['runs'])
    expect(reading.code).toBe(0)
    expect(reading.stderr).toContain(`Process ${process.pid} lives but does not answer`)
  })
})

it('is not taken for another application that has its pid and its address now', async () => {
  const first = await box.serve()
  const left = record()
  first.child.kill('SIGKILL')
  await first.ended
  const { port } = new URL(String(left['url']))
  const second = box.begin(['serve', 'app.ts', '--port', port, '--store', 'file:second/app.db'])
  await second.until(/ serves http/)
  box.write('.ballet/process.json', JSON.stringify({ ...left, pid: second.child.pid }))
  const reading = await box.run(['runs'])
  expect(reading.code).toBe(0)
  expect(reading.stderr).toContain('is another application now')
  expect(reading.stderr).toContain('Reading .ballet/app.db itself')
  const writing = await box.json(['publish', 'order.created', '--data', order('x')])
  expect(writing).toMatchObject({ code: 5, value: { error: { code: 'PROCESS_MISSING' } } })
  expect(await box.run(['runs', '--store', 'second/app.db'])).toMatchObject({ code: 0, stderr: 'No run fits.\n' })
})

it('takes the command line before the environment', async () => {
  await box.serve()
  const env = { BALLET_URL: 'http://127.0.0.1:1' }
  expect(await box.run(['runs'], { env })).toMatchObject({ code: 5 })
  expect(await box.run(['runs', '--store', '.ballet/app.db'], { env })).toMatchObject({ code: 0 })
  expect(await box.run(['runs', '--url', String(record()['url'])], { env })).toMatchObject({ code: 0 })
  expect(await box.run(['runs', '--url', 'http://x', '--store', '.ballet/app.db'])).toMatchObject({ code: 2 })
  expect(await box.run(['runs', '--url', 'localhost:4400'])).toMatchObject({ code: 2 })
})

describe('what cannot be served', () => {
  it('says that the port is busy, before the store is touched', async () => {
    const { url } = (await box.serve()) && (record() as { url: string })
    const { code, value } = await box.json([
      'serve',
      'app.ts',
      '--store',
      'file:other/app.db',
      '--port',
      new URL(url).port,
    ])
    expect({ code, value }).toMatchObject({ code: 2, value: { error: { code: 'PORT_BUSY' } } })
    expect(existsSync(join(box.folder, 'other'))).toBe(false)
  })

  it('says who has the store, and leaves the address of that process', async () => {
    const serving = await box.serve()
    expect(await box.json(['serve', 'app.ts', '--port', '0'])).toMatchObject({
      code: 4,
      value: { error: { code: 'STORE_LOCKED' } },
    })
    expect(record()['pid']).toBe(serving.child.pid)
  })

  it('does not open the API to a network without a token', async () => {
    expect(await box.json(['serve', 'app.ts', '--port', '0', '--host', '0.0.0.0'])).toMatchObject({
      code: 2,
      value: { error: { code: 'BIND_UNSAFE' } },
    })
    await box.serve(['--host', '0.0.0.0'], { env: { BALLET_TOKEN: 'secret,older', BALLET_READ_TOKEN: 'look' } })
    expect(record()).toMatchObject({ token: 'secret', url: expect.stringContaining('http://127.0.0.1:') as string })
    expect(await box.run(['runs'])).toMatchObject({ code: 0 })
    const url = String(record()['url'])
    const refused = async (token: string) =>
      (await box.json(['runs'], { env: { BALLET_URL: url, BALLET_TOKEN: token } })).value['error']
    const hint = 'Set BALLET_TOKEN to the token that the server was started with, or to an API key.'
    expect(await box.json(['runs', '--url', url])).toMatchObject({
      code: 2,
      value: { error: { code: 'TOKEN_REQUIRED', detail: expect.stringContaining('none was sent') as string, hint } },
    })
    expect(await refused('other')).toMatchObject({
      detail: 'This server asks for a token, and the one that was sent is another.',
      hint,
    })
    // One that is being changed: the server takes both, and a command sends the first.
    for (const token of ['secret', 'older', 'older,other'])
      expect(await box.run(['runs'], { env: { BALLET_URL: url, BALLET_TOKEN: token } })).toMatchObject({ code: 0 })
    const env = { BALLET_URL: url, BALLET_TOKEN: 'look' }
    expect(await box.run(['runs'], { env })).toMatchObject({ code: 0 })
    expect((await box.json(['start', 'checkout', '--input', order('1')], { env })).value).toMatchObject({
      error: { code: 'TOKEN_READS_ONLY', detail: 'The token that was sent only reads, and POST is a write.' },
    })
  })

  it.each([
    ['nothing.ts', '', 'there is no such file', 'Name the file'],
    ['syntax.ts', 'export const a = {\nexport default a', 'syntax.ts:2', 'Mend what it says'],
    ['plain.mjs', 'export const a = {\nexport default a', 'plain.mjs:2', 'Mend what it says'],
    ['missing.ts', 'import "./absent.ts"', "Cannot find module '", 'Mend what it says'],
    [
      'throws.ts',
      'const f = () => { throw new TypeError("boom") }\nf()',
      'it threw TypeError: boom (at f (file://',
      'Mend what it says',
    ],
    ['none.ts', 'export const x = 1', 'it has no default export', 'Its default export must be ballet({ ... })'],
    ['other.ts', 'export default 5', 'its default export is something else', 'Its default export must be'],
    [
      'named.ts',
      'import { ballet } from "ballet"\nexport const app = ballet({ services: [] })',
      'its application is exported as "app"',
      'Its default export must be',
    ],
  ])('says what is wrong with %s', async (path, text, words, hint) => {
    if (text !== '') box.write(path, text)
    const { code, stderr } = await box.run(['serve', path, '--port', '0'])
    expect(code).toBe(2)
    expect(stderr).toContain(words)
    expect(stderr).toContain(`hint  ${hint}`)
    expect(stderr).toContain('APP_INVALID')
    expect(existsSync(join(box.folder, '.ballet'))).toBe(false)
  })

  it('lists every fault of an application whose parts do not fit', async () => {
    box.write(
      'unfit.ts',
      application
        .replace('services: [payment, shipping]', 'services: [payment, payment]')
        .replace('workflows: [checkout,', 'workflows: [checkout, checkout,'),
    )
    const { code, stderr } = await box.run(['serve', 'unfit.ts', '--port', '0'])
    expect(code).toBe(2)
    expect(stderr).toContain('do not fit')
    expect(stderr).toContain('"payment"')
    expect(stderr).toContain('"checkout"')
  })
})
