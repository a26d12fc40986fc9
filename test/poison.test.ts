// A run that ends the process, as a real process on a real file beside fifty healthy runs: after a bounded number of
// deaths it is left alone, and everything else has been done. And a long call is not taken for one, however often the
// process is killed from outside.
import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Told, Wish } from './poison/main.ts'

const script = fileURLToPath(new URL('./poison/main.ts', import.meta.url))
const children = new Set<ChildProcess>()
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-poison-'))
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  rmSync(folder, { recursive: true })
})

/** One life of the process. */
class Life {
  readonly child: ChildProcess
  /** Resolves when it is gone: `9`, or `SIGKILL`. */
  readonly end: Promise<string>
  errors = ''
  #told: ((told: Told) => void)[] = []

  constructor(env: Readonly<Record<string, string>>, execArgv: readonly string[] = []) {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.end = promise
    this.child = fork(script, {
      execArgv: [...execArgv],
      env: { ...process.env, STORE: join(folder, 'app.db'), ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    children.add(this.child)
    this.child.stderr?.on('data', (data: Buffer) => (this.errors += data.toString()))
    this.child.on('message', (told: Told) => {
      for (const hear of this.#told) hear(told)
    })
    this.child.once('close', (code, killedBy) => {
      children.delete(this.child)
      resolve(killedBy ?? String(code))
    })
  }

  ask(wish: Wish): void {
    this.child.send(wish)
  }

  /** Resolves once it tells what is wanted. */
  until(wanted: (told: Told) => boolean): Promise<Told> {
    return new Promise((resolve) => {
      this.#told.push((told) => {
        if (wanted(told)) resolve(told)
      })
    })
  }
}

const DEATHS = 5
const seconds = (count: number): { timeout: number } => ({ timeout: count * 1000 })

/** Lets processes live and die until one is calm; says how the others ended, and what they said. */
async function untilCalm(env: Readonly<Record<string, string>>, execArgv: readonly string[]) {
  const endings: string[] = []
  let errors = ''
  for (;;) {
    const life = new Life(env, execArgv)
    const told = await Promise.race([life.until(isCalm), life.end])
    errors += life.errors
    if (typeof told !== 'string') {
      life.ask('close')
      return { endings, errors, told, last: await life.end }
    }
    endings.push(told)
    if (endings.length > DEATHS) throw new Error(`it does not stop: ${endings.join(' ')}\n${errors}`)
  }
}

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
    const { endings, errors, told, last } = await untilCalm({ POISON: mode, CLOCK: '20' }, execArgv)
    expect(told).toMatchObject({ stuck: ['poison'], poison: { error: 'RUN_POISONED' } })
    expect([endings.length, endings.filter((one) => !ways.includes(one)), last]).toEqual([DEATHS, [], '0'])
    expect(errors).toContain(words)

    const mended = new Life({ POISON: 'none', CLOCK: '20' })
    await mended.until(({ poison }) => poison.status === 'stuck')
    mended.ask('retry')
    await mended.until(({ poison }) => poison.status === 'completed')
  },
)

test('a long call is never accused, however often the process is killed', seconds(90), async () => {
  for (let kills = 0; kills < 10; kills++) {
    const life = new Life({ LONG_MS: '4000' })
    await life.until(() => true)
    // Anything from the middle of taking up the runs to well into the call.
    const strike = setTimeout(() => life.child.kill('SIGKILL'), Math.random() * 1500)
    expect(await life.end).toBe('SIGKILL')
    clearTimeout(strike)
  }
  const last = new Life({ LONG_MS: '4000' })
  const told = await last.until(({ completed, long, poison }) => {
    return completed === 50 && long === 'completed' && poison.status === 'completed'
  })
  expect(told.stuck).toEqual([])
})
