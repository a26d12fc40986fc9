// The command on a store in PostgreSQL: it is served, read beside its process and without one, replayed and looked at, and
// the password of its URL stands in nothing that is printed or left behind.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { newPlace, type Place } from '../postgres/subject.ts'
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
