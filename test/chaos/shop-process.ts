// The shop as a process of its own: what `npm start` runs, on a store in a folder and on a free port. It is killed as
// the system kills (SIGKILL, no chance to write anything), asked to close, or stopped for a while, and started again on
// the same folder. One of these is one life; a life that ends without being asked to is a fault, and its last words are
// in `output`.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const usualScript = fileURLToPath(new URL('../../examples/shop/start.ts', import.meta.url))

/** Where the five services of a shop keep their databases. */
export const servicesOf = (folder: string): string => join(folder, 'services')

/** The file of its store. */
export const storeOf = (folder: string): string => join(folder, 'shop.db')

/** No shop outlives whoever started it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** How the process is started otherwise than usual. */
export interface ShopSettings {
  readonly env?: Readonly<Record<string, string>>
  /** A command that starts the command which follows it, and becomes it. */
  readonly under?: readonly string[]
  /** What is run in the place of the shop of `npm start`. */
  readonly script?: string
}

export class ShopProcess {
  /** The address once it takes orders; null when the process ended before that. */
  readonly ready: Promise<string | null>
  /** Resolves when it says that it waits for space before it opens; never otherwise. */
  readonly waitsForSpace: Promise<void>
  /** Resolves when a new shop has carried its first orders through; never when it ended before that. */
  readonly welcomed: Promise<void>
  /** Resolves when the process is gone, with its exit code; null after a kill. */
  readonly exit: Promise<number | null>
  isReady = false
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #asked = false

  constructor(folder: string, { env = {}, under = [], script = usualScript }: ShopSettings = {}) {
    mkdirSync(servicesOf(folder), { recursive: true })
    const [command, ...args] = [...under, process.execPath, script]
    const child = spawn(command, args, {
      env: { ...process.env, PORT: '0', BALLET_STORE: storeOf(folder), NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    running.add(child)
    const address = Promise.withResolvers<string>()
    const welcomed = Promise.withResolvers<void>()
    this.welcomed = welcomed.promise
    const full = Promise.withResolvers<void>()
    this.waitsForSpace = full.promise
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line)
        const port = /^ {2}address +http:\/\/localhost:(\d+)$/.exec(line)?.[1]
        if (port !== undefined) {
          this.isReady = true
          address.resolve(`http://127.0.0.1:${port}`)
        }
        if (line.startsWith('Ctrl-C closes the shop')) welcomed.resolve()
        if (line.includes('Opening waits until there is space')) full.resolve()
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

  get pid(): number | undefined {
    return this.#child.pid
  }

  kill(): void {
    this.#end('SIGKILL')
  }

  /** Asks it to finish what it does and to go. */
  close(): void {
    this.#end('SIGTERM')
  }

  /** Stops it where it is, until it is thawed. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  #end(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.#asked = true
    this.#child.kill(signal)
  }
}

/** Makes a shop in a folder, lets it carry its first orders through, and closes it. */
export async function prepareShop(folder: string, settings?: ShopSettings): Promise<void> {
  const shop = new ShopProcess(folder, settings)
  const isWell = await Promise.race([shop.welcomed.then(() => true), shop.exit.then(() => false)])
  shop.close()
  const code = await shop.exit
  if (!isWell || code !== 0) throw new Error(`a new shop did not do well (${code}):\n${shop.output}`)
}
