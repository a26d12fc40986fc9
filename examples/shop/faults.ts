// What the services are told to do wrong, so that one can see what becomes of an order then. Faults stand in memory:
// a restart forgets them. Whoever keeps books lets its attempts go through here; no service and no style knows more
// about faults than that.
import { setTimeout as pause } from 'node:timers/promises'
import type { EventValue } from 'ballet'
import { z } from 'zod'

const operations = {
  catalog: ['reserve', 'release'],
  cart: ['checkOut'],
  payment: ['charge', 'refund'],
  shipping: ['ship', 'stop'],
  notification: ['notify'],
} as const
export type ServiceName = keyof typeof operations
const serviceNames = Object.keys(operations) as ServiceName[]
const decliners: readonly ServiceName[] = ['catalog', 'payment', 'shipping']

const kinds = ['slowMs', 'failTimes', 'loseAnswers', 'decline', 'garble', 'down', 'downMs'] as const
const times = z.int().min(0).max(1_000_000)

export const Fault = z
  .strictObject({
    service: z.enum(serviceNames),
    /** Only this operation of the service; without it all of them. */
    operation: z.string().max(64).optional(),
    /** Every answer takes this much longer. */
    slowMs: z.int().min(0).max(600_000).optional(),
    /** The next attempts break before anything happened. */
    failTimes: times.optional(),
    /** The next attempts do their work, and then their answer is lost. */
    loseAnswers: times.optional(),
    /** The business says no: out of stock, declined, not deliverable. */
    decline: z.boolean().optional(),
    /** Every answer is nonsense, and nothing happens: what no attempt can mend is stuck at once. */
    garble: z.boolean().optional(),
    /** Every attempt breaks until this is taken back. */
    down: z.boolean().optional(),
    /** Every attempt breaks for so long from now on. */
    downMs: z.int().min(0).max(86_400_000).optional(),
  })
  .refine((fault) => !fault.decline || decliners.includes(fault.service), {
    path: ['decline'],
    message: `this service has no way to decline: ${decliners.join(', ')} have`,
  })
  .superRefine(({ service, operation }, context) => {
    const known: readonly string[] = operations[service]
    if (operation === undefined || known.includes(operation)) return
    const message = `${service} has ${known.join(' and ')}`
    context.addIssue({ code: 'custom', path: ['operation'], message, params: { known } })
  })
  .refine((fault) => kinds.some((kind) => fault[kind] !== undefined), {
    message: `it does nothing: give ${kinds.join(', ')}`,
  })
export type Fault = z.infer<typeof Fault>

/** An attempt that reached a service. */
interface Attempt {
  readonly service: ServiceName
  readonly operation: string
  readonly signal: AbortSignal
}

/** No operation declares this answer. */
const nonsense: EventValue = { kind: 'event', type: 'nonsense', data: {}, key: '' }

/** The faults of one shop. Setting those of a service replaces the ones that it had. */
export class Faults {
  readonly #now: () => number
  readonly #faults = new Map<ServiceName, Fault>()
  /** When a service that is down for a while is up again. */
  readonly #upAt = new Map<ServiceName, number>()
  #changed = new AbortController()

  /** @param now milliseconds by some clock. */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  set(fault: Fault): void {
    this.#faults.set(fault.service, fault)
    this.#upAt.set(fault.service, this.#now() + (fault.downMs ?? 0))
  }

  /** All is well again: also what is slow at this moment goes on at once. */
  clear(): void {
    this.#faults.clear()
    this.#changed.abort()
    this.#changed = new AbortController()
  }

  list(): Fault[] {
    return [...this.#faults.values()]
  }

  declines(service: ServiceName): boolean {
    return this.#faults.get(service)?.decline === true
  }

  /** Does the work of an attempt, unless that is to break first, which `failed` writes down; loses its answer if told to. */
  async attempt<Answer extends EventValue>(
    { service, operation, signal }: Attempt,
    work: () => Answer | Promise<Answer>,
    failed: () => unknown,
  ): Promise<Answer> {
    const problem = await this.before(service, operation, signal)
    const isGarbled = problem === null && this.#of(service, operation)?.garble === true
    if (problem !== null || isGarbled) await failed()
    if (problem !== null) throw new Error(problem)
    if (isGarbled) return nonsense as Answer
    const answer = await work()
    if (this.#take(service, operation, 'loseAnswers')) throw new Error(`the answer of ${service} was lost`)
    return answer
  }

  /** Slows an attempt down; resolves with the reason why it is to break, or null. Rejects when `signal` is aborted. */
  async before(service: ServiceName, operation: string, signal: AbortSignal): Promise<string | null> {
    signal.throwIfAborted()
    const slowMs = this.#of(service, operation)?.slowMs ?? 0
    if (slowMs > 0) await this.#pause(slowMs, signal)
    if (this.#isDown(service, operation)) return `${service} is down`
    return this.#take(service, operation, 'failTimes') ? `${service} broke` : null
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await pause(ms, undefined, { signal: AbortSignal.any([signal, this.#changed.signal]) })
    } catch {
      // Only a signal ends a pause early: the attempt's own, or the word that all is well again.
      signal.throwIfAborted()
    }
  }

  #isDown(service: ServiceName, operation: string): boolean {
    const fault = this.#of(service, operation)
    if (fault === undefined) return false
    return fault.down === true || (fault.downMs !== undefined && this.#now() < (this.#upAt.get(service) ?? 0))
  }

  #of(service: ServiceName, operation: string): Fault | undefined {
    const fault = this.#faults.get(service)
    return fault?.operation === undefined || fault.operation === operation ? fault : undefined
  }

  #take(service: ServiceName, operation: string, kind: 'failTimes' | 'loseAnswers'): boolean {
    const fault = this.#of(service, operation)
    const left = fault?.[kind] ?? 0
    if (fault === undefined || left === 0) return false
    this.#faults.set(service, { ...fault, [kind]: left - 1 })
    return true
  }
}
