// The shop as a process of its own: what `npm start` runs, on a store in a folder and on a free port. It is killed as
// the system kills (SIGKILL, no chance to write anything) and started again on the same folder. One of these is one
// life; a life that ends without being asked to is a fault, and its last words are in `output`.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../../examples/shop/start.ts', import.meta.url))

/** Where the five services of a shop keep their databases. */
export const servicesOf = (folder: string): string => join(folder, 'services')

/** No shop outlives whoever started it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class ShopProcess {
  /** The address once it takes orders; null when the process ended before that. */
  readonly ready: Promise<string | null>
  /** Resolves when the process is gone, with its exit code; null after a kill. */
  readonly exit: Promise<number | null>
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #asked = false

  constructor(folder: string) {
    mkdirSync(servicesOf(folder), { recursive: true })
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, PORT: '0', BALLET_STORE: join(folder, 'shop.db'), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    running.add(child)
    const address = Promise.withResolvers<string>()
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line)
        const port = /^ {2}address +http:\/\/localhost:(\d+)$/.exec(line)?.[1]
        if (port !== undefined) address.resolve(`http://127.0.0.1:${port}`)
      })
    }
    this.exit = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => {
        running.delete(child)
        resolve(code)
      })
    })
    this.ready = Promise.race([address.promise, this.exit.then(() => null)])
  }

  /** Whether it was told to end: a process that ends before has broken. */
  get wasAsked(): boolean {
    return this.#asked
  }

  /** Everything that the process has said. */
  get output(): string {
    return this.#lines.join('\n')
  }

  kill(): void {
    this.#end('SIGKILL')
  }

  /** Asks it to finish what it does and to go. */
  close(): void {
    this.#end('SIGTERM')
  }

  #end(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.#asked = true
    this.#child.kill(signal)
  }
}
