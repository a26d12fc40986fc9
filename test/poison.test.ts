// A run that ends the process, as a real process on a real file beside fifty healthy runs: after a bounded number of
// deaths it is left alone, and everything else has been done. And a long call is not taken for one, however often the
// process is killed from outside.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Lives } from './poison/lives.ts'
import type { Told } from './poison/main.ts'

let folder = ''
let lives: Lives

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-poison-'))
  lives = new Lives(`file:${join(folder, 'app.db')}`)
})
afterEach(() => {
  lives.kill()
  rmSync(folder, { recursive: true })
})

const DEATHS = 5
const seconds = (count: number): { timeout: number } => ({ timeout: count * 1000 })

const isCalm = ({ completed, poison, long }: Told): boolean =>
  completed === 50 && long === 'completed' && poison.status === 'stuck'

test.each([
  ['exit', ['9'], '', []],
  ['loop', ['SIGKILL'], 'hung for 1 s, so this process ends; the run "poison" was in its turn 1', []],
  ['abort', ['SIGABRT'], '', []],
  // A heap that is nearly full keeps the process so busy that the watchdog may be first.
  ['memory', ['SIGABRT', 'SIGKILL'], '', ['--max-old-space-size=100']],
])(
  'a run whose code ends the process (%s) is stuck after five deaths, and all others are done; mended, it goes on',
  seconds(90),
  async (mode, ways, words, execArgv) => {
    const { endings, errors, told, last } = await lives.untilCalm(isCalm, { POISON: mode, CLOCK: '20' }, execArgv)
    expect(told).toMatchObject({ stuck: ['poison'], poison: { error: 'RUN_POISONED' } })
    expect([endings.length, endings.filter((one) => !ways.includes(one)), last]).toEqual([DEATHS, [], '0'])
    expect(errors).toContain(words)

    const mended = lives.next({ POISON: 'none', CLOCK: '20' })
    await mended.until(({ poison }) => poison.status === 'stuck')
    mended.ask('retry')
    await mended.until(({ poison }) => poison.status === 'completed')
  },
)

test('a long call is never accused, however often the process is killed', seconds(90), async () => {
  for (let kills = 0; kills < 10; kills++) {
    const life = lives.next({ LONG_MS: '4000' })
    await life.until(() => true)
    // Anything from the middle of taking up the runs to well into the call.
    const strike = setTimeout(() => life.child.kill('SIGKILL'), Math.random() * 1500)
    expect(await life.end).toBe('SIGKILL')
    clearTimeout(strike)
  }
  const last = lives.next({ LONG_MS: '4000' })
  const told = await last.until(({ completed, long, poison }) => {
    return completed === 50 && long === 'completed' && poison.status === 'completed'
  })
  expect(told.stuck).toEqual([])
})
