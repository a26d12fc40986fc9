// What is to be compared: how many orders, in which styles, and what goes wrong meanwhile.
import { toMs } from '../../core/duration.ts'
import { isBalletError } from '../../core/errors.ts'

/** What goes wrong. A service that is down, and a kill, come when a fifth of the orders have ended; slowness from the start. */
export type ComparedFault =
  | { readonly kind: 'none' }
  | { readonly kind: 'kill' }
  | { readonly kind: 'down'; readonly service: string; readonly ms: number }
  | { readonly kind: 'slow'; readonly service: string; readonly ms: number }

/** What the process that plays one style is told. */
export interface PlayOrder {
  readonly file: string
  readonly folder: string
  readonly style: string
  readonly orders: number
  readonly inFlight: number
  readonly fault: ComparedFault
}

/** What has been counted at the store and by the process so far. */
export interface Counters {
  readonly commits: number
  /** Rows of journals, events and runs. */
  readonly rows: number
  /** User and system time of all threads. */
  readonly cpuMs: number
}

/** What the process says: an order has ended, or all have and this is what the journal says. */
export type PlayNews<Figures> =
  | { readonly kind: 'ended'; readonly counters: Counters }
  | { readonly kind: 'over'; readonly figures: Figures; readonly counters: Counters }
  | { readonly kind: 'failed'; readonly problem: string }

/** `payment-down:10s`, `slow-shipping:200ms` or `kill-process`; null for anything else. */
export function faultOf(text: string | undefined): ComparedFault | null {
  if (text === undefined) return { kind: 'none' }
  if (text === 'kill-process') return { kind: 'kill' }
  const [, down, downFor = ''] = /^([A-Za-z][\w-]*)-down:(.+)$/.exec(text) ?? []
  if (down !== undefined) return withLength(downFor, (ms) => ({ kind: 'down', service: down, ms }))
  const [, slow, slowBy = ''] = /^slow-([A-Za-z][\w-]*):(.+)$/.exec(text) ?? []
  if (slow !== undefined) return withLength(slowBy, (ms) => ({ kind: 'slow', service: slow, ms }))
  return null
}

function withLength(text: string, make: (ms: number) => ComparedFault): ComparedFault | null {
  try {
    return make(toMs(text))
  } catch (error) {
    if (isBalletError(error)) return null
    throw error
  }
}

/** A fault in words. */
export function faultWords(fault: ComparedFault): string {
  switch (fault.kind) {
    case 'none':
      return 'nothing goes wrong'
    case 'kill':
      return 'the process is killed when a fifth of the orders have ended, and started again'
    case 'down':
      return `${fault.service} does not answer for ${fault.ms} ms, from when a fifth of the orders have ended`
    case 'slow':
      return `every answer of ${fault.service} takes ${fault.ms} ms longer`
  }
}
