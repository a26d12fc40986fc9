// The application of the guide to schedules is one: a night passes, and its run has the day of that; and the guide speaks of all
// commands that there are for schedules.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from '../src/cli/parse.ts'
import { commands } from '../src/cli/run-command.ts'
import { runAsUser } from './support/users-folder.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/guides/schedules.md'), 'utf8')
const [, program = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? []
const [, typed = ''] = /```\n(ballet [\s\S]*?)```/.exec(page) ?? []

const night = `
import assert from 'node:assert/strict'
import { open } from 'ballet'
import { HandClock } from 'ballet/testing'
const clock = new HandClock(new Date('2026-07-03T12:00:00Z'))
const app = await open(application, { clock, log: { info() {}, warn() {}, error() {} } })
assert.equal((await app.schedule('nightly')).next, '2026-07-06T02:00:00.000Z')
const id = 'nightly@20260706T020000Z'
const round = () => new Promise((resolve) => setImmediate(resolve))
while ((await app.run('@schedule:nightly'))?.waits[0]?.kind !== 'receive') await round()
clock.pass('62h')
while ((await app.run(id)) === null) await round()
assert.equal(await app.result(id), 'the books of 2026-07-06')
await app.close()
`

test('a night passes', () => {
  const application = program.replace('export default', 'const application =')
  expect(application).not.toBe(program)
  runAsUser(application + night, 60_000)
})

test('its commands can be typed', () => {
  const lines = typed.trim().split('\n')
  const names = lines.map((line) => line.split(' ')[1])
  expect(names).toEqual(['schedules', 'pause', 'resume', 'trigger'])
  for (const line of lines) {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '').slice(2)
    const command = commands.find(({ name }) => line.startsWith(`ballet ${name} `) || line === `ballet ${name}`)
    expect(() => command && parse(command, words)).not.toThrow()
  }
})
