// The default log of an application whose lines cannot be written: in a process of its own, which goes on.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, operation, service, workflow, type Log } from '../index.ts'

const program = (way: string): string => `
  import { openSync } from 'node:fs'
  const { consoleLog } = await import(${JSON.stringify(new URL('./log.ts', import.meta.url).href)})
  consoleLog.error('a line', { n: 1 }, { run: 'pay:1', op: 'bank.ask#0', code: 'RangeError' })
  setImmediate(() => setImmediate(() => (consoleLog.warn('another'), console.log('${way} goes on'))))
`

const printed = (redirect: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const command = `"$0" --input-type=module --eval "$1" ${redirect}`
    execFile('/bin/sh', ['-c', command, process.execPath, program(redirect)], (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr)
      else reject(new Error(stderr, { cause: error }))
    })
  })

/** A device that is always full, where there is one. */
const full = existsSync('/dev/full') ? ['2>/dev/full'] : []

test.each([...full, '2>&-'])('an error stream that takes nothing (%s) ends nothing', async (way) => {
  expect(await printed(way)).toBe(`${way} goes on\n`)
})

test('each line is one JSON object', async () => {
  const lines = (await printed('2>&1')).trimEnd().split('\n')
  expect(lines.pop()).toBe('2>&1 goes on')
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string
  const about = { run: 'pay:1', op: 'bank.ask#0', code: 'RangeError' }
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { time, level: 'error', ...about, message: 'a line', data: { n: 1 } },
    { time, level: 'warn', message: 'another' },
  ])
})

test('`console` as a log prints what there is, and no undefined between', async () => {
  const printing = `
    const { safeLog, logOf } = await import(${JSON.stringify(new URL('./log.ts', import.meta.url).href)})
    const log = safeLog(console)
    log.info('a line')
    logOf(log, 'p', 'op').warn('another')
    log.info('with data', { n: 1 })
  `
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', printing])
  expect(stdout).toBe('a line\nwith data { n: 1 }\n')
  expect(stderr).toBe("p op: another { run: 'p', op: 'op' }\n")
})

test('a line of the engine says which run, which call and which error it is about, and one of the author which call', async () => {
  const bank = service('bank', {
    ask: operation({
      input: z.null(),
      retry: { attempts: 1 },
      run: (_input, { log }) => {
        log.info('asks', { n: 1 })
        throw new RangeError('no bank')
      },
    }),
  })
  const pay = workflow('pay', { input: z.null(), output: z.null() }, async (run) => {
    run.log.warn('begins')
    await run.call(bank.ask(null))
    return null
  })
  const lines: unknown[] = []
  const keep: Log['info'] = (...line) => void lines.push(line)
  const log = { info: keep, warn: keep, error: keep }
  const app = await openForTest(ballet({ services: [bank], workflows: [pay] }), { log })
  await app.start(pay(null), { id: 'p' })
  await until(app, null, async () => (await app.run('p'))?.status === 'stuck')
  const op = 'bank.ask#0'
  expect(lines).toEqual([
    ['p pay: begins', undefined, { run: 'p', op: 'pay' }],
    ['p bank.ask#0: asks', { n: 1 }, { run: 'p', op }],
    [expect.stringContaining('is stuck (call, bank.ask#0)'), undefined, { run: 'p', op, code: 'RangeError' }],
  ])
})
