// Processes on one store, one after the other, each of which may be ended by a run.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Told, Wish } from './main.ts'

const script = fileURLToPath(new URL('./main.ts', import.meta.url))

/** So many die until a run of up to 64 is known to be the one: two that are not marked, and three. */
export const DEATHS = 5

/** One life of the process. */
export class Life {
  readonly child: ChildProcess
  /** Resolves when it is gone: `9`, or `SIGKILL`. */
  readonly end: Promise<string>
  errors = ''
  #told: ((told: Told) => void)[] = []

  constructor(env: Readonly<Record<string, string>>, execArgv: readonly string[]) {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.end = promise
    this.child = fork(script, {
      execArgv: [...execArgv],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.child.stderr?.on('data', (data: Buffer) => (this.errors += data.toString()))
    this.child.on('message', (told: Told) => {
      for (const hear of this.#told) hear(told)
    })
    this.child.once('close', (code, killedBy) => {
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

export class Lives {
  readonly #store: string
  readonly #all: Life[] = []

  constructor(store: string) {
    this.#store = store
  }

  /** The next process. */
  next(env: Readonly<Record<string, string>>, execArgv: readonly string[] = []): Life {
    const life = new Life({ STORE: this.#store, ...env }, execArgv)
    this.#all.push(life)
    return life
  }

  /** Lets processes live and die until one is calm; says how the others ended, and what they said. */
  async untilCalm(
    isCalm: (told: Told) => boolean,
    env: Readonly<Record<string, string>>,
    execArgv: readonly string[] = [],
  ): Promise<{
    readonly endings: readonly string[]
    readonly errors: string
    readonly told: Told
    readonly last: string
  }> {
    const endings: string[] = []
    let errors = ''
    for (;;) {
      const life = this.next(env, execArgv)
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

  kill(): void {
    for (const { child } of this.#all) child.kill('SIGKILL')
  }
}
