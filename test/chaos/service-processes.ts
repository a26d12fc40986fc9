// The services of a shop in a process each, as a campaign needs them: each at one address for as long as the campaign lasts. The
// blows to them fall while the service that is struck is carrying out a call, if one comes in time; how many it was is told.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Part } from '../../examples/shop/apart/part.ts'
import { SERVICES, variableOf } from '../../examples/shop/apart/places.ts'
import type { ServiceName } from '../../examples/shop/faults.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { Blow, Struck } from './blows.ts'
import { pause } from './pause.ts'
import { servicesOf, type ShopSettings } from './shop-process.ts'

const script = fileURLToPath(new URL('apart/host.ts', import.meta.url))
const shopScript = fileURLToPath(new URL('apart/shop.ts', import.meta.url))

/** How long a service is away at most: an operation has more attempts than fit into it. */
const AWAY_MS = 800
/** How long a call is waited for, and how far into it the blow comes at most. */
const CALL_WITHIN_MS = 3_000
const INTO_MS = 12
/** What may be struck: orders of a campaign have no cart. */
const STRUCK = ['catalog', 'payment', 'shipping', 'notification'] as const satisfies ServiceName[]

/** One service, and the calls that it is carrying out. */
class ServiceProcess {
  readonly part: Part
  readonly calls = new Set<string>()
  #arrived = Promise.withResolvers<void>()
  #isClosed = false

  constructor(name: ServiceName, folder: string, onTrouble: (error: Error) => void) {
    this.part = new Part({
      name,
      args: [script, name],
      port: 0,
      env: { BALLET_SERVICES: servicesOf(folder), NO_COLOR: '1' },
      onGone: () => onTrouble(new Error(`${name} ended by itself`)),
      onLine: (line) => this.#heard(line),
    })
  }

  #heard(line: string): void {
    const [, sign, call = ''] = /^([+-]) (\d+)$/.exec(line) ?? []
    if (sign === '-') this.calls.delete(call)
    if (sign !== '+') return
    this.calls.add(call)
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers()
  }

  /** Resolves when it is in the middle of a call, or has not been for so long. */
  async busy(chance: Chance): Promise<void> {
    const until = performance.now() + CALL_WITHIN_MS
    do {
      if (this.calls.size === 0) await Promise.race([this.#arrived.promise, pause(until - performance.now())])
      await pause(chance.between(0, INTO_MS))
    } while (this.calls.size === 0 && performance.now() < until)
  }

  async start(): Promise<void> {
    this.calls.clear()
    if (!this.#isClosed) await this.part.start()
  }

  /** For good, also when a blow to it is not over. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.part.end('SIGKILL')
  }
}

export class ServiceProcesses {
  readonly #folder: string
  readonly #services: ReadonlyMap<ServiceName, ServiceProcess>

  /** @param folder of the shop; the services keep their books in it. */
  constructor(folder: string, onTrouble: (error: Error) => void) {
    this.#folder = folder
    this.#services = new Map(SERVICES.map((name) => [name, new ServiceProcess(name, folder, onTrouble)]))
  }

  /** A shop whose operations ask here. */
  get shop(): ShopSettings {
    const urls = SERVICES.map((name) => [variableOf(name), this.#of(name).part.url])
    return { script: shopScript, env: Object.fromEntries(urls) as Record<string, string> }
  }

  async start(): Promise<void> {
    mkdirSync(servicesOf(this.#folder), { recursive: true })
    await Promise.all([...this.#services.values()].map((service) => service.start()))
  }

  faultsAt(service: ServiceName): string {
    return `${this.#of(service).part.url}/faults`
  }

  async forget(): Promise<void> {
    // One that is away at this moment has forgotten it by that.
    await Promise.all(SERVICES.map((name) => fetch(this.faultsAt(name), { method: 'DELETE' }).catch(() => null)))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.close()))
  }

  /** SIGKILL, and a new process after a while. */
  kill(chance: Chance): Blow {
    return this.#blow('kill-service', chance, async (service) => {
      await service.part.end('SIGKILL')
      const calls = service.calls.size
      await pause(chance.between(0, AWAY_MS))
      await service.start()
      return calls
    })
  }

  /** SIGTERM: it answers what it is carrying out, and ends well. */
  term(chance: Chance): Blow {
    return this.#blow('term-service', chance, async (service) => {
      const calls = service.calls.size
      const code = await service.part.end('SIGTERM')
      if (code !== 0) throw new Error(`${service.part.name} did not close well (${code})`)
      if (service.calls.size > 0)
        throw new Error(`${service.part.name} ended in the middle of what it was carrying out`)
      await pause(chance.between(0, AWAY_MS))
      await service.start()
      return calls
    })
  }

  /** SIGSTOP, and SIGCONT after one of some times: most are short, and some longer than an attempt may take. */
  freeze(chance: Chance, timesMs: readonly number[]): Blow {
    return this.#blow('freeze-service', chance, async (service) => {
      service.part.signal('SIGSTOP')
      await pause(chance.is(0.7) ? chance.between(50, 2_000) : chance.pick(timesMs))
      // All that it had said before it was stopped has been heard by now.
      const calls = service.calls.size
      service.part.signal('SIGCONT')
      return calls
    })
  }

  #blow(kind: Blow['kind'], chance: Chance, strike: (service: ServiceProcess) => Promise<number>): Blow {
    return {
      kind,
      isFatal: false,
      isUnderLoad: true,
      strike: async (): Promise<Struck> => {
        const service = this.#of(chance.pick(STRUCK))
        await service.busy(chance)
        const t = Date.now()
        const calls = await strike(service)
        return { t, target: service.part.name, calls }
      },
    }
  }

  #of(name: ServiceName): ServiceProcess {
    const service = this.#services.get(name)
    if (service === undefined) throw new Error(`there is no ${name}`)
    return service
  }
}
