// The process of service.ts, and what it has in its books.
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { secret } from './asking.ts'

const script = new URL('service.ts', import.meta.url).pathname
const processes: ChildProcess[] = []

/** One life of the services. */
export class Life {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #heard: () => void = () => {}

  constructor(settings: Readonly<Record<string, string>>) {
    const env = { ...process.env, ...settings, SECRET: secret }
    this.#child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    processes.push(this.#child)
    if (this.#child.stdout === null) throw new Error('no output')
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(line)
      this.#heard()
    })
  }

  /** Resolves to what stands behind the word, once the process has said that. */
  async said(word: string): Promise<string> {
    for (;;) {
      const line = this.#lines.find((one) => one.startsWith(word))
      if (line !== undefined) return line.slice(word.length).trim()
      await new Promise<void>((resolve) => (this.#heard = resolve))
    }
  }

  /** Resolves to its exit code, or to the signal that has ended it. */
  kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<unknown> {
    const gone = new Promise((resolve) => {
      this.#child.once('exit', (code, by) => resolve(code ?? by))
    })
    this.#child.kill(signal)
    return gone
  }

  static endAll(): void {
    for (const one of processes.splice(0)) one.kill('SIGKILL')
  }
}

export const effects = (
  books: string,
): readonly { readonly what: string; readonly key: string; readonly attempt: number }[] =>
  readFileSync(books, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { what: string; key: string; attempt: number })
