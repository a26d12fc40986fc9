// Rejections that nobody handles, in a process of its own, which they would end: what a run leaves behind when it is
// cancelled, or in a branch that it has forgotten, is that run's fault and nobody else's.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const door = new URL('../index.ts', import.meta.url).href

/** Runs a workflow's body in a process, cancels it or not, and says what became of it and of another run. */
async function outcome(
  body: string,
  isCancelled: boolean,
): Promise<{ readonly run: unknown; readonly other: unknown }> {
  const code = `
    import { ballet, open, operation, service, signal, workflow } from '${door}'
    const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
    const desk = service('desk', { hang: operation({ input: any, output: any, run: () => new Promise(() => {}) }) })
    const Go = signal('go', any)
    const flow = workflow('flow', { input: any, output: any }, async (run) => { ${body} })
    const other = workflow('other', { input: any, output: any, signals: [Go] }, async (run) => (await run.receive(Go)).data)
    const log = { info() {}, warn() {}, error() {} }
    const app = await open(ballet({ services: [desk], workflows: [flow, other] }), { log, graceMs: 0 })
    await app.start(other(null), { id: 'other' })
    await app.start(flow(null), { id: 'f' })
    const ended = new Promise((resolve) => {
      const look = async () => (await app.run('f')).status !== 'running' && resolve()
      app.watch(null, look)
      void look()
    })
    if (${isCancelled}) await app.cancel('f', { by: 'ann' })
    await ended
    await app.signal('other', Go('fine'))
    const { status, reason = null, error } = await app.run('f')
    console.log(JSON.stringify({ run: [status, reason, error?.message ?? ''], other: await app.result('other') }))
    await app.close()`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
  return JSON.parse(stdout) as { run: unknown; other: unknown }
}

const hang = 'const hang = async () => { await run.call(desk.hang(null)) };'

test.each([
  [
    'a branch that is cancelled while another one is awaited',
    `${hang} const x = hang(); const y = hang(); await x; await y`,
  ],
  ['a branch that nobody ever looks at', `${hang} void hang(); await run.sleep('1h')`],
  [
    'a race whose losers are all cancelled',
    `${hang} await Promise.race([hang(), Promise.any([hang(), hang()]), run.sleep('1h')])`,
  ],
])('%s: the run is cancelled', async (_words, body) => {
  expect(await outcome(body, true)).toEqual({ run: ['cancelled', null, expect.stringContaining('ann')], other: 'fine' })
})

test.each([
  [
    'what a branch throws when it is cancelled',
    true,
    `void run.sleep('1h').catch(() => { throw new Error('lost') }); await run.sleep('2h')`,
  ],
  ['what nobody awaits', false, `void Promise.reject(new Error('lost')); await run.sleep('1h')`],
])('%s: the run is stuck, and the process goes on', async (_words, isCancelled, body) => {
  expect(await outcome(body, isCancelled)).toEqual({
    run: ['stuck', 'threw', expect.stringContaining('lost')],
    other: 'fine',
  })
})
