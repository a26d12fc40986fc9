// The command on a store in PostgreSQL: it is served, read beside its process and without one, replayed and looked at, and
// the password of its URL stands in nothing that is printed or left behind.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connection, newPlace, type Place } from '../postgres/subject.ts'
import { databaseChecks } from '../../src/cli/database-checks.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { application } from './application.ts'
import { Sandbox } from './sandbox.ts'

const SECRET = 'hush-hush'
let box: Sandbox
let place: Place
let url: string
beforeEach(async () => {
  box = new Sandbox({ 'app.ts': application })
  place = await newPlace()
  url = place.url().replace(/\/\/([^:@]*)(?::[^@]*)?@/, `//$1:${SECRET}@`)
})
afterEach(async () => {
  await box.remove()
  await place.drop()
})

it('serves, reads, replays and looks at a store in PostgreSQL', async () => {
  const printed: string[] = []
  const ballet = async (...words: string[]) => {
    const ended = await box.run(words)
    printed.push(ended.stdout, ended.stderr)
    return ended
  }
  expect((await ballet('runs', '--store', url)).code).toBe(3)
  const server = await box.serve(['--store', url])
  const started = await ballet('start', 'checkout', '--input', '{"orderId":"1","total":5000}', '--wait', '10s')
  expect(started.code).toBe(0)
  expect((await ballet('runs')).stdout).toContain('checkout:1')
  expect((await ballet('doctor', '--store', url)).stdout).toMatch(/ok +store +.*PostgreSQL \d+.*\n.*layout/)
  printed.push(readFileSync(join(box.folder, '.ballet/process.json'), 'utf8'))
  server.child.kill('SIGTERM')
  const served = await server.ended
  printed.push(served.stdout, served.stderr)
  const alone = await ballet('show', 'checkout:1', '--store', url)
  expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('completed') })
  expect(alone.stderr).toContain('itself, read-only')
  expect(await ballet('replay', 'app.ts', '--store', url)).toMatchObject({ code: 0 })
  expect((await ballet('runs', '--store', `${url}&nonsense=1`)).stderr).toContain('nonsense')
  expect(printed.join('\n')).not.toContain(SECRET)
})

it('says what to do about a server that takes no more connections', async () => {
  const sql = await connection()
  const role = `full_${place.schema}`
  await sql.unsafe(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 0`)
  try {
    const [check] = await databaseChecks(place.url().replace(/\/\/[^@]*@/, `//${role}@`), systemClock)
    expect(check).toMatchObject({ verdict: 'wrong', todo: expect.stringMatching(/^Raise max_connections/) as string })
  } finally {
    await sql.unsafe(`DROP ROLE ${role}`)
  }
})

it('serves several nodes of one store, and lists them', async () => {
  const env = { BALLET_NODE_SECRET: 'known to both of these nodes' }
  const words = ['--store', `${url}&lease=1`]
  const one = await box.serve(words, { env })
  const [, first = ''] = await one.until(/ serves (http\S+)/)
  // The secret is being changed, and the first node has not heard of the new one yet.
  const changing = { BALLET_NODE_SECRET: `another that is to come, ${env.BALLET_NODE_SECRET}` }
  const two = await box.serve([...words, '--advertise', 'http://127.0.0.2:1/'], { env: changing })
  const [, second = ''] = await two.until(/ serves (http\S+) .*stands by for/)
  const started = await box.run(
    ['start', 'checkout', '--input', '{"orderId":"2","total":5000}', '--wait', '10s', '--url', second],
    { env },
  )
  expect(started).toMatchObject({ code: 0 })
  const { stdout } = await box.run(['nodes', '--url', first])
  expect(stdout).toMatch(new RegExp(`^STATE .*\nowner +${first} .*\nstandby +http://127.0.0.2:1 `))
  one.child.kill('SIGTERM')
  expect((await one.ended).code).toBe(0)
  for (;;) {
    const { value } = await box.json(['nodes', '--store', url])
    expect(value).toMatchObject({ leaseMs: expect.any(Number), shards: [{ shard: 0 }] })
    if (JSON.stringify(value['nodes']).includes('"owner"')) break
  }
  two.child.kill('SIGKILL')
  await two.ended
  const alone = await box.run(['nodes', '--store', url])
  expect(alone.code).toBe(0)
  expect(alone.stderr).toContain('itself, read-only')
})

it.each([
  [['--advertise', 'db.example'], {}, 'USAGE', 2],
  [['--advertise', 'http://db.example/path'], {}, 'USAGE', 2],
  [[], { BALLET_NODE_SECRET: 'short' }, 'NODE_SECRET_SHORT', 2],
])('a node with %j and %j is refused', async (words, env, code, exit) => {
  const refused = await box.json(['serve', 'app.ts', '--port', '0', '--store', url, ...words], { env })
  expect(refused).toMatchObject({ code: exit, value: { error: { code } } })
})

// Found by a newcomer: a supervisor began it anew for ever, and nothing said what was missing.
it('a role that may not make the schema is told which right it needs, and takes it', async () => {
  const sql = await connection()
  const role = `r_${place.schema}`
  const own = url.replace(/\/\/[^@]*@/, `//${role}:${SECRET}@`)
  await sql.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD '${SECRET}'`)
  try {
    const refused = await box.json(['serve', 'app.ts', '--port', '0', '--store', own])
    const right = `GRANT CREATE ON DATABASE ${new URL(url).pathname.slice(1)} TO ${role}`
    expect(refused).toMatchObject({
      code: 2,
      value: { error: { code: 'STORE_REFUSED', hint: expect.stringContaining(right) as string } },
    })
    await sql.unsafe(right)
    const server = await box.serve(['--store', own])
    server.child.kill('SIGTERM')
    expect((await server.ended).code).toBe(0)
    // As somebody who has restored the store, and looks over what it may.
    await sql.unsafe(`REVOKE INSERT ON ${place.schema}.nodes, ${place.schema}.journal FROM ${role}`)
    await sql.unsafe(`REVOKE SELECT ON ${place.schema}.runs FROM ${role}`)
    const detail = expect.stringContaining(': no INSERT on journal, nodes; no SELECT on runs.') as string
    const hint = expect.stringContaining(`ON ALL TABLES IN SCHEMA "${place.schema}" TO "${role}"`) as string
    const restored = { code: 2, value: { error: { code: 'STORE_REFUSED', detail, hint } } }
    expect(await box.json(['serve', 'app.ts', '--port', '0', '--store', own])).toMatchObject(restored)
    const reading = {
      error: { code: 'STORE_REFUSED', detail: expect.stringContaining(': no SELECT on runs.') as string },
    }
    expect(await box.json(['runs', '--store', own])).toMatchObject({ code: 2, value: reading })
  } finally {
    await sql.unsafe(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`)
  }
})

it('a database that does not exist is refused, with what mends it', async () => {
  const none = url.replace(/\/[^/?]*\?/, '/no_such_database?')
  expect(await box.json(['serve', 'app.ts', '--port', '0', '--store', none])).toMatchObject({
    code: 2,
    value: {
      error: {
        code: 'STORE_REFUSED',
        detail: expect.stringContaining('"no_such_database" does not exist') as string,
        hint: expect.stringContaining('CREATE DATABASE no_such_database OWNER ') as string,
      },
    },
  })
})
