// The process under attack, as its attacker sees it: a port, how its event loop fared since it was last asked, and whether
// it is still there. It is ended with its parent.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { exchange, type Answer } from './wire.ts'
import { request, send, type RequestParts } from './requests.ts'

const script = fileURLToPath(new URL('server-process.ts', import.meta.url))

/** How the process fared since it was asked before. */
export interface Health {
  /** The longest time that its event loop did not turn; on a busy machine that may be others' doing. */
  readonly blockedMs: number
  /** The most processor time of its main thread between two turns. */
  readonly busyMs: number
  /** What the log said of the engine or the server. */
  readonly errors: readonly string[]
  readonly logged: number
  readonly rssBytes: number
}

export class Target {
  readonly port: number
  readonly #child: ChildProcess
  readonly #words: readonly string[]
  readonly #messages: Messages

  private constructor(child: ChildProcess, port: number, words: readonly string[], messages: Messages) {
    this.#child = child
    this.port = port
    this.#words = words
    this.#messages = messages
  }

  /** Starts a process on a new store. */
  static async start(storePath: string): Promise<Target> {
    const child = fork(script, [storePath], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    const words: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => words.push(String(text)))
    const messages = new Messages(child)
    const started = (await messages.next()) as { readonly port: number } | null
    if (started === null) throw new Error(`the process under attack did not start:\n${words.join('')}`)
    return new Target(child, started.port, words, messages)
  }

  async health(): Promise<Health> {
    const next = this.#messages.next()
    if (this.#child.connected) this.#child.send('health')
    const health = (await next) as Health | null
    if (health !== null) return health
    throw new Error(`the process under attack is gone (${this.#child.exitCode}): ${this.#words.join('').slice(-4000)}`)
  }

  /** One well-formed request and its answer. */
  async ask(parts: RequestParts): Promise<Answer> {
    const { answers, end } = await exchange(this.port, [send(request(parts))])
    return answers[0] ?? { status: 0, headers: new Map(), body: `no answer (${end})` }
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    while ((await this.#messages.next()) !== null);
  }
}

/** What a process sends, one after the other; null once it is gone. */
class Messages {
  #isOver = false
  #take: ((message: unknown) => void) | undefined

  constructor(child: ChildProcess) {
    child.on('message', (message) => this.#take?.(message))
    child.once('close', () => {
      this.#isOver = true
      this.#take?.(null)
    })
  }

  async next(): Promise<unknown> {
    if (this.#isOver) return null
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.#take = resolve
    return promise
  }
}
