// The page of this example is true: its commands are run, in their order, and get the answers that stand under them.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openApprovals } from './testing.ts'
import { until } from './until.ts'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const page = readFileSync(file('README.md'), 'utf8')

/** Bare words, and words in single quotes. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare)

/** The request that `curl <address> -H <header> -d <body>` makes; an address alone is a GET. */
function requestOf(command: string, url: string): Request {
  const [curl, address = '', ...options] = wordsOf(command)
  expect([curl, ...options.filter((_, index) => index % 2 === 0)]).toEqual(
    options.length === 0 ? ['curl'] : ['curl', '-H', '-d'],
  )
  const [, header = '', , body] = options
  const [name = '', value = ''] = header.split(': ')
  return new Request(
    address.replace('localhost:4400', url),
    body === undefined ? {} : { method: 'POST', headers: { [name]: value }, body },
  )
}

test('its commands do what it says', async () => {
  const { app, url } = await openApprovals()
  const examples = [...page.matchAll(/^```sh\n(.*)\n```\n\n```json (\d+)\n([^]*?)```/gm)]
  expect(examples).toHaveLength(12)
  for (const [, command = '', status, answer = ''] of examples) {
    // Somebody is asked a moment after whoever brought that about is answered: a reader of the page is not as fast.
    await until(app, async () => {
      const [claims, tasks] = await Promise.all(
        ['claim', 'task'].map((name) => app.runs({ name, status: ['running'] })),
      )
      return claims?.items.length === tasks?.items.length ? true : undefined
    })
    const response = await fetch(requestOf(command, url))
    const body: unknown = await response.json()
    expect({ command, status: response.status, body }).toMatchObject({
      command,
      status: Number(status),
      body: JSON.parse(answer) as object,
    })
  }

  const operator = [...page.matchAll(/^npx ballet (.*)$/gm)].map(([, args = '']) => args.split(' '))
  const said = operator.map((args) =>
    promisify(execFile)(process.execPath, [file('../../bin/ballet.js'), ...args, '--url', url]),
  )
  const [runs, show, why] = (await Promise.all(said)).map(({ stdout }) => stdout)
  expect(runs).toContain('claim:c1~task.2')
  expect(show).toContain('completed')
  expect(why).toContain('claim:c1')
})

test('the files that it names exist, and all are named', () => {
  const named = [...page.matchAll(/\]\((\w+(?:\.test)?\.ts)\)/g)].map(([, name = '']) => name)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !existsSync(file(name)))).toEqual([])
})
