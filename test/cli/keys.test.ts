// API keys from beginning to end, in processes: made by the command, given to a server in a file, changed while it runs, borne by
// commands; and what `ballet doctor` says of them.
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

let box: Sandbox
beforeEach(() => {
  box = new Sandbox({ 'app.ts': application })
})
afterEach(() => box.remove())

interface Made {
  readonly key: string
  readonly line: string
  readonly until: string | null
}
const make = async (name: string, scopes: string, ...more: readonly string[]): Promise<Made> =>
  (await box.json(['key', 'new', '--name', name, '--scopes', scopes, ...more])).value as unknown as Made
const write = (...lines: readonly string[]): void => {
  box.write('keys.new', lines.join('\n'))
  renameSync(join(box.folder, 'keys.new'), join(box.folder, 'keys'))
}

it('a key is changed while the server runs, and does what it may, by --url and beside the store', async () => {
  const [ci, next, watch] = [await make('ci', 'read,start'), await make('ci', 'read'), await make('watch', 'act,read')]
  write('# of the build', ci.line)
  const server = await box.serve([], {
    env: { BALLET_API_KEYS_FILE: join(box.folder, 'keys'), BALLET_API_KEYS: watch.line },
  })
  const { url } = JSON.parse(readFileSync(join(box.folder, '.ballet/process.json'), 'utf8')) as { url: string }
  const asked = async (words: readonly string[], key: string, more: Readonly<Record<string, string>> = {}) => {
    const { code, value } = await box.json(words, { env: { BALLET_TOKEN: key, ...more } })
    return [code, (value['error'] as { code: string } | undefined)?.code ?? 'done']
  }
  const start = ['start', 'wrap', '--input', '{"paper":"red"}', '--id', 'gift']
  expect(await asked(start, ci.key)).toEqual([0, 'done'])
  expect(await asked(start, ci.key, { BALLET_URL: url })).toEqual([0, 'done'])
  expect(await asked(['cancel', 'gift'], ci.key)).toEqual([2, 'SCOPE_MISSING'])
  expect(await asked(['runs'], '')).toEqual([2, 'TOKEN_REQUIRED'])
  // Nobody is asked for a name: the journal has that of the key.
  expect(await asked(['cancel', 'gift'], watch.key)).toEqual([0, 'done'])
  expect((await box.run(['show', 'gift'], { env: { BALLET_TOKEN: watch.key } })).stdout).toContain('watch')

  write(ci.line, next.line)
  const until = async (key: string, wanted: string): Promise<void> => {
    while ((await asked(['runs'], key))[1] !== wanted);
  }
  await until(next.key, 'done')
  expect(await asked(['runs'], ci.key)).toEqual([0, 'done'])
  write(next.line)
  await until(ci.key, 'TOKEN_REQUIRED')
  expect(await asked(['runs'], next.key)).toEqual([0, 'done'])
  server.child.kill('SIGTERM')
  const { stdout, stderr } = await server.ended
  for (const { key } of [ci, next, watch]) expect(stdout + stderr).not.toContain(key.slice(-20))
})

it('a server does not start with keys that are not understood, and repeats nothing of them', async () => {
  const { key } = await make('ci', 'start')
  const { code, value, stderr } = await box.json(['serve', 'app.ts', '--port', '0'], {
    env: { BALLET_API_KEYS: `ci all ${key}` },
  })
  expect({ code, value }).toMatchObject({ code: 2, value: { error: { code: 'API_KEYS_INVALID' } } })
  expect(stderr + JSON.stringify(value)).not.toContain(key.slice(-20))
})

it('what makes no key is refused in words', async () => {
  const problem = async (...words: readonly string[]): Promise<unknown> =>
    ((await box.json(['key', ...words])).value['error'] as { detail: string }).detail
  expect(await problem('new', '--scopes', 'read')).toContain('ballet key new needs --name.')
  expect(await problem('new', '--name', 'ci')).toContain('ballet key new needs --scopes.')
  expect(await problem('new', '--name', 'C I', '--scopes', 'read')).toContain('--name must be up to 40 small letters')
  expect(await problem('new', '--name', 'ci', '--scopes', 'write')).toContain(
    'the scopes are read, start, signal, act, all',
  )
  expect(await problem('new', '--name', 'ci', '--scopes', 'read', '--expires', 'soon')).toContain('soon')
  expect(await problem('list')).toContain('only "ballet key new"')
})

it('doctor says which keys are over, or will be soon, where it has the environment of the server', async () => {
  const [long, soon] = [await make('ci', 'start', '--expires', '90d'), await make('mail', 'signal', '--expires', '10d')]
  const of = async (env: Readonly<Record<string, string>>) => {
    const { value } = await box.json(['doctor'], { env })
    return (value['checks'] as readonly { name: string; verdict: string; found: string }[]).filter(
      ({ name }) => name === 'keys',
    )
  }
  expect(await of({})).toEqual([])
  expect(await of({ BALLET_API_KEYS: long.line })).toMatchObject([
    { verdict: 'ok', found: expect.stringContaining('1 in') as string },
  ])
  write(long.line, soon.line, `${soon.line.split(' ').slice(0, 2).join(' ')} ${'0'.repeat(64)} 2026-01-31T12:00:00Z`)
  const path = join(box.folder, 'keys')
  expect(await of({ BALLET_API_KEYS_FILE: path })).toMatchObject([
    { verdict: 'warn', found: expect.stringMatching(/^mail is good until /) as string },
    { verdict: 'warn', found: 'mail was good until 2026-01-31 12:00:00Z' },
  ])
  write('ci start')
  expect(await of({ BALLET_API_KEYS_FILE: path })).toMatchObject([
    { verdict: 'wrong', found: expect.stringContaining('line 1') as string },
  ])
  expect(await of({ BALLET_API_KEYS_FILE: `${path}.none` })).toMatchObject([{ verdict: 'wrong' }])
})
