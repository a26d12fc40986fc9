// One of the processes of a shop whose services are apart: started, killed and started again at the same address. It remembers its
// lives, so that of what a service wrote down it can be said which process did it. None outlives whoever started it,
// not even one that is killed: each sees the end of the channel between them.
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** One process, from its start to its end. */
interface Life {
  readonly pid: number
  readonly from: number
}

export interface PartOptions {
  readonly name: string
  /** What node runs. */
  readonly args: readonly string[]
  /** Where it listens the first time; 0 takes any free port. */
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  /** It has ended, and nobody has asked it to. */
  readonly onGone: (part: Part, pid: number) => void
  /** Told of each line that it says. */
  readonly onLine?: (line: string) => void
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class Part {
  readonly name: string
  readonly #options: PartOptions
  readonly #lives: Life[] = []
  readonly #said: string[] = []
  #child: ChildProcess | undefined
  #url = ''

  constructor(options: PartOptions) {
    this.name = options.name
    this.#options = options
  }

  get url(): string {
    return this.#url
  }

  get pid(): number {
    return this.#lives.at(-1)?.pid ?? 0
  }

  /** The process that lived at a time, in milliseconds since the epoch. */
  pidAt(time: number): number {
    return this.#lives.findLast(({ from }) => from <= time)?.pid ?? 0
  }

  /** Resolves once it says where it is. @throws what it said when it ends before that. */
  async start(): Promise<void> {
    const { args, env, port, onGone, onLine } = this.#options
    const own = this.#url === '' ? String(port) : new URL(this.#url).port
    const from = Date.now()
    const child = spawn(process.execPath, [...args], {
      env: { ...process.env, ...env, PORT: own },
      // By the channel it sees when nobody is there any more to end it.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C is for whoever started it, who then ends this one in its turn.
      detached: true,
    })
    child.channel?.unref()
    running.add(child)
    this.#child = child
    this.#lives.push({ pid: child.pid ?? 0, from })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let isReady = false
    const heard = [child.stdout, child.stderr].flatMap((stream) => stream ?? [])
    for (const input of heard)
      createInterface({ input }).on('line', (line) => {
        this.#said.push(line)
        onLine?.(line)
        const url = /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(line)?.[0]
        if (isReady || url === undefined) return
        isReady = true
        this.#url = url
        resolve()
      })
    child.once('error', reject)
    child.once('close', () => {
      running.delete(child)
      if (!isReady) reject(new Error(`${this.name} did not start:\n${this.#said.slice(-20).join('\n')}`))
      else if (this.#child === child) onGone(this, child.pid ?? 0)
    })
    await promise
  }

  /** Stops the process where it is, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal)
  }

  /** Ends the process; resolves when it is gone, and all that it said was heard, with its exit code: null after a signal, 0 when there was none. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return 0
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill(signal)
    await gone
    return child.exitCode
  }
}
