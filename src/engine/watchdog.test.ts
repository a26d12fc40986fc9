// The watchdog in processes of their own: it ends one that hangs, and none that was stopped, is debugged, or works.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { startWatchdog } from './watchdog.ts'

const here = new URL('./watchdog.ts', import.meta.url).href

/** A process under a watchdog of half a second: its end (exit code or signal), and what it said. */
function watched(code: string, execArgv: readonly string[] = []) {
  const script = `
    import { startWatchdog } from '${here}'
    const { current, stop } = startWatchdog(500)
    const block = (ms) => { for (const began = Date.now(); Date.now() - began < ms; ); }
    ${code}`
  const child = spawn(process.execPath, [...execArgv, '--input-type=module', '-e', script])
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()))
  const end = once(child, 'close').then(([exit, killedBy]) => ({ end: String(killedBy ?? exit), said }))
  return { child, end }
}

test.each([
  ['for (;;);', 'no run was in a turn'],
  [`current.turn('order:8841', 3); for (;;);`, 'the run "order:8841" was in its turn 3'],
  [`current.turn('a', 0); current.over(); for (;;);`, 'no run was in a turn'],
  [`current.body('a b', 'pay.charge#0', () => { for (;;); })`, 'the body of pay.charge#0 of the run "a b" was running'],
  [`current.turn('x'.repeat(2000), 1); for (;;);`, `the run "${'x'.repeat(250)}" was in its turn 1`],
])('a process that hangs ends, and says in what: %s', async (code, words) => {
  const { end, said } = await watched(code).end
  expect(end).toBe('SIGKILL')
  expect(said).toBe(`ballet: the main loop has hung for 0.5 s, so this process ends; ${words}\n`)
})

test('a process that works ends when it has nothing more to do, also after many turns of less than the limit', async () => {
  const code = `for (let n = 0; n < 8; n++) { block(200); await new Promise((next) => setTimeout(next, 60)) } stop()`
  expect(await watched(code).end).toEqual({ end: '0', said: '' })
})

test('a process that was stopped for longer than the limit goes on', async () => {
  const { child, end } = watched(`
    console.log('ready')
    process.stdin.on('data', () => process.exit(7))`)
  await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  // Two others have hung for that long, one after the other.
  for (let other = 0; other < 2; other++) await watched('for (;;);').end
  child.kill('SIGCONT')
  child.stdin.write('go')
  expect((await end).end).toBe('7')
})

test('while a debugger listens nothing is ended', async () => {
  const { end } = await watched(`block(1500); process.exit(7)`, ['--inspect=127.0.0.1:0']).end
  expect(end).toBe('7')
})

test.each([0, 99, Number.NaN, Number.POSITIVE_INFINITY])('a limit of %d is refused', (limitMs) => {
  expect(() => startWatchdog(limitMs)).toThrow('watchdogMs')
})
