// The services of a shop in a process of their own, as a campaign needs it: at one address for as long as the campaign lasts,
// whatever is done to the process behind it.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { servicesOf, type ShopSettings } from './shop-process.ts'

const script = fileURLToPath(new URL('apart/services.ts', import.meta.url))
const shopScript = fileURLToPath(new URL('apart/shop.ts', import.meta.url))

/** None outlives whoever started it. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class ServicesProcess {
  readonly #folder: string
  readonly #onTrouble: (error: Error) => void
  #child: ChildProcess | undefined
  #url = ''
  #payments: string | undefined

  /** @param folder of the shop; the services keep their books in it. */
  constructor(folder: string, onTrouble: (error: Error) => void) {
    this.#folder = folder
    this.#onTrouble = onTrouble
  }

  get url(): string {
    return this.#url
  }

  faultsAt(): string {
    return `${this.#url}/faults`
  }

  /** A shop whose operations ask here. */
  get shop(): ShopSettings {
    return { script: shopScript, env: { BALLET_SERVICES_AT: this.#url } }
  }

  /**
   * Resolves when they can be asked; the second time at the same address, and on the same database.
   * @param payments `postgres://...` of the accounts of Payment, when they are not in the folder.
   */
  start(payments?: string): Promise<void> {
    this.#payments ??= payments
    const folder = servicesOf(this.#folder)
    mkdirSync(folder, { recursive: true })
    const port = this.#url === '' ? '0' : new URL(this.#url).port
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, PORT: port, BALLET_SERVICES: folder, BALLET_PAYMENTS: this.#payments, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    running.add(child)
    const lines: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        const url = /^services at (\S+)$/.exec(line)?.[1]
        if (url === undefined) return
        this.#url = url
        resolve()
      })
    child.once('exit', () => {
      running.delete(child)
      if (this.#child === child) this.#onTrouble(new Error(`the services ended by themselves:\n${lines.join('\n')}`))
    })
    return promise
  }

  /** What they were told to do wrong, as a shop forgets it that ends with its services. */
  async forget(): Promise<void> {
    await fetch(this.faultsAt(), { method: 'DELETE' }).catch(() => null)
  }

  /** SIGKILL. Resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
}
