// The default log of an application whose lines cannot be written: in a process of its own, which goes on.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'

const program = (way: string): string => `
  import { openSync } from 'node:fs'
  const { consoleLog } = await import(${JSON.stringify(new URL('./log.ts', import.meta.url).href)})
  consoleLog.error('a line', { n: 1 })
  setImmediate(() => setImmediate(() => (consoleLog.warn('another'), console.log('${way} goes on'))))
`

const run = (redirect: string): Promise<string> =>
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
  expect(await run(way)).toBe(`${way} goes on\n`)
})

test('each line is one JSON object', async () => {
  expect(await run('2>&1')).toBe(
    '{"level":"error","message":"a line","data":{"n":1}}\n{"level":"warn","message":"another"}\n2>&1 goes on\n',
  )
})
