// The other end of host.ts: starts the process of a system, waits until it is ready, and has it carry orders through. What
// the process says on its standard output and error is shown only when it fails.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Ask, Drove } from './closed-loop-for.ts'
import type { About, Endpoint, FromHost, ToHost } from './host.ts'

export interface HostProgram {
  /** From this folder. */
  readonly program: string
  readonly settings: object
}

/** What is kept of the output of a process, characters. */
const KEPT = 4000
/** Until a system is ready, milliseconds. */
const START_MS = 60_000

export class Hosted {
  readonly pid: number
  readonly about: About
  readonly http: Endpoint | undefined
  readonly #child: ChildProcess
  readonly #output: () => string

  private constructor(child: ChildProcess, output: () => string, ready: FromHost & { readonly kind: 'ready' }) {
    this.pid = child.pid ?? 0
    this.about = ready.about
    this.http = ready.http
    this.#child = child
    this.#output = output
  }

  static async start({ program, settings }: HostProgram): Promise<Hosted> {
    const child = fork(fileURLToPath(new URL(program, import.meta.url)), [JSON.stringify(settings)], { silent: true })
    let said = ''
    const keep = (text: Buffer): void => {
      said = (said + text.toString()).slice(-KEPT)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    const output = (): string => `${program}: ${said.trim()}`
    const timer = setTimeout(() => child.kill('SIGTERM'), START_MS)
    try {
      const ready = await message(child, 'ready', output)
      return new Hosted(child, output, ready)
    } finally {
      clearTimeout(timer)
    }
  }

  async drive(ask: Ask): Promise<Drove> {
    this.#tell({ kind: 'drive', ask })
    const { drove } = await message(this.#child, 'drove', this.#output)
    return drove
  }

  async ask(question: string): Promise<unknown> {
    this.#tell({ kind: 'question', question })
    const { answer } = await message(this.#child, 'answered', this.#output)
    return answer
  }

  async close(): Promise<void> {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#tell({ kind: 'close' })
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), START_MS)
    await ended
    clearTimeout(timer)
  }

  #tell(told: ToHost): void {
    this.#child.send(told)
  }
}

/** The next message of a kind, or what the process said before it ended. */
function message<Kind extends FromHost['kind']>(
  child: ChildProcess,
  kind: Kind,
  output: () => string,
): Promise<FromHost & { readonly kind: Kind }> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off('message', take)
      child.off('close', gone)
      child.off('error', reject)
    }
    const take = (one: FromHost): void => {
      if (one.kind !== kind) return
      settle()
      resolve(one as FromHost & { readonly kind: Kind })
    }
    const gone = (code: number | null, signal: string | null): void => {
      settle()
      reject(new Error(`ended with ${code ?? signal} before it was ${kind}: ${output()}`))
    }
    child.on('message', take)
    child.once('close', gone)
    child.once('error', reject)
  })
}
